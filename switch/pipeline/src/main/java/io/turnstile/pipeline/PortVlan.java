package io.turnstile.pipeline;

import io.turnstile.packet.EtherTypes;

/**
 * What a Port has to do with VLANs (ovs-vswitchd.conf.db(5), "VLAN Configuration").
 *
 * @param vlan the Port's own VLAN; 0 in a mode that has none
 * @param trunks the VLANs that it carries; none in a mode that trunks nothing
 * @param cvlans the customer VLANs that a tunnel port carries
 * @param qinqEtherType Ethernet type of the tag that a tunnel port puts on
 */
public record PortVlan(
        VlanMode mode, int vlan, VlanSet trunks, VlanSet cvlans, PriorityTags priorityTags, int qinqEtherType) {
    /** Carries everything as it is: a Port of which the database says nothing. */
    public static final PortVlan TRUNK =
            of(VlanMode.TRUNK, 0, VlanSet.ALL, VlanSet.ALL, PriorityTags.NEVER, EtherTypes.QINQ);

    /**
     * What follows from what was configured: a native VLAN other than 0 is always carried, untagged packets then being
     * its own and no VLAN 0; a mode has only what it looks at.
     */
    public static PortVlan of(
            VlanMode mode, int vlan, VlanSet trunks, VlanSet cvlans, PriorityTags priorityTags, int qinqEtherType) {
        int own = mode.hasOwnVlan() ? vlan : 0;
        VlanSet carried = switch (mode) {
            case ACCESS, DOT1Q_TUNNEL -> VlanSet.NONE;
            case TRUNK -> trunks;
            case NATIVE_TAGGED, NATIVE_UNTAGGED ->
                own == 0 ? trunks : trunks.with(own).without(0);
        };
        return new PortVlan(
                mode, own, carried, mode == VlanMode.DOT1Q_TUNNEL ? cvlans : VlanSet.ALL, priorityTags, qinqEtherType);
    }

    /** An access port of the VLAN. */
    public static PortVlan access(int vlan) {
        return of(VlanMode.ACCESS, vlan, VlanSet.ALL, VlanSet.ALL, PriorityTags.NEVER, EtherTypes.QINQ);
    }

    /** A trunk port of these VLANs. */
    public static PortVlan trunk(VlanSet vlans) {
        return of(VlanMode.TRUNK, 0, vlans, VlanSet.ALL, PriorityTags.NEVER, EtherTypes.QINQ);
    }

    /** Whether a packet may come in whose outer tag is of the VLAN; 0: it has none, or a priority tag. */
    boolean admits(int outerVlan) {
        return switch (mode) {
            case ACCESS -> outerVlan == 0;
            case TRUNK -> trunks.contains(outerVlan);
            case NATIVE_TAGGED, NATIVE_UNTAGGED -> outerVlan == 0 || trunks.contains(outerVlan);
            case DOT1Q_TUNNEL -> cvlans.contains(outerVlan);
        };
    }
}
