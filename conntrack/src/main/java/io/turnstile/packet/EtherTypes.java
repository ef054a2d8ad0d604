package io.turnstile.packet;

/** Ethernet types that the parser and the pipeline know by name (IEEE 802 numbers). */
public final class EtherTypes {
    public static final int IPV4 = 0x0800;
    public static final int ARP = 0x0806;
    public static final int RARP = 0x8035;
    public static final int VLAN = 0x8100;
    public static final int IPV6 = 0x86dd;
    /** IEEE 802.1ad: a service tag. */
    public static final int QINQ = 0x88a8;
    /** RFC 5332: a label stack, unicast and most of multicast. */
    public static final int MPLS = 0x8847;
    /** RFC 5332: a label stack whose labels were given out upstream. */
    public static final int MPLS_MULTICAST = 0x8848;
    /** A network service header (RFC 8300). */
    public static final int NSH = 0x894f;
    /** Ethernet within something else (RFC 1701). */
    public static final int TRANSPARENT_BRIDGING = 0x6558;
    /** What ovs-fields(7) says dl_type is for frames without an Ethernet type. */
    public static final int NOT_ETH_TYPE = 0x05ff;

    private EtherTypes() {}

    /** Whether a VLAN tag begins with that type. */
    public static boolean isTag(int etherType) {
        return etherType == VLAN || etherType == QINQ;
    }

    /** Whether a label stack begins with that type. */
    public static boolean isMpls(int etherType) {
        return etherType == MPLS || etherType == MPLS_MULTICAST;
    }
}
