package io.turnstile.pipeline;

import io.turnstile.conntrack.CtState;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.FlowKey;
import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.IpProtocols;
import io.turnstile.pipeline.text.FlowText;
import java.util.ArrayList;
import java.util.List;

/** This class prints a packet's key, and a datapath flow's match, as {@code ofproto/trace} does. Threads: stateless. */
final class FlowDescription {
    private static final String[] CT_STATES = {"new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat"};
    private static final String[] TCP_FLAGS = {"fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns"};
    private static final int VLAN_PRESENT = 0x1000;

    private final long[] key;
    private final List<String> parts = new ArrayList<>();

    private FlowDescription(long[] key) {
        this.key = key;
    }

    /** Every field that a packet of that kind has. */
    static String of(long[] key) {
        FlowDescription description = new FlowDescription(key);
        description.metadata();
        description.link();
        switch ((int) Field.ETH_TYPE.get(key)) {
            case EtherTypes.IPV4, EtherTypes.IPV6 -> description.network();
            case EtherTypes.ARP, EtherTypes.RARP -> description.arp();
            default -> description.parts.add("dl_type=0x%04x".formatted(Field.ETH_TYPE.get(key)));
        }
        return String.join(",", description.parts);
    }

    /** {@code new|trk}, lowest bit first. */
    static String ctState(long state) {
        return flags(state, CT_STATES);
    }

    private static String flags(long bits, String[] names) {
        List<String> set = new ArrayList<>();
        for (int i = 0; i < names.length; i++) {
            if ((bits & (1L << i)) != 0) {
                set.add(names[i]);
            }
        }
        return set.isEmpty() ? "0" : String.join("|", set);
    }

    private void metadata() {
        long recirculation = Field.RECIRC_ID.get(key);
        addUnlessZero(Field.PKT_MARK);
        if (recirculation != 0) {
            parts.add("recirc_id=0x" + Long.toHexString(recirculation));
        }
        if ((Field.CT_STATE.get(key) & CtState.ALL) != 0) {
            parts.add("ct_state=" + ctState(Field.CT_STATE.get(key)));
        }
        if (Field.CT_ZONE.get(key) != 0) {
            parts.add("ct_zone=" + Field.CT_ZONE.get(key));
        }
        addUnlessZero(Field.CT_MARK);
        addUnlessZero(Field.CT_LABEL);
        for (Field field : List.of(
                Field.CT_NW_SRC,
                Field.CT_NW_DST,
                Field.CT_IPV6_SRC,
                Field.CT_IPV6_DST,
                Field.CT_NW_PROTO,
                Field.CT_TP_SRC,
                Field.CT_TP_DST)) {
            addUnlessZero(field);
        }
        if (recirculation != 0) {
            parts.add("eth");
        }
        String protocol = protocol();
        if (!protocol.isEmpty()) {
            parts.add(protocol);
        }
        for (int i = 0; i < 16; i++) {
            addUnlessZero(Field.valueOf("REG" + i));
        }
        addUnlessZero(Field.METADATA);
        add("in_port", Field.IN_PORT);
    }

    private String protocol() {
        int protocol = (int) Field.NW_PROTO.get(key);
        return switch ((int) Field.ETH_TYPE.get(key)) {
            case EtherTypes.IPV4 -> protocol == IpProtocols.ICMP ? "icmp" : transport(protocol, "", "ip");
            case EtherTypes.IPV6 -> protocol == IpProtocols.ICMPV6 ? "icmp6" : transport(protocol, "6", "ipv6");
            case EtherTypes.ARP -> "arp";
            case EtherTypes.RARP -> "rarp";
            default -> "";
        };
    }

    private static String transport(int protocol, String suffix, String other) {
        return switch (protocol) {
            case IpProtocols.TCP -> "tcp" + suffix;
            case IpProtocols.UDP -> "udp" + suffix;
            case IpProtocols.SCTP -> "sctp" + suffix;
            default -> other;
        };
    }

