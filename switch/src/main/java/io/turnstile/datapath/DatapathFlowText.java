package io.turnstile.datapath;

import com.google.common.net.InetAddresses;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.IpProtocols;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import java.util.function.LongFunction;

/**
 * Datapath flows and actions as {@code ovs-appctl dpctl/dump-flows} and {@code ofproto/trace} print them.
 *
 * <p>Threads: stateless.
 */
public final class DatapathFlowText {
    private static final String[] CT_STATE_NAMES = {"new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat"};
    private static final int NOT_PRINTED = -1;

    private DatapathFlowText() {
    }

    /** One line of dump-flows; ports by number. */
    public static String line(DatapathFlow flow, long nowNs) {
        return line(flow, nowNs, Integer::toString);
    }

    /** One line of dump-flows with ports named by {@code portName}. */
    public static String line(DatapathFlow flow, long nowNs, IntFunction<String> portName) {
        long packets = flow.packetCount();
        StringBuilder line = new StringBuilder(match(flow.key(), flow.mask(), portName))
                .append(", packets:").append(packets)
                .append(", bytes:").append(flow.byteCount())
                .append(", used:").append(packets == 0 ? "never" : "%.3fs".formatted((nowNs - flow.lastUsedNs()) / 1e9));
        if (flow.tcpFlags() != 0) {
            line.append(", flags:").append(tcpFlags(flow.tcpFlags()));
        }
        return line.append(", actions:").append(actions(flow.actions(), portName)).toString();
    }

    /** TCP flags as dump-flows prints them: one letter each. */
    private static String tcpFlags(int flags) {
        String letters = "FSRP.UEC";
        StringBuilder text = new StringBuilder();
        for (int bit = 0; bit < letters.length(); bit++) {
            if ((flags & (1 << bit)) != 0) {
                text.append(letters.charAt(bit));
            }
        }
        return text.toString();
    }

    // ---- match ----

    private static String match(long[] key, long[] mask, IntFunction<String> portName) {
        List<String> parts = new ArrayList<>();
        addConntrack(parts, key, mask);
        parts.add("recirc_id(" + hexOrZero(Field.RECIRC_ID.get(key)) + ")");
        parts.add("in_port(" + portName.apply((int) Field.IN_PORT.get(key)) + ")");
        parts.add("packet_type(ns=0,id=0)");
        addNested(parts, "eth", key, mask, new Part("src", Field.ETH_SRC, DatapathFlowText::mac),
                new Part("dst", Field.ETH_DST, DatapathFlowText::mac));
        long tci = Field.VLAN_TCI.get(key);
        boolean tagged = Field.VLAN_TCI.get(mask) != 0 && (tci & 0x1000) != 0;
        if (tagged) {
            parts.add("eth_type(0x8100)");
            parts.add("vlan(vid=%d,pcp=%d)".formatted(tci & 0xfff, tci >>> 13));
        }
        String inner = innerMatch(key, mask);
        if (tagged) {
            parts.add("encap(" + inner + ")");
            return String.join(",", parts);
        }
        return String.join(",", parts) + (inner.isEmpty() ? "" : "," + inner);
    }

    private static void addConntrack(List<String> parts, long[] key, long[] mask) {
        long stateMask = Field.CT_STATE.get(mask);
        if (stateMask != 0) {
            StringBuilder state = new StringBuilder();
            for (int bit = 0; bit < CT_STATE_NAMES.length; bit++) {
                if ((stateMask & (1L << bit)) != 0) {
                    state.append((Field.CT_STATE.get(key) & (1L << bit)) != 0 ? '+' : '-').append(CT_STATE_NAMES[bit]);
                }
            }
            parts.add("ct_state(" + state + ")");
        }
        addScalar(parts, "ct_zone", Field.CT_ZONE, key, mask);
        addScalar(parts, "ct_mark", Field.CT_MARK, key, mask);
        if (Field.CT_LABEL.get(mask) != 0 || Field.CT_LABEL.getHigh(mask) != 0) {
            String value = hex128(Field.CT_LABEL.getHigh(key), Field.CT_LABEL.get(key));
            boolean exact = Field.CT_LABEL.get(mask) == -1 && Field.CT_LABEL.getHigh(mask) == -1;
            parts.add("ct_label(" + value + (exact ? "" : "/" + hex128(Field.CT_LABEL.getHigh(mask), Field.CT_LABEL.get(mask))) + ")");
        }
    }

    private static void addScalar(List<String> parts, String name, Field field, long[] key, long[] mask) {
        long bits = field.get(mask);
        if (bits != 0) {
            String value = hexOrZero(field.get(key));
            parts.add(name + "(" + value + (bits == field.lowMask() ? "" : "/0x" + Long.toHexString(bits)) + ")");
        }
    }

