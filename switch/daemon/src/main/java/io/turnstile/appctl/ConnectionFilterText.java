package io.turnstile.appctl;

import io.turnstile.conntrack.ConnectionFilter;
import io.turnstile.conntrack.ConnectionFilter.PartialTuple;
import io.turnstile.conntrack.SctpState;
import io.turnstile.conntrack.TcpState;
import io.turnstile.packet.IpProtocols;
import java.math.BigInteger;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The filter {@code [zone=N] [mark=X[/M]] [labels=X[/M]] [ct-orig-tuple [ct-reply-tuple]]} of
 * {@code dpctl/flush-conntrack} (ovs-vswitchd(8)), read, with what Open vSwitch has not: {@code state=NAME[,NAME]…} and
 * {@code limit=N} before the tuples, in any order, and masks behind addresses and ports, {@code ct_nw_src=10.0.0.0/8}
 * and {@code ct_tp_dst=0x400/0xfc00}.
 */
final class ConnectionFilterText {
    private static final Pattern IPV4 = Pattern.compile("(0|[1-9]\\d{0,2})(\\.(0|[1-9]\\d{0,2})){3}");
    private static final Pattern PREFIX = Pattern.compile("\\d{1,3}");
    private static final Pattern WORD = Pattern.compile("(mark|labels|state|limit)=|ct_(nw|ipv6|tp)_|icmp_|\\z");
    private static final Pattern IPV6 = Pattern.compile("[0-9a-fA-F:.]*:[0-9a-fA-F:.]*");

    private final ConnectionFilter filter = new ConnectionFilter();

    private ConnectionFilterText() {}

    static ConnectionFilter parse(List<String> words) throws BadArgument {
        return new ConnectionFilterText().read(words);
    }

    /** Whether a word of {@code dpctl/dump-conntrack} is part of a filter that Open vSwitch does not have there. */
    static boolean isFilter(String word) {
        return WORD.matcher(word).lookingAt();
    }

    /** Whether a word is part of a filter that Open vSwitch has nowhere. */
    static boolean isOurs(String word) {
        return word.startsWith("state=") || word.startsWith("limit=");
    }

    private ConnectionFilter read(List<String> words) throws BadArgument {
        int at = 0;
        Set<String> seen = new HashSet<>();
        while (at < words.size() && seen.add(key(words.get(at))) && setting(words.get(at))) {
            at++;
        }
        for (PartialTuple tuple : List.of(filter.original, filter.reply)) {
            if (at < words.size() && !words.get(at++).isEmpty()) {
                tuple(words.get(at - 1), tuple);
            }
        }
        if (at < words.size()) {
            throw new BadArgument("invalid arguments");
        }
        return filter;
    }

    private static String key(String word) {
        return word.substring(0, Math.max(0, word.indexOf('=')));
    }

    /** Reads a word that is not a tuple; false if it is one. */
    private boolean setting(String word) throws BadArgument {
        String value = word.substring(word.indexOf('=') + 1);
        switch (key(word)) {
            case "zone" -> {
                filter.zone = DpctlLine.unsigned16(value);
                if (filter.zone == null) {
                    throw new BadArgument("failed to parse zone");
                }
            }
            case "mark" -> {
                BigInteger[] mark = masked(value, 32, "mark");
                filter.mark = mark[0].intValue();
                filter.markMask = mark[1].intValue();
            }
            case "labels" -> {
                BigInteger[] label = masked(value, 128, "labels");
                filter.labelHigh = label[0].shiftRight(64).longValue();
                filter.labelLow = label[0].longValue();
                filter.labelMaskHigh = label[1].shiftRight(64).longValue();
                filter.labelMaskLow = label[1].longValue();
            }
            case "state" -> states(value);
            case "limit" -> {
                BigInteger limit = StrtollNumber.unsigned(value, 31);
                if (limit == null || limit.signum() == 0) {
                    throw new BadArgument("failed to parse limit");
                }
                filter.limit = limit.intValue();
            }
            default -> {
                return false;
            }
        }
        return true;
    }

