package io.turnstile.conntrack;

import java.util.List;

/** The bits of {@code ct_state}, numbered as ovs-fields(7) and the NXM_NX_CT_STATE field have them. */
public final class CtState {
    public static final int NEW = 0x01;
    public static final int EST = 0x02;
    public static final int REL = 0x04;
    public static final int RPL = 0x08;
    public static final int INV = 0x10;
    public static final int TRK = 0x20;
    public static final int SNAT = 0x40;
    public static final int DNAT = 0x80;
    /** By bit, lowest first, as flows and tools write them. */
    public static final List<String> NAMES = List.of("new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat");

    public static final int ALL = (1 << NAMES.size()) - 1;

    private CtState() {}
}
