package io.turnstile.address;

/** Addresses as people read them: colons and hex, dotted quad, and RFC 5952 §4 for IPv6. */
public final class AddressText {
    private static final int GROUPS = 8;
    private static final long MAPPED_PREFIX = 0xffffL;

    private AddressText() {}

    /** {@code 02:00:00:00:00:01}. */
    public static String mac(long address) {
        StringBuilder text = new StringBuilder(17);
        for (int shift = 44; shift >= 0; shift -= 4) {
            text.append(Character.forDigit((int) (address >>> shift) & 0xf, 16));
            if (shift % 8 == 0 && shift > 0) {
                text.append(':');
            }
        }
        return text.toString();
    }

    /** {@code 10.0.0.1}. */
    public static String ipv4(long address) {
        return (address >> 24 & 0xff) + "." + (address >> 16 & 0xff) + "." + (address >> 8 & 0xff) + "."
                + (address & 0xff);
    }

    /**
     * {@code fc00::1}; with an IPv4 address inside it {@code ::ffff:10.0.0.1} or {@code ::10.0.0.1}, as inet_ntop(3).
     */
    public static String ipv6(long high, long low) {
        if (high == 0 && low >>> 32 == MAPPED_PREFIX) {
            return "::ffff:" + ipv4(low);
        }
        if (high == 0 && low >>> 32 == 0 && low >>> 16 != 0) {
            return "::" + ipv4(low);
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
