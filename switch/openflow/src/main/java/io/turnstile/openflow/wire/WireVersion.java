package io.turnstile.openflow.wire;

import java.util.Arrays;
import java.util.Optional;
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

    /** The version of that byte; empty if there is none. */
    public static Optional<WireVersion> of(int code) {
        return Arrays.stream(values()).filter(version -> version.code == code).findFirst();
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

    /** Whether a meter is an action; in 1.3 and 1.4 it is an instruction. */
    public boolean hasMeterAction() {
        return isAtLeast(OF15);
    }

    /** Whether buckets in the deletion of a group are an error. */
    public boolean refusesBucketsInDeletions() {
        return isAtLeast(OF13);
    }

    /** Whether statistics of groups say how long these have been there. */
    public boolean hasGroupDurations() {
        return this == OF10 || isAtLeast(OF13);
    }

    /** Whether groups are described as 1.5 does, which Open vSwitch's extension of 1.0 does as well. */
    public boolean hasBucketIds() {
        return this == OF10 || isAtLeast(OF15);
    }

    /** What ports, tables and bundles say stands in properties: since 1.4. */
    public boolean hasProperties() {
        return isAtLeast(OF14);
    }
}
