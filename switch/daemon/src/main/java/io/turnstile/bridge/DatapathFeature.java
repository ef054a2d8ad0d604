package io.turnstile.bridge;

import io.turnstile.datapath.Datapath;
import io.turnstile.datapath.DatapathAction;
import io.turnstile.datapath.HashAlgorithm;
import io.turnstile.datapath.LabelStack;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What a datapath can do of what Open vSwitch knows: the rows of Datapath:capabilities (ovs-vswitchd.conf.db(5)),
 * {@code dpif/show-dp-features} and {@code dpif/set-dp-features}. What rests on an action of the executor names it.
 */
public enum DatapathFeature {
    // spotless:off
    MASKED_SET_ACTION   ("Masked set action", DatapathAction.SetField.class),
    TNL_PUSH_POP        ("Tunnel push pop", false),
    UFID                ("Ufid", true),
    TRUNC               ("Truncate action", DatapathAction.OutputTruncated.class),
    CLONE               ("Clone action", DatapathAction.Clone.class),
    SAMPLE_NESTING      ("Sample nesting", 0),
    CT_EVENTMASK        ("Conntrack eventmask", false),
    CT_CLEAR            ("Conntrack clear", DatapathAction.CtClear.class),
    MAX_HASH_ALG        ("Max dp_hash algorithm", HashAlgorithm.values().length - 1),
    CHECK_PKT_LEN       ("Check pkt length action", DatapathAction.CheckPacketLength.class),
    CT_TIMEOUT          ("Conntrack timeout policy", DatapathAction.Ct.class),
    EXPLICIT_DROP_ACTION("Explicit Drop action", DatapathAction.Drop.class),
    LB_OUTPUT_ACTION    ("Optimized Balance TCP mode", false),
    CT_ZERO_SNAT        ("Conntrack all-zero IP SNAT", DatapathAction.Ct.class),
    ADD_MPLS            ("MPLS Label add", DatapathAction.AddMpls.class),
    PSAMPLE             ("psample action", false),
    MAX_VLAN_HEADERS    ("Max VLAN headers", Datapath.MAX_VLAN_TAGS),
    MAX_MPLS_DEPTH      ("Max MPLS depth", LabelStack.ENTRIES),
    RECIRC              ("Recirc", DatapathAction.Recirculate.class),
    CT_STATE            ("CT state", DatapathAction.Ct.class),
    CT_ZONE             ("CT zone", DatapathAction.Ct.class),
    CT_MARK             ("CT mark", DatapathAction.Ct.class),
    CT_LABEL            ("CT label", DatapathAction.Ct.class),
    CT_STATE_NAT        ("CT state NAT", DatapathAction.Ct.class),
    CT_ORIG_TUPLE       ("CT orig tuple", DatapathAction.Ct.class),
    CT_ORIG_TUPLE6      ("CT orig tuple for IPv6", DatapathAction.Ct.class),
    ND_EXT              ("IPv6 ND Extension", true);
    // spotless:on

    private static final String CT_FLUSH = "ct_flush"; // a column's word alone: the commands do not show it

    private final String title;
    private final Object value;
    private final @Nullable Class<? extends DatapathAction> action;

    DatapathFeature(String title, Class<? extends DatapathAction> action) {
        this.title = title;
        this.value = true;
        this.action = action;
    }

    /** @param value true or false, or how many */
    DatapathFeature(String title, Object value) {
        this.title = title;
        this.value = value;
        this.action = null;
    }

    /** The name in the database and of {@code dpif/set-dp-features}. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The name in {@code dpif/show-dp-features}. */
    public String title() {
        return title;
    }

    /** {@code true}, {@code false} or a number. */
    public String value() {
        return value.toString();
    }

    /** Whether it is there or not, in words; how many there are of it. */
    public String valueInWords() {
        return value instanceof Boolean there ? there ? "Yes" : "No" : value();
    }

    /** The action that it rests on; null if it rests on none. */
    @Nullable
    Class<? extends DatapathAction> action() {
        return action;
    }

    /** The whole map of the column. Sample nesting is told there as a yes or no. */
    static Map<String, String> capabilities() {
        Map<String, String> all = new TreeMap<>(Arrays.stream(values())
                .collect(Collectors.toMap(
                        DatapathFeature::label,
                        feature -> feature == SAMPLE_NESTING
                                ? Boolean.toString(!feature.value.equals(0))
                                : feature.value())));
        all.put(CT_FLUSH, "true");
        return all;
    }
}
