package io.turnstile.conntrack;

import io.turnstile.address.AddressText;
import io.turnstile.packet.IpProtocols;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is to be flushed, said to whoever has set {@code ct_dpif} to {@code dbg}, in the words of Open vSwitch.
 *
 * <p>Threads: any.
 */
public final class FlushLog {
    private static final Logger LOG = LoggerFactory.getLogger("io.turnstile.conntrack.ct_dpif");

    private FlushLog() {}

    /** Somebody asks for a flush. */
    public static void asked(ConnectionFilter filter) {
        if (LOG.isDebugEnabled()) {
            LOG.debug("ct_flush: {}", text(filter));
        }
    }

    static String text(ConnectionFilter filter) {
        if (filter.isEmpty()) {
            return filter.zone == null ? "<all>" : "zone " + filter.zone;
        }
        StringBuilder text = new StringBuilder("zone=")
                .append(filter.zone == null ? 0 : filter.zone)
                .append(' ');
        if (filter.markMask != 0) {
            text.append("mark=").append(hex(0, filter.mark & 0xffff_ffffL));
            appendMask(text, filter.markMask == -1, 0, filter.markMask & 0xffff_ffffL);
        }
        if ((filter.labelMaskHigh | filter.labelMaskLow) != 0) {
            text.append("labels=").append(hex(filter.labelHigh, filter.labelLow));
            boolean whole = (filter.labelMaskHigh & filter.labelMaskLow) == -1;
            appendMask(text, whole, filter.labelMaskHigh, filter.labelMaskLow);
        }
        boolean ipv6 = Boolean.TRUE.equals(filter.ipv6);
        text.append('\'');
        append(text, filter.original, filter.protocol, ipv6);
        text.append(",ct_nw_proto=").append(filter.protocol).append("' '");
        append(text, filter.reply, filter.protocol, ipv6);
        return text.append('\'').toString();
    }

    private static void appendMask(StringBuilder text, boolean whole, long high, long low) {
        text.append(whole ? "" : "/" + hex(high, low)).append(' ');
    }

    private static String hex(long high, long low) {
        if (high == 0) {
            return low == 0 ? "0" : "0x" + Long.toHexString(low);
        }
        return "0x" + Long.toHexString(high) + String.format("%016x", low);
    }

    private static void append(StringBuilder text, ConnectionFilter.PartialTuple tuple, int protocol, boolean ipv6) {
        String family = ipv6 ? "ct_ipv6" : "ct_nw";
        text.append(family).append("_src=").append(address(tuple.sourceHigh, tuple.sourceLow, ipv6));
        text.append(',')
                .append(family)
                .append("_dst=")
                .append(address(tuple.destinationHigh, tuple.destinationLow, ipv6));
        if (protocol == IpProtocols.ICMP || protocol == IpProtocols.ICMPV6) {
            text.append(",icmp_id=").append(known(tuple.icmpId));
            text.append(",icmp_type=").append(known(tuple.icmpType));
            text.append(",icmp_code=").append(known(tuple.icmpCode));
        } else {
            text.append(",ct_tp_src=")
                    .append(tuple.sourcePort)
                    .append(",ct_tp_dst=")
                    .append(tuple.destinationPort);
        }
    }

    private static int known(@Nullable Integer value) {
        return value == null ? 0 : value;
    }

    /** An address that was not given is IPv6's unspecified one, of either family, as in Open vSwitch. */
    private static String address(long high, long low, boolean ipv6) {
        return ipv6 || (high | low) == 0 ? AddressText.ipv6(high, low) : AddressText.ipv4(low);
    }
}