    private void states(String names) throws BadArgument {
        for (String name : names.split(",", -1)) {
            int tcp = bit(TcpState.values(), name);
            int sctp = bit(SctpState.values(), name);
            if ((tcp | sctp) == 0) {
                throw new BadArgument("failed to parse state");
            }
            filter.tcpStates |= tcp;
            filter.sctpStates |= sctp;
        }
    }

    /** The bit of the state of that name; 0 if there is none. */
    private static int bit(Enum<?>[] states, String name) {
        for (Enum<?> state : states) {
            if (state.name().equalsIgnoreCase(name)) {
                return 1 << state.ordinal();
            }
        }
        return 0;
    }

    private static BigInteger[] masked(String text, int bits, String what) throws BadArgument {
        StrtollNumber value = wide(text, bits);
        if (value == null) {
            throw new BadArgument("failed to parse " + what);
        }
        StrtollNumber mask = value.rest().startsWith("/") ? wide(value.rest().substring(1), bits) : null;
        BigInteger all = BigInteger.ONE.shiftLeft(bits).subtract(BigInteger.ONE);
        return new BigInteger[] {value.value(), mask == null ? all : mask.value()};
    }

    /**
     * A number of up to so many bits, hexadecimal if it has more than 64; a negative one stands for its 64 bits. Null
     * if it is none.
     */
    private static @Nullable StrtollNumber wide(String text, int bits) {
        StrtollNumber number = StrtollNumber.scan(text);
        boolean hex = text.startsWith("0x") || text.startsWith("0X");
        if (number == null || !hex && number.value().abs().bitLength() > Long.SIZE) {
            return null;
        }
        BigInteger value =
                number.value().signum() < 0 ? number.value().add(BigInteger.ONE.shiftLeft(Long.SIZE)) : number.value();
        return value.bitLength() <= bits ? new StrtollNumber(value, number.rest()) : null;
    }

    private void tuple(String text, PartialTuple tuple) throws BadArgument {
        for (KeyValuePair field : KeyValuePair.all(text)) {
            field(field.withValue(), tuple);
        }
        boolean hasPorts =
                (tuple.sourcePort | tuple.sourcePortMask | tuple.destinationPort | tuple.destinationPortMask) != 0;
        if (filter.protocol == 0 && hasPorts) {
            throw new BadArgument("port is set without protocol");
        }
    }

    private void field(KeyValuePair field, PartialTuple tuple) throws BadArgument {
        String key = field.key();
        String value = field.value();
        switch (key) {
            case "ct_nw_src", "ct_ipv6_src" -> {
                long[] address = address(
                        key,
                        value,
                        (tuple.sourceHigh | tuple.sourceLow | tuple.sourceMaskHigh | tuple.sourceMaskLow) != 0);
                tuple.sourceHigh = address[0];
                tuple.sourceLow = address[1];
                tuple.sourceMaskHigh = address[2];
                tuple.sourceMaskLow = address[3];
            }
            case "ct_nw_dst", "ct_ipv6_dst" -> {
                long[] address = address(
                        key,
                        value,
                        (tuple.destinationHigh
                                        | tuple.destinationLow
                                        | tuple.destinationMaskHigh
                                        | tuple.destinationMaskLow)
                                != 0);
                tuple.destinationHigh = address[0];
                tuple.destinationLow = address[1];
                tuple.destinationMaskHigh = address[2];
                tuple.destinationMaskLow = address[3];
            }
            case "ct_nw_proto" -> filter.protocol = field.unsigned(8);
            case "ct_tp_src" -> {
                int[] port = port(field);
                tuple.sourcePort = port[0];
                tuple.sourcePortMask = port[1];
            }
            case "ct_tp_dst" -> {
                int[] port = port(field);
                tuple.destinationPort = port[0];
                tuple.destinationPortMask = port[1];
            }
            case "icmp_type" -> tuple.icmpType = icmp(field, 8);
            case "icmp_code" -> tuple.icmpCode = icmp(field, 8);
            case "icmp_id" -> tuple.icmpId = icmp(field, 16);
            default -> throw new BadArgument("invalid conntrack tuple field: " + key);
        }
    }

