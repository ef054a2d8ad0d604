package io.turnstile.bridge;

import java.util.OptionalLong;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Pattern;

/**
 * The parser reads Ethernet addresses as the database has them ({@code 02:00:00:00:00:01}), and says which of them a
 * device may bear.
 */
public final class MacText {
    private static final Pattern FORM = Pattern.compile("[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}");
    private static final long GROUP_BIT = 1L << 40;
    private static final long LOCALLY_ADMINISTERED = 0x0200_0000_0000L;
    private static final long STATION_BITS = 0xfcff_ffff_ffffL;

    private MacText() {}

    /** The 48 bits of an address; empty if the text is none. */
    public static OptionalLong parse(String text) {
        return FORM.matcher(text).matches()
                ? OptionalLong.of(Long.parseLong(text.replace(":", ""), 16))
                : OptionalLong.empty();
    }

    /** An address that a device can bear: one station's; empty if the text is none, or it is a group's or zero. */
    static OptionalLong parseStation(String text) {
        OptionalLong mac = parse(text);
        return mac.isPresent() && mac.getAsLong() != 0 && (mac.getAsLong() & GROUP_BIT) == 0
                ? mac
                : OptionalLong.empty();
    }

    /** A random address of one station, locally administered. */
    static long randomStation() {
        return ThreadLocalRandom.current().nextLong() & STATION_BITS | LOCALLY_ADMINISTERED;
    }

    /**
     * Whether a bridge may bear the address of one of its ports: a single station's, given by its maker and not made up
     * for the while that a device exists, as those of veths and dummy devices are.
     */
    static boolean isUsableForBridge(long mac) {
        return mac != 0 && (mac & (GROUP_BIT | LOCALLY_ADMINISTERED)) == 0;
    }
}
