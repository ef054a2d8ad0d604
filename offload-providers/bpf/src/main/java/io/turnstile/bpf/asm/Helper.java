package io.turnstile.bpf.asm;

import java.util.Locale;
import java.util.Optional;

/**
 * A function of the kernel that programs of type tc, XDP or socket filter call in order to look at packets and send
 * them on. What each takes and gives is said in bpf-helpers(7); numbers from include/uapi/linux/bpf.h. Which of them a
 * program's type and licence allow is the verifier's to say.
 */
public enum Helper {
    // spotless:off
    MAP_LOOKUP_ELEM         (1),
    MAP_UPDATE_ELEM         (2),
    MAP_DELETE_ELEM         (3),
    KTIME_GET_NS            (5),
    GET_PRANDOM_U32         (7),
    GET_SMP_PROCESSOR_ID    (8),
    SKB_STORE_BYTES         (9),
    L3_CSUM_REPLACE        (10),
    L4_CSUM_REPLACE        (11),
    CLONE_REDIRECT         (13),
    SKB_VLAN_PUSH          (18),
    SKB_VLAN_POP           (19),
    REDIRECT               (23),
    SKB_LOAD_BYTES         (26),
    CSUM_DIFF              (28),
    SKB_CHANGE_TYPE        (32),
    GET_HASH_RECALC        (34),
    SKB_CHANGE_TAIL        (38),
    SKB_PULL_DATA          (39),
    CSUM_UPDATE            (40),
    SET_HASH_INVALID       (41),
    XDP_ADJUST_HEAD        (44),
    REDIRECT_MAP           (51),
    XDP_ADJUST_META        (54),
    XDP_ADJUST_TAIL        (65),
    SKB_LOAD_BYTES_RELATIVE(68),
    FIB_LOOKUP             (69),
    JIFFIES64             (118),
    KTIME_GET_BOOT_NS     (125),
    CSUM_LEVEL            (135),
    REDIRECT_NEIGH        (152),
    REDIRECT_PEER         (155),
    KTIME_GET_COARSE_NS   (160),
    CHECK_MTU             (163),
    XDP_GET_BUFF_LEN      (188),
    XDP_LOAD_BYTES        (189),
    XDP_STORE_BYTES       (190),
    MAP_LOOKUP_PERCPU_ELEM(195);
    // spotless:on

    private final int number;

    Helper(int number) {
        this.number = number;
    }

    public int number() {
        return number;
    }

    /** Its name in bpf-helpers(7) and in the verifier's log, such as {@code bpf_map_lookup_elem}. */
    public String kernelName() {
        return "bpf_" + name().toLowerCase(Locale.ROOT);
    }

    static Optional<Helper> ofNumber(int number) {
        for (Helper helper : values()) {
            if (helper.number == number) {
                return Optional.of(helper);
            }
        }
        return Optional.empty();
    }
}
