package io.turnstile.openflow.wire;

import java.util.Arrays;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.projectfloodlight.openflow.protocol.OFFactories;
import org.projectfloodlight.openflow.protocol.OFFactory;
import org.projectfloodlight.openflow.protocol.OFVersion;

/** The versions that this switch speaks, the oldest first. */
public enum WireVersion {
    OF10(1, OFVersion.OF_10),
    OF13(4, OFVersion.OF_13),
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

    /** OXM matches, instructions and 32-bit port numbers. */
    public boolean isOxm() {
        return this != OF10;
    }

    /** Whether a meter is an action; in 1.3 and 1.4 it is an instruction. */
    public boolean hasMeterAction() {
        return code >= OF15.code;
    }

    /** Whether buckets in the deletion of a group are an error. */
    public boolean refusesBucketsInDeletions() {
        return code >= OF13.code;
    }

    /** Whether statistics of groups say how long these have been there. */
    public boolean hasGroupDurations() {
        return this == OF10 || code >= OF13.code;
    }

    /** Whether groups are described as 1.5 does, which Open vSwitch's extension of 1.0 does as well. */
    public boolean hasBucketIds() {
        return this == OF10 || code >= OF15.code;
    }

    /** The highest version. */
    public static WireVersion newest() {
        return values()[values().length - 1];
    }

    /** All versions' codes for people: {@code 0x01, 0x04}. */
    public static String allCodes() {
        return Arrays.stream(values())
                .map(version -> "0x%02x".formatted(version.code))
                .collect(Collectors.joining(", "));
    }

    /** All versions as a hello bitmap. */
    public static int bitmap() {
        int bits = 0;
        for (WireVersion version : values()) {
            bits |= 1 << version.code;
        }
        return bits;
    }

    /** The highest version in the bitmap, null if there is none. */
    public static @Nullable WireVersion highest(int bitmap) {
        WireVersion best = null;
        for (WireVersion version : values()) {
            best = (bitmap & 1 << version.code) != 0 ? version : best;
        }
        return best;
    }
}