    private static String innerMatch(long[] key, long[] mask) {
        List<String> parts = new ArrayList<>();
        int etherType = (int) Field.ETH_TYPE.get(key);
        parts.add("eth_type(0x%04x)".formatted(etherType));
        switch (etherType) {
            case EtherTypes.IPV4 -> {
                addIp(parts, "ipv4", key, mask, new Part("src", Field.NW_SRC, DatapathFlowText::ipv4),
                        new Part("dst", Field.NW_DST, DatapathFlowText::ipv4));
                addTransport(parts, key, mask);
            }
            case EtherTypes.IPV6 -> {
                addIp(parts, "ipv6", key, mask, new Part("src", Field.IPV6_SRC, null), new Part("dst", Field.IPV6_DST, null),
                        new Part("label", Field.IPV6_LABEL, DatapathFlowText::hexOrZero));
                addTransport(parts, key, mask);
            }
            case EtherTypes.ARP, EtherTypes.RARP -> addNested(parts, "arp", key, mask,
                    new Part("sip", Field.NW_SRC, DatapathFlowText::ipv4), new Part("tip", Field.NW_DST, DatapathFlowText::ipv4),
                    new Part("op", Field.NW_PROTO, Long::toString), new Part("sha", Field.ARP_SHA, DatapathFlowText::mac),
                    new Part("tha", Field.ARP_THA, DatapathFlowText::mac));
            default -> {
                // Nothing above Ethernet.
            }
        }
        return String.join(",", parts);
    }

    /** One value inside the brackets of a header. A 128-bit one is an IPv6 address. */
    private record Part(String name, Field field, LongFunction<String> format) {
    }

    private static void addNested(List<String> parts, String header, long[] key, long[] mask, Part... values) {
        List<String> inside = nested(key, mask, values);
        if (!inside.isEmpty()) {
            parts.add(header + "(" + String.join(",", inside) + ")");
        }
    }

    private static void addIp(List<String> parts, String header, long[] key, long[] mask, Part... addresses) {
        List<String> inside = nested(key, mask, addresses);
        inside.addAll(nested(key, mask, new Part("proto", Field.NW_PROTO, Long::toString),
                new Part("tos", Field.NW_TOS, DatapathFlowText::hexOrZero), new Part(header.equals("ipv6") ? "hlimit" : "ttl",
                        Field.NW_TTL, Long::toString)));
        long fragment = Field.NW_FRAG.get(key);
        inside.add("frag=" + (fragment == 0 ? "no" : fragment == 1 ? "first" : "later"));
        parts.add(header + "(" + String.join(",", inside) + ")");
    }

    private static List<String> nested(long[] key, long[] mask, Part... values) {
        List<String> inside = new ArrayList<>();
        for (Part part : values) {
            Field field = part.field();
            long low = field.get(mask);
            long high = field.getHigh(mask);
            if (low == 0 && high == 0) {
                continue;
            }
            boolean exact = low == field.lowMask() && high == field.highMask();
            if (field.isWide()) {
                inside.add(part.name() + "=" + ipv6(field.getHigh(key), field.get(key)) + (exact ? "" : "/" + ipv6(high, low)));
            } else {
                LongFunction<String> maskFormat = part.format();
                boolean number = maskFormat.apply(low).equals(Long.toString(low));
                inside.add(part.name() + "=" + part.format().apply(field.get(key))
                        + (exact ? "" : "/" + (number ? "0x" + Long.toHexString(low) : maskFormat.apply(low))));
            }
        }
        return inside;
    }

    private static void addTransport(List<String> parts, long[] key, long[] mask) {
        int protocol = Field.NW_PROTO.get(mask) == 0 ? NOT_PRINTED : (int) Field.NW_PROTO.get(key);
        Part source = new Part("src", Field.TP_SRC, Long::toString);
        Part destination = new Part("dst", Field.TP_DST, Long::toString);
        Part type = new Part("type", Field.TP_SRC, Long::toString);
        Part code = new Part("code", Field.TP_DST, Long::toString);
        switch (protocol) {
            case IpProtocols.TCP -> {
                addNested(parts, "tcp", key, mask, source, destination);
                addScalar(parts, "tcp_flags", Field.TCP_FLAGS, key, mask);
            }
            case IpProtocols.UDP -> addNested(parts, "udp", key, mask, source, destination);
            case IpProtocols.SCTP -> addNested(parts, "sctp", key, mask, source, destination);
            case IpProtocols.ICMP -> addNested(parts, "icmp", key, mask, type, code);
            case IpProtocols.ICMPV6 -> {
                addNested(parts, "icmpv6", key, mask, type, code);
                addNested(parts, "nd", key, mask, new Part("target", Field.ND_TARGET, null),
                        new Part("sll", Field.ARP_SHA, DatapathFlowText::mac), new Part("tll", Field.ARP_THA, DatapathFlowText::mac));
            }
            default -> {
                // Not looked at.
            }
        }
    }

