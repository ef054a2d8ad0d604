package io.turnstile.bridge;

import io.turnstile.datapath.Datapath;
import java.util.Map;

/** The columns in which a Datapath row shows its datapath. */
final class DatapathColumns {
    /** Datapath:capabilities (ovs-vswitchd.conf.db(5)): what this datapath can do of what Open vSwitch knows. */
    private static final Map<String, String> CAPABILITIES = Map.ofEntries(
            Map.entry("clone", "true"),
            Map.entry("ct_clear", "true"),
            Map.entry("ct_flush", "true"),
            Map.entry("ct_label", "true"),
            Map.entry("ct_mark", "true"),
            Map.entry("ct_orig_tuple", "true"),
            Map.entry("ct_orig_tuple6", "true"),
            Map.entry("ct_state", "true"),
            Map.entry("ct_state_nat", "true"),
            Map.entry("ct_timeout", "true"),
            Map.entry("ct_zero_snat", "true"),
            Map.entry("ct_zone", "true"),
            Map.entry("explicit_drop_action", "true"),
            Map.entry("masked_set_action", "true"),
            Map.entry("max_vlan_headers", Integer.toString(Datapath.MAX_VLAN_TAGS)),
            Map.entry("nd_ext", "true"),
            Map.entry("recirc", "true"),
            Map.entry("ufid", "true"));

    private DatapathColumns() {}

    static Map<String, Object> all() {
        return Map.of("capabilities", CAPABILITIES);
    }
}
