package io.turnstile.openflow.wire;

import org.projectfloodlight.openflow.protocol.OFFactories;
import org.projectfloodlight.openflow.protocol.OFFactory;
import org.projectfloodlight.openflow.protocol.OFVersion;

/** A version of OpenFlow, the oldest first; this switch speaks them all. */
public enum WireVersion {
    OF10(1, OFVersion.OF_10),
    OF11(2, OFVersion.OF_11),
    OF12(3, OFVersion.OF_12),
    OF13(4, OFVersion.OF_13),
    OF14(5, OFVersion.OF_14),
    OF15(6, OFVersion.OF_15);

    private final int code;
    private final OFFactory factory;

    WireVersion(int code, OFVersion version) {
        if (code >= Integer.SIZE) {
            throw new IllegalStateException("version " + code + " does not fit into the hello bitmap's first word");
        }
        this.code = code;
        this.factory = OFFactories.getFactory(version);
    }

    /** The header's version byte. */
    public int code() {
        return code;
    }

    public OFFactory factory() {
        return factory;
    }

    /** Whether it is this version or a later one. */
    public boolean isAtLeast(WireVersion first) {
        return compareTo(first) >= 0;
    }

    /** Instructions, 32-bit port numbers and padding in the heads of statistics: since 1.1. */
    public boolean hasInstructions() {
        return isAtLeast(OF11);
    }

    /** Matches are lists of OXM fields: since 1.2. */
    public boolean isOxm() {
        return isAtLeast(OF12);
    }

    /** What ports, tables and bundles say stands in properties: since 1.4. */
    public boolean hasProperties() {
        return isAtLeast(OF14);
    }
}