    private void link() {
        long tci = Field.VLAN_TCI.get(key);
        if ((tci & VLAN_PRESENT) == 0) {
            parts.add("vlan_tci=0x0000");
        } else {
            parts.add("dl_vlan=" + (tci & 0xfff));
            parts.add("dl_vlan_pcp=" + (tci >>> 13));
            parts.add("vlan_tci1=0x0000");
        }
        add("dl_src", Field.ETH_SRC);
        add("dl_dst", Field.ETH_DST);
    }

    private void arp() {
        add("arp_spa", Field.NW_SRC);
        add("arp_tpa", Field.NW_DST);
        parts.add("arp_op=" + Field.NW_PROTO.get(key));
        add("arp_sha", Field.ARP_SHA);
        add("arp_tha", Field.ARP_THA);
    }

    private void network() {
        if (Field.ETH_TYPE.get(key) == EtherTypes.IPV4) {
            add("nw_src", Field.NW_SRC);
            add("nw_dst", Field.NW_DST);
        } else {
            add("ipv6_src", Field.IPV6_SRC);
            add("ipv6_dst", Field.IPV6_DST);
            parts.add("ipv6_label=0x%05x".formatted(Field.IPV6_LABEL.get(key)));
        }
        int protocol = (int) Field.NW_PROTO.get(key);
        String name = protocol();
        if (name.equals("ip") || name.equals("ipv6")) {
            parts.add("nw_proto=" + protocol);
        }
        parts.add("nw_tos=" + (Field.NW_TOS.get(key) & 0xfc));
        parts.add("nw_ecn=" + (Field.NW_TOS.get(key) & 3));
        parts.add("nw_ttl=" + Field.NW_TTL.get(key));
        parts.add("nw_frag="
                + switch ((int) Field.NW_FRAG.get(key) & 3) {
                    case 0 -> "no";
                    case 1 -> "first";
                    default -> "later";
                });
        ports(protocol);
    }

    private void ports(int protocol) {
        switch (protocol) {
            case IpProtocols.TCP -> {
                addPorts("tp_src", "tp_dst");
                parts.add("tcp_flags=" + flags(Field.TCP_FLAGS.get(key), TCP_FLAGS));
            }
            case IpProtocols.UDP, IpProtocols.SCTP -> addPorts("tp_src", "tp_dst");
            case IpProtocols.ICMP, IpProtocols.ICMPV6 -> addPorts("icmp_type", "icmp_code");
            default -> {
                // No ports.
            }
        }
    }

    private void addPorts(String source, String destination) {
        parts.add(source + "=" + Field.TP_SRC.get(key));
        parts.add(destination + "=" + Field.TP_DST.get(key));
    }

    private void add(String name, Field field) {
        parts.add(name + "="
                + FlowText.formatField(field, field.getHigh(key), field.get(key), field.highMask(), field.lowMask()));
    }

    private void addUnlessZero(Field field) {
        if (field.get(key) != 0 || field.getHigh(key) != 0) {
            add(field.label(), field);
        }
    }

    /**
     * A datapath flow's match. The absence of a VLAN tag is not printed, as in Open vSwitch, although the flow depends
     * on it.
     *
     * @param mask {@link FlowKey#DATAPATH_WORDS} longs
     */
    static String megaflow(long[] key, long[] mask) {
        Match.Builder conntrack = Match.builder();
        Match.Builder rest = Match.builder();
        for (Field field : Field.values()) {
            boolean untagged = field == Field.VLAN_TCI && Field.VLAN_TCI.get(key) == 0;
            boolean shown = field.word() < FlowKey.DATAPATH_WORDS
                    && field != Field.RECIRC_ID
                    && !untagged
                    && (field.get(mask) != 0 || field.getHigh(mask) != 0);
            if (shown) {
                Match.Builder into = field.label().startsWith("ct_") ? conntrack : rest;
                into.masked(field, field.getHigh(key), field.get(key), field.getHigh(mask), field.get(mask));
            }
        }
        long recirculation = Field.RECIRC_ID.get(key);
        String tracked = FlowText.format(conntrack.build());
        return "recirc_id=" + (recirculation == 0 ? "0" : "0x" + Long.toHexString(recirculation))
                + (tracked.isEmpty() ? "" : "," + tracked) + ",eth," + FlowText.format(rest.build());
    }
}
