package io.turnstile.pipeline.flow;

import io.turnstile.address.AddressText;

/** MAC, IPv4 and IPv6 addresses with masks, read and written as Open vSwitch does. */
final class AddressMaskText {
    private AddressMaskText() {}

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

    /** Returns the mask that a prefix length or dotted address stands for. */
    static long parseIpv4Mask(String text) throws FlowTextException {
        if (text.indexOf('.') >= 0) {
            return parseIpv4(text);
        }
        int prefix = (int) Numbers.parse("network prefix", text, 32);
        return prefix == 0 ? 0 : 0xffff_ffffL & (-1L << (32 - prefix));
    }

    /** With {@code /prefix}, or {@code /dotted.mask} if the mask is no prefix; nothing for a whole address. */
    static String ipv4Masked(long address, long mask) {
        if (mask == 0xffff_ffffL) {
            return AddressText.ipv4(address);
        }
        long inverse = ~mask & 0xffff_ffffL;
        boolean prefix = (inverse & (inverse + 1)) == 0;
        return AddressText.ipv4(address) + "/"
                + (prefix ? Integer.toString(Long.bitCount(mask)) : AddressText.ipv4(mask));
    }

    /** Returns upper and lower half. */
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

    static String ipv6Masked(long high, long low, long maskHigh, long maskLow) {
        int prefix = Long.bitCount(maskHigh) + Long.bitCount(maskLow);
        boolean contiguous = ones(Math.min(prefix, 64)) == maskHigh && ones(Math.max(prefix - 64, 0)) == maskLow;
        if (contiguous && prefix == 128) {
            return AddressText.ipv6(high, low);
        }
        return AddressText.ipv6(high, low) + "/"
                + (contiguous ? Integer.toString(prefix) : AddressText.ipv6(maskHigh, maskLow));
    }
}