    /** Port and mask; a mask of zero is none. */
    private static int[] port(KeyValuePair field) throws BadArgument {
        int slash = field.value().indexOf('/');
        if (slash < 0) {
            return new int[] {field.unsigned(16), 0};
        }
        int port = new KeyValuePair(field.key(), field.value().substring(0, slash)).unsigned(16);
        int mask = new KeyValuePair(field.key(), field.value().substring(slash + 1)).unsigned(16);
        boolean whole = mask == 0xffff && port != 0;
        return new int[] {port & mask, whole ? 0 : mask};
    }

    /** Address and mask, two longs each; a mask of zero is none. */
    private long[] address(String key, String text, boolean again) throws BadArgument {
        int slash = text.indexOf('/');
        String value = slash < 0 ? text : text.substring(0, slash);
        boolean ipv6 = key.startsWith("ct_ipv6");
        if (filter.ipv6 != null && filter.ipv6 != ipv6) {
            throw new BadArgument("the L3 protocol does not match " + text);
        }
        if (again) {
            throw new BadArgument(key + " is set multiple times");
        }
        long[] address = literal(key, value, ipv6);
        long[] mask = slash < 0 ? null : mask(key, text.substring(slash + 1), ipv6);
        filter.ipv6 = ipv6;
        if (mask == null) {
            return new long[] {address[0], address[1], 0, 0};
        }
        boolean isWhole = mask[0] == (ipv6 ? -1 : 0) && mask[1] == (ipv6 ? -1 : 0xffff_ffffL);
        boolean isExact = isWhole && (address[0] | address[1]) != 0;
        return new long[] {address[0] & mask[0], address[1] & mask[1], isExact ? 0 : mask[0], isExact ? 0 : mask[1]};
    }

    private static long[] literal(String key, String text, boolean ipv6) throws BadArgument {
        if (!(ipv6 ? IPV6 : IPV4).matcher(text).matches()) {
            throw new BadArgument("failed to parse field " + key);
        }
        try {
            ByteBuffer bytes = ByteBuffer.wrap(InetAddress.ofLiteral(text).getAddress());
            if (bytes.remaining() == Integer.BYTES) { // also what an IPv4-mapped literal becomes
                return new long[] {0, Integer.toUnsignedLong(bytes.getInt()) | (ipv6 ? 0xffff_0000_0000L : 0)};
            }
            return new long[] {bytes.getLong(), bytes.getLong()};
        } catch (IllegalArgumentException e) {
            throw new BadArgument("failed to parse field " + key);
        }
    }

    /** A prefix's length, or a mask written as an address. */
    private static long[] mask(String key, String text, boolean ipv6) throws BadArgument {
        if (!PREFIX.matcher(text).matches()) {
            return literal(key, text, ipv6);
        }
        int bits = ipv6 ? 128 : 32;
        int prefix = Integer.parseInt(text);
        if (prefix > bits) {
            throw new BadArgument("failed to parse field " + key);
        }
        int high = Math.max(0, prefix - 64);
        long first = prefix == 0 ? 0 : -1L << Math.max(0, 64 - prefix);
        return ipv6 ? new long[] {first, high == 0 ? 0 : -1L << (64 - high)} : new long[] {0, first >>> 32};
    }

    private int icmp(KeyValuePair field, int bits) throws BadArgument {
        if (filter.protocol != IpProtocols.ICMP && filter.protocol != IpProtocols.ICMPV6) {
            throw new BadArgument("invalid L4 fields");
        }
        return field.unsigned(bits);
    }
}
