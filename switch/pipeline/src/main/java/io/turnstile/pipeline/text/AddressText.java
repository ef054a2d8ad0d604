package io.turnstile.pipeline.text;

/** MAC, IPv4 and IPv6 addresses with masks, written as Open vSwitch writes them. */
public final class AddressText {
    private AddressText() {}

    /** Six hexadecimal groups of one or two digits. */
    static long parseMac(String text) throws FlowTextException {
        String[] groups = text.split(":", -1);
        if (groups.length != 6) {
            throw new FlowTextException(text + ": invalid Ethernet address");
        }
        long mac = 0;
        for (String group : groups) {
            if (!group.matches("[0-9a-fA-F]{1,2}")) {
                throw new FlowTextException(text + ": invalid Ethernet address");
            }
            mac = mac << 8 | Integer.parseInt(group, 16);
        }
        return mac;
    }

    public static String mac(long address) {
        return "%02x:%02x:%02x:%02x:%02x:%02x"
                .formatted(
                        address >>> 40 & 0xff,
                        address >>> 32 & 0xff,
                        address >>> 24 & 0xff,
                        address >>> 16 & 0xff,
                        address >>> 8 & 0xff,
                        address & 0xff);
    }

    static long parseIpv4(String text) throws FlowTextException {
        String[] groups = text.split("\\.", -1);
        if (groups.length != 4) {
            throw new FlowTextException(text + ": invalid IP address");
        }
        long address = 0;
        for (String group : groups) {
            if (!group.matches("[0-9]{1,3}") || Integer.parseInt(group) > 255) {
                throw new FlowTextException(text + ": invalid IP address");
            }
            address = address << 8 | Integer.parseInt(group);
        }
        return address;
    }

    /** @return the mask of a prefix length or dotted address */
    static long parseIpv4Mask(String text) throws FlowTextException {
        if (text.indexOf('.') >= 0) {
            return parseIpv4(text);
        }
        int prefix = (int) Numbers.parse("network prefix", text, 32);
        return prefix == 0 ? 0 : 0xffff_ffffL & (-1L << (32 - prefix));
    }

    public static String ipv4(long address) {
        return (address >>> 24 & 0xff) + "." + (address >>> 16 & 0xff) + "." + (address >>> 8 & 0xff) + "."
                + (address & 0xff);
    }

    /** With {@code /prefix}, or {@code /dotted.mask} if the mask is no prefix; nothing for a whole address. */
    public static String ipv4Masked(long address, long mask) {
        if (mask == 0xffff_ffffL) {
            return ipv4(address);
        }
        long inverse = ~mask & 0xffff_ffffL;
        boolean prefix = (inverse & (inverse + 1)) == 0;
        return ipv4(address) + "/" + (prefix ? Integer.toString(Long.bitCount(mask)) : ipv4(mask));
    }

    /** @return upper and lower half */
    static long[] parseIpv6(String text) throws FlowTextException {
        String[] halves = text.split("::", -1);
        if (halves.length > 2 || text.contains(":::")) {
            throw new FlowTextException(text + ": invalid IPv6 address");
        }
        int[] head = groups(halves[0], text);
        int[] tail = halves.length == 2 ? groups(halves[1], text) : new int[0];
        int given = head.length + tail.length;
        if (halves.length == 2 ? given > 7 : given != 8) {
            throw new FlowTextException(text + ": invalid IPv6 address");
        }
        int[] words = new int[8];
        System.arraycopy(head, 0, words, 0, head.length);
        System.arraycopy(tail, 0, words, 8 - tail.length, tail.length);
        return new long[] {join(words, 0), join(words, 4)};
    }

    private static long join(int[] words, int from) {
        return (long) words[from] << 48 | (long) words[from + 1] << 32 | (long) words[from + 2] << 16 | words[from + 3];
    }

    private static int[] groups(String part, String whole) throws FlowTextException {
        if (part.isEmpty()) {
            return new int[0];
        }
        String[] texts = part.split(":", -1);
        boolean dotted = texts[texts.length - 1].indexOf('.') >= 0;
        int[] words = new int[texts.length + (dotted ? 1 : 0)];
        for (int i = 0; i < texts.length; i++) {
            if (dotted && i == texts.length - 1) {
                long v4 = parseIpv4(texts[i]);
                words[i] = (int) (v4 >>> 16);
                words[i + 1] = (int) (v4 & 0xffff);
            } else if (texts[i].matches("[0-9a-fA-F]{1,4}")) {
                words[i] = Integer.parseInt(texts[i], 16);
            } else {
                throw new FlowTextException(whole + ": invalid IPv6 address");
            }
        }
        return words;
    }

    static long[] parseIpv6Mask(String text) throws FlowTextException {
        if (text.indexOf(':') >= 0) {
            return parseIpv6(text);
        }
        int prefix = (int) Numbers.parse("network prefix", text, 128);
        return new long[] {ones(Math.min(prefix, 64)), ones(Math.max(prefix - 64, 0))};
    }

    private static long ones(int leading) {
        return leading == 0 ? 0 : -1L << (64 - leading);
    }

    /** RFC 5952, with the last 32 bits dotted where inet_ntop(3) does so (IPv4-mapped and -compatible). */
    public static String ipv6(long high, long low) {
        int[] words = new int[8];
        for (int i = 0; i < 4; i++) {
            words[i] = (int) (high >>> (48 - 16 * i) & 0xffff);
            words[i + 4] = (int) (low >>> (48 - 16 * i) & 0xffff);
        }
        int bestStart = -1;
        int bestLength = 1;
        for (int i = 0; i < 8; i++) {
            int end = i;
            while (end < 8 && words[end] == 0) {
                end++;
            }
            if (end - i > bestLength) {
                bestStart = i;
                bestLength = end - i;
            }
        }
        boolean dotted = bestStart == 0 && (bestLength == 6 || bestLength == 5 && words[5] == 0xffff);
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < (dotted ? 6 : 8); i++) {
            if (i == bestStart) {
                out.append("::");
                i += bestLength - 1;
            } else {
                out.append(out.isEmpty() || out.charAt(out.length() - 1) == ':' ? "" : ":");
                out.append(Integer.toHexString(words[i]));
            }
        }
        if (dotted) {
            out.append(out.charAt(out.length() - 1) == ':' ? "" : ":").append(ipv4(low & 0xffff_ffffL));
        }
        return out.toString();
    }

    public static String ipv6Masked(long high, long low, long maskHigh, long maskLow) {
        int prefix = Long.bitCount(maskHigh) + Long.bitCount(maskLow);
        boolean contiguous = ones(Math.min(prefix, 64)) == maskHigh && ones(Math.max(prefix - 64, 0)) == maskLow;
        if (contiguous && prefix == 128) {
            return ipv6(high, low);
        }
        return ipv6(high, low) + "/" + (contiguous ? Integer.toString(prefix) : ipv6(maskHigh, maskLow));
    }
}
