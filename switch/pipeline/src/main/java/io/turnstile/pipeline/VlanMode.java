package io.turnstile.pipeline;

import java.util.Arrays;
import java.util.Optional;

/** What a Port does with VLAN tags: {@code Port:vlan_mode} of ovs-vswitchd.conf.db(5). */
public enum VlanMode {
    // spotless:off
    //               in the database      has a VLAN of its own
    ACCESS          ("access",            true),
    TRUNK           ("trunk",             false),
    NATIVE_TAGGED   ("native-tagged",     true),
    NATIVE_UNTAGGED ("native-untagged",   true),
    DOT1Q_TUNNEL    ("dot1q-tunnel",      true);
    // spotless:on

    private final String label;
    private final boolean ownVlan;

    VlanMode(String label, boolean ownVlan) {
        this.label = label;
        this.ownVlan = ownVlan;
    }

    /** The mode as the database has it. */
    public String label() {
        return label;
    }

    /** Whether {@code Port:tag} means something. */
    public boolean hasOwnVlan() {
        return ownVlan;
    }

    /** The mode of that name. */
    public static Optional<VlanMode> named(String label) {
        return Arrays.stream(values()).filter(mode -> mode.label.equals(label)).findFirst();
    }
}
