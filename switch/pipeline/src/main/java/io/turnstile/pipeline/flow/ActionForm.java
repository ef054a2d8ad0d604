package io.turnstile.pipeline.flow;

/**
 * One way in which an action stands on the wire: whose number it has, which versions of OpenFlow have it, and its size.
 * Versions are the first byte of every OpenFlow message: {@link #OF10} is 1, {@link #OF15} is 6.
 *
 * @param number the type, or a vendor's subtype
 * @param sizeBytes header and padding included
 * @param mayBeLonger whether the size is only the least: more follows, in multiples of eight bytes
 */
public record ActionForm(
        Vendor vendor, int number, int firstVersion, int lastVersion, int sizeBytes, boolean mayBeLonger) {
    public static final int OF10 = 1;
    public static final int OF11 = 2;
    public static final int OF12 = 3;
    public static final int OF13 = 4;
    public static final int OF14 = 5;
    public static final int OF15 = 6;

    // Actions that stand in several forms in one version: their codecs tell these apart.
    public static final ActionForm SET_FIELD = standard(25, 8).orLonger().since(OF12);
    public static final ActionForm COPY_FIELD = standard(28, 16).orLonger().since(OF15);
    public static final ActionForm ONF_COPY_FIELD =
            onf(3200, 24).orLonger().since(OF13).upTo(OF14);
    public static final ActionForm NX_RESUBMIT = nicira(1, 16);
    public static final ActionForm NX_RESUBMIT_TABLE = nicira(14, 16);
    public static final ActionForm NX_RESUBMIT_TABLE_CT = nicira(44, 16);
    public static final ActionForm NX_REG_MOVE = nicira(6, 16).orLonger().upTo(OF14);
    public static final ActionForm NX_REG_LOAD = nicira(7, 24).upTo(OF14);
    public static final ActionForm NX_REG_LOAD2 = nicira(33, 16).orLonger().upTo(OF14);
    public static final ActionForm NX_OUTPUT_REG = nicira(15, 24);
    public static final ActionForm NX_OUTPUT_REG2 = nicira(32, 24);
    public static final ActionForm NX_CONTROLLER = nicira(20, 16);
    public static final ActionForm NX_CONTROLLER2 = nicira(37, 16).orLonger();

    public static final ActionForm NX_SET_TUNNEL = nicira(2, 16);
    public static final ActionForm NX_SET_TUNNEL64 = nicira(9, 24);
    public static final ActionForm NX_LEARN = nicira(16, 32).orLonger();
    public static final ActionForm NX_LEARN2 = nicira(45, 40).orLonger();

    public static final ActionForm NX_SAMPLE = nicira(29, 24);
    public static final ActionForm NX_SAMPLE2 = nicira(38, 32);
    public static final ActionForm NX_SAMPLE3 = nicira(41, 32);

    public static final ActionForm NX_BUNDLE = nicira(12, 32).orLonger();
    public static final ActionForm NX_BUNDLE_LOAD = nicira(13, 32).orLonger();

    public static final ActionForm NX_ENCAP = nicira(46, 16).orLonger().since(OF13);
    public static final ActionForm NX_DECAP = nicira(47, 16).orLonger().since(OF13);
    public static final ActionForm NX_DEC_NSH_TTL = nicira(48, 16).since(OF13);

    // What Open vSwitch takes under later versions, too, though set_field has come in their place.
    public static final ActionForm NX_SET_MPLS_LABEL = nicira(30, 16).in(OF10);
    public static final ActionForm SET_MPLS_LABEL = standard(13, 8).since(OF11);
    public static final ActionForm NX_SET_MPLS_TC = nicira(31, 16).in(OF10);
    public static final ActionForm SET_MPLS_TC = standard(14, 8).since(OF11);
    public static final ActionForm NX_SET_MPLS_TTL = nicira(25, 16).in(OF10);
    public static final ActionForm SET_MPLS_TTL = standard(15, 8).since(OF11);

    static ActionForm[] setMplsForms() {
        return new ActionForm[] {
            NX_SET_MPLS_LABEL, SET_MPLS_LABEL, NX_SET_MPLS_TC, SET_MPLS_TC, NX_SET_MPLS_TTL, SET_MPLS_TTL
        };
    }

    /** Who numbers the action. */
    public enum Vendor {
        STANDARD,
        NICIRA,
        ONF
    }

    /** The specifications' own type. */
    static ActionForm standard(int type, int sizeBytes) {
        return new ActionForm(Vendor.STANDARD, type, OF10, OF15, sizeBytes, false);
    }

    /** A subtype of Nicira's (NXAST_*). */
    static ActionForm nicira(int subtype, int sizeBytes) {
        return new ActionForm(Vendor.NICIRA, subtype, OF10, OF15, sizeBytes, false);
    }

    /** A subtype of the Open Networking Foundation's. */
    static ActionForm onf(int subtype, int sizeBytes) {
        return new ActionForm(Vendor.ONF, subtype, OF10, OF15, sizeBytes, false);
    }

    ActionForm in(int version) {
        return new ActionForm(vendor, number, version, version, sizeBytes, mayBeLonger);
    }

    ActionForm since(int version) {
        return new ActionForm(vendor, number, version, lastVersion, sizeBytes, mayBeLonger);
    }

    ActionForm upTo(int version) {
        return new ActionForm(vendor, number, firstVersion, version, sizeBytes, mayBeLonger);
    }

    ActionForm orLonger() {
        return new ActionForm(vendor, number, firstVersion, lastVersion, sizeBytes, true);
    }

    /** Whether this version of OpenFlow has the action in this form. */
    public boolean isIn(int version) {
        return version >= firstVersion && version <= lastVersion;
    }

    /** Whether an action of this form may have so many bytes. */
    public boolean admits(int bytes) {
        return mayBeLonger ? bytes >= sizeBytes : bytes == sizeBytes;
    }
}