    // ---- actions ----

    /** Ports by number. */
    public static String actions(DatapathAction[] actions) {
        return actions(actions, Integer::toString);
    }

    public static String actions(DatapathAction[] actions, IntFunction<String> portName) {
        List<String> parts = new ArrayList<>();
        for (DatapathAction action : actions) {
            parts.add(switch (action) {
                case DatapathAction.Output output -> portName.apply(output.port());
                case DatapathAction.Userspace _ -> "userspace(pid=0,controller)";
                case DatapathAction.SetField set -> "set(" + setField(set) + ")";
                case DatapathAction.PushVlan push -> pushVlan(push);
                case DatapathAction.PopVlan _ -> "pop_vlan";
                case DatapathAction.Ct ct -> ct(ct.request());
                case DatapathAction.CtClear _ -> "ct_clear";
                case DatapathAction.Recirculate recirculate -> "recirc(0x%x)".formatted(recirculate.recirculationId());
                case DatapathAction.Clone clone -> "clone(" + actions(clone.actions(), portName) + ")";
                case DatapathAction.Drop _ -> "drop";
            });
        }
        return parts.isEmpty() ? "drop" : String.join(",", parts);
    }

    private static String pushVlan(DatapathAction.PushVlan push) {
        int vid = push.tci() & 0xfff;
        int pcp = push.tci() >>> 13 & 7;
        String type = push.tpid() == EtherTypes.VLAN ? "" : "tpid=0x%04x,".formatted(push.tpid());
        return "push_vlan(%svid=%d,pcp=%d)".formatted(type, vid, pcp);
    }

    private static String ct(CtRequest request) {
        List<String> options = new ArrayList<>();
        if (request.commit()) {
            options.add(request.force() ? "force_commit" : "commit");
        }
        if (request.zone() != 0) {
            options.add("zone=" + request.zone());
        }
        if (request.markMask() != 0) {
            options.add("mark=%s/0x%x".formatted(hexOrZero(request.mark() & 0xffff_ffffL), request.markMask()));
        }
        if (request.labelMaskHigh() != 0 || request.labelMaskLow() != 0) {
            options.add("label=" + hex128(request.labelHigh(), request.labelLow()) + "/"
                    + hex128(request.labelMaskHigh(), request.labelMaskLow()));
        }
        return options.isEmpty() ? "ct" : "ct(" + String.join(",", options) + ")";
    }

    private static String setField(DatapathAction.SetField set) {
        long value = set.valueLow();
        return switch (set.field()) {
            case ETH_SRC -> "eth(src=" + mac(value) + ")";
            case ETH_DST -> "eth(dst=" + mac(value) + ")";
            case VLAN_TCI -> "vlan(vid=%d,pcp=%d)".formatted(value & 0xfff, value >>> 13 & 7);
            case NW_SRC -> "ipv4(src=" + ipv4(value) + ")";
            case NW_DST -> "ipv4(dst=" + ipv4(value) + ")";
            case NW_TOS -> "ipv4(tos=" + hexOrZero(value) + ")";
            case NW_TTL -> "ipv4(ttl=" + value + ")";
            case IPV6_SRC -> "ipv6(src=" + ipv6(set.valueHigh(), value) + ")";
            case IPV6_DST -> "ipv6(dst=" + ipv6(set.valueHigh(), value) + ")";
            case TP_SRC -> "tp(src=" + value + ")";
            case TP_DST -> "tp(dst=" + value + ")";
            default -> set.field().label() + "(" + (set.field().isWide() ? hex128(set.valueHigh(), value) : hexOrZero(value)) + ")";
        };
    }

    // ---- values ----

    private static String hexOrZero(long value) {
        return value == 0 ? "0" : "0x" + Long.toHexString(value);
    }

    private static String hex128(long high, long low) {
        return high == 0 ? hexOrZero(low) : "0x%x%016x".formatted(high, low);
    }

    private static String mac(long value) {
        return "%02x:%02x:%02x:%02x:%02x:%02x".formatted(value >>> 40 & 0xff, value >>> 32 & 0xff, value >>> 24 & 0xff,
                value >>> 16 & 0xff, value >>> 8 & 0xff, value & 0xff);
    }

    private static String ipv4(long value) {
        return "%d.%d.%d.%d".formatted(value >>> 24 & 0xff, value >>> 16 & 0xff, value >>> 8 & 0xff, value & 0xff);
    }

    private static String ipv6(long high, long low) {
        try {
            byte[] bytes = ByteBuffer.allocate(16).putLong(high).putLong(low).array();
            return InetAddresses.toAddrString(InetAddress.getByAddress(bytes));
        } catch (UnknownHostException e) {
            throw new IllegalStateException("16 bytes are an address", e);
        }
    }
}
