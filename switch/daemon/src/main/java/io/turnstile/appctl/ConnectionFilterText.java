package io.turnstile.appctl;

import io.turnstile.conntrack.ConnectionFilter;
import io.turnstile.conntrack.ConnectionFilter.PartialTuple;
import io.turnstile.packet.IpProtocols;
import java.math.BigInteger;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The filter {@code [zone=N] [mark=X[/M]] [labels=X[/M]] [ct-orig-tuple [ct-reply-tuple]]} of
 * {@code dpctl/flush-conntrack} (ovs-vswitchd(8)), read.
 */
final class ConnectionFilterText {
    private static final Pattern IPV4 = Pattern.compile("(0|[1-9]\\d{0,2})(\\.(0|[1-9]\\d{0,2})){3}");
    private static final Pattern IPV6 = Pattern.compile("[0-9a-fA-F:.]*:[0-9a-fA-F:.]*");

    private final ConnectionFilter filter = new ConnectionFilter();

    private ConnectionFilterText() {}

    static ConnectionFilter parse(List<String> words) throws BadArgument {
        return new ConnectionFilterText().read(words);
    }

    private ConnectionFilter read(List<String> words) throws BadArgument {
        int at = 0;
        if (at < words.size() && words.get(at).startsWith("zone=")) {
            filter.zone = DpctlLine.unsigned16(words.get(at++).substring(5));
            if (filter.zone == null) {
                throw new BadArgument("failed to parse zone");
            }
        }
        if (at < words.size() && words.get(at).startsWith("mark=")) {
            BigInteger[] mark = masked(words.get(at++).substring(5), 32, "mark");
            filter.mark = mark[0].intValue();
            filter.markMask = mark[1].intValue();
        }
        if (at < words.size() && words.get(at).startsWith("labels=")) {
            BigInteger[] label = masked(words.get(at++).substring(7), 128, "labels");
            filter.labelHigh = label[0].shiftRight(64).longValue();
            filter.labelLow = label[0].longValue();
            filter.labelMaskHigh = label[1].shiftRight(64).longValue();
            filter.labelMaskLow = label[1].longValue();
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
        if (filter.protocol == 0 && (tuple.sourcePort | tuple.destinationPort) != 0) {
            throw new BadArgument("port is set without protocol");
        }
    }

    private void field(KeyValuePair field, PartialTuple tuple) throws BadArgument {
        String key = field.key();
        String value = field.value();
        switch (key) {
            case "ct_nw_src", "ct_ipv6_src" -> {
                long[] address = address(key, value, (tuple.sourceHigh | tuple.sourceLow) != 0);
                tuple.sourceHigh = address[0];
                tuple.sourceLow = address[1];
            }
            case "ct_nw_dst", "ct_ipv6_dst" -> {
                long[] address = address(key, value, (tuple.destinationHigh | tuple.destinationLow) != 0);
                tuple.destinationHigh = address[0];
                tuple.destinationLow = address[1];
            }
            case "ct_nw_proto" -> filter.protocol = field.unsigned(8);
            case "ct_tp_src" -> tuple.sourcePort = field.unsigned(16);
            case "ct_tp_dst" -> tuple.destinationPort = field.unsigned(16);
            case "icmp_type" -> tuple.icmpType = icmp(field, 8);
            case "icmp_code" -> tuple.icmpCode = icmp(field, 8);
            case "icmp_id" -> tuple.icmpId = icmp(field, 16);
            default -> throw new BadArgument("invalid conntrack tuple field: " + key);
        }
    }

    private long[] address(String key, String value, boolean again) throws BadArgument {
        boolean ipv6 = key.startsWith("ct_ipv6");
        if (filter.ipv6 != null && filter.ipv6 != ipv6) {
            throw new BadArgument("the L3 protocol does not match " + value);
        }
        if (again) {
            throw new BadArgument(key + " is set multiple times");
        }
        if (!(ipv6 ? IPV6 : IPV4).matcher(value).matches()) {
            throw new BadArgument("failed to parse field " + key);
        }
        filter.ipv6 = ipv6;
        try {
            ByteBuffer bytes = ByteBuffer.wrap(InetAddress.ofLiteral(value).getAddress());
            if (bytes.remaining() == Integer.BYTES) { // also what an IPv4-mapped literal becomes
                return new long[] {0, Integer.toUnsignedLong(bytes.getInt()) | (ipv6 ? 0xffff_0000_0000L : 0)};
            }
            return new long[] {bytes.getLong(), bytes.getLong()};
        } catch (IllegalArgumentException e) {
            throw new BadArgument("failed to parse field " + key);
        }
    }

    private int icmp(KeyValuePair field, int bits) throws BadArgument {
        if (filter.protocol != IpProtocols.ICMP && filter.protocol != IpProtocols.ICMPV6) {
            throw new BadArgument("invalid L4 fields");
        }
        return field.unsigned(bits);
    }
}
