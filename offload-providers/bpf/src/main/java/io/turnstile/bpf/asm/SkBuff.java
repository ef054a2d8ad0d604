package io.turnstile.bpf.asm;

/**
 * Fields of the context of tc programs and socket filters ({@code struct __sk_buff} in include/uapi/linux/bpf.h), each
 * 4 bytes but {@link #TSTAMP}.
 */
public enum SkBuff {
    // spotless:off
    LEN             (0),
    PKT_TYPE        (4),
    MARK            (8),
    QUEUE_MAPPING  (12),
    PROTOCOL       (16),
    VLAN_PRESENT   (20),
    VLAN_TCI       (24),
    VLAN_PROTO     (28),
    PRIORITY       (32),
    INGRESS_IFINDEX(36),
    IFINDEX        (40),
    TC_INDEX       (44),
    /** Five words that belong to whoever has the packet. */
    CB             (48),
    HASH           (68),
    TC_CLASSID     (72),
    DATA           (76),
    DATA_END       (80),
    NAPI_ID        (84),
    DATA_META     (140),
    TSTAMP        (152),
    WIRE_LEN      (160),
    GSO_SEGS      (164),
    GSO_SIZE      (176);
    // spotless:on

    /** All of the context, as {@code BPF_PROG_TEST_RUN} takes it. */
    public static final int SIZE_BYTES = 192;

    private final int offset;

    SkBuff(int offset) {
        this.offset = offset;
    }

    /** Bytes from the start of the context. */
    public int offset() {
        return offset;
    }
}
