package io.turnstile.address;

/** Addresses as people read them: dotted quad, and RFC 5952 §4 for IPv6. */
public final class AddressText {
    private static final int GROUPS = 8;
    private static final long MAPPED_PREFIX = 0xffffL;

    private AddressText() {}

    /** {@code 10.0.0.1}. */
    public static String ipv4(long address) {
        return (address >> 24 & 0xff) + "." + (address >> 16 & 0xff) + "." + (address >> 8 & 0xff) + "."
                + (address & 0xff);
    }

    /** {@code fc00::1}; an IPv4-mapped address as {@code ::ffff:10.0.0.1} (RFC 5952 §5). */
    public static String ipv6(long high, long low) {
        if (high == 0 && low >>> 32 == MAPPED_PREFIX) {
            return "::ffff:" + ipv4(low);
        }
        int[] groups = new int[GROUPS];
        for (int i = 0; i < GROUPS; i++) {
            groups[i] = (int) ((i < 4 ? high : low) >>> 48 - 16 * (i & 3)) & 0xffff;
        }
        return withLongestZeroRunCut(groups);
    }

    private static String withLongestZeroRunCut(int[] groups) {
        int cutStart = -1;
        int cutLength = 1; // a single zero group is never cut (RFC 5952 §4.2.2)
        for (int i = 0; i < GROUPS; i++) {
            int length = 0;
            while (i + length < GROUPS && groups[i + length] == 0) {
                length++;
            }
            if (length > cutLength) {
                cutStart = i;
                cutLength = length;
            }
            i += length;
        }
        StringBuilder text = new StringBuilder(39);
        for (int i = 0; i < GROUPS; i++) {
            if (i == cutStart) {
                text.append("::");
                i += cutLength - 1;
                continue;
            }
            if (!text.isEmpty() && text.charAt(text.length() - 1) != ':') {
                text.append(':');
            }
            text.append(Integer.toHexString(groups[i]));
        }
        return text.toString();
    }
}
