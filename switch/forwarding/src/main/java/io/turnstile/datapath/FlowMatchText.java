package io.turnstile.datapath;

import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.IpProtocols;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;

/** The match of a datapath flow as text. */
final class FlowMatchText {
    private static final int PCP_ALL = FieldValues.vlanPriority(FieldValues.VLAN_PCP_MASK);

    private final long[] key;
    private final long[] mask;
    private final boolean all;
    private final boolean ofPacket;
    private final IntFunction<String> portName;

    /** @param all whether fields that were not looked at are shown, too */
    FlowMatchText(long[] key, long[] mask, boolean all, IntFunction<String> portName) {
        this(key, mask, all, false, portName);
    }

    private FlowMatchText(long[] key, long[] mask, boolean all, boolean ofPacket, IntFunction<String> portName) {
        this.key = key;
        this.mask = mask;
        this.all = all;
        this.ofPacket = ofPacket;
        this.portName = portName;
    }

    /** The whole key of a packet, which has no mask. */
    static FlowMatchText ofPacket(long[] key, IntFunction<String> portName) {
        return new FlowMatchText(key, WholeMask.of(key), true, true, portName);
    }

    String text() {
        return text(true);
    }

    /** @param showsPacketType of a flow that somebody put in it is shown only if it was given */
    String text(boolean showsPacketType) {
        List<String> parts = new ArrayList<>();
        parts.add("recirc_id(" + FieldText.hex(Field.RECIRC_ID.get(key)) + ")");
        add(parts, HeaderText.DP_HASH.text(key, mask, all));
        add(parts, HeaderText.SKB_PRIORITY.text(key, mask, all));
        parts.add("in_port(" + portName.apply((int) Field.IN_PORT.get(key)) + ")");
        add(parts, HeaderText.SKB_MARK.text(key, mask, all));
        addConntrack(parts);
        long packetType = Field.PACKET_TYPE.get(key);
        add(parts, showsPacketType ? packetType(packetType) : "");
        if (packetType == 0) {
            add(parts, HeaderText.ETH.text(key, mask, all));
        }
        String inner = behindTag(Field.VLAN_TPID1, Field.VLAN_TCI1, String.join(",", innerParts()));
        add(parts, behindTag(Field.VLAN_TPID, Field.VLAN_TCI, inner));
        return String.join(",", parts);
    }

    private static String packetType(long type) {
        return "packet_type(ns=" + (type >>> Short.SIZE) + ",id=" + FieldText.hex(type & 0xffff) + ")";
    }

    /** The tag's type is shown with the tag, and as if every bit of it had been looked at, as in Open vSwitch. */
    private String behindTag(Field type, Field tag, String inner) {
        boolean shown = (tag.get(key) & FieldValues.VLAN_PRESENT) != 0 && (all || tag.get(mask) != 0);
        return shown ? "eth_type(0x%04x),%s,encap(%s)".formatted(typeOf(type), vlan(tag), inner) : inner;
    }

    private static void add(List<String> parts, String part) {
        if (!part.isEmpty()) {
            parts.add(part);
        }
    }

    private void addConntrack(List<String> parts) {
        long stateMask = Field.CT_STATE.get(mask);
        if (ofPacket) {
            parts.add("ct_state(" + FieldText.hex(Field.CT_STATE.get(key)) + ")");
        } else if (all) {
            parts.add("ct_state(" + FieldText.hex(Field.CT_STATE.get(key)) + "/"
                    + FieldText.hex(stateMask & FlagNames.CT_STATE.all()) + ")");
        } else if (stateMask != 0) {
            parts.add("ct_state(" + FlagNames.CT_STATE.signed(Field.CT_STATE.get(key), stateMask) + ")");
        }
        add(parts, HeaderText.CT_ZONE.text(key, mask, all));
        add(parts, HeaderText.CT_MARK.text(key, mask, all));
        add(parts, HeaderText.CT_LABEL.text(key, mask, all));
        boolean ipv6 = Field.ETH_TYPE.get(key) == EtherTypes.IPV6;
        boolean hasTuple = Field.CT_NW_PROTO.get(key) != 0;
        add(parts, (ipv6 ? HeaderText.CT_TUPLE6 : HeaderText.CT_TUPLE4).text(key, mask, all && hasTuple));
    }

    /** A key that was made by hand need not say it. */
    private long typeOf(Field type) {
        return type.get(key) == 0 ? EtherTypes.VLAN : type.get(key);
    }

    private String vlan(Field tag) {
        long tci = tag.get(key);
        long tciMask = tag.get(mask);
        List<String> parts = new ArrayList<>();
        part(parts, "vid=", FieldValues.vlanId(tci), FieldValues.vlanId(tciMask), FieldValues.VLAN_VID_MASK);
        part(parts, "pcp=", FieldValues.vlanPriority(tci), FieldValues.vlanPriority(tciMask), PCP_ALL);
        return "vlan(" + String.join(",", parts) + ")";
    }

    /** What is zero and not looked at goes without saying, as in Open vSwitch. */
    private void part(List<String> parts, String name, long value, long valueMask, long wholeMask) {
        if (all || value != 0 || valueMask != 0) {
            parts.add(name + masked(value, valueMask, wholeMask));
        }
    }

    private static String masked(long value, long valueMask, long wholeMask) {
        return valueMask == wholeMask ? Long.toString(value) : value + "/0x" + Long.toHexString(valueMask);
    }

    private List<String> innerParts() {
        List<String> parts = new ArrayList<>();
        int etherType = (int) Field.ETH_TYPE.get(key);
        if (Field.ETH_TYPE.get(mask) == 0 && !all) {
            return parts;
        }
        parts.add(
                etherType == EtherTypes.NOT_ETH_TYPE ? "eth_type(0/0xffff)" : "eth_type(0x%04x)".formatted(etherType));
        HeaderText network = HeaderText.network(etherType);
        if (network == HeaderText.NSH) {
            add(parts, network.text(key, mask, all));
        } else if (EtherTypes.isMpls(etherType)) {
            add(parts, LabelStack.matchText(key, mask, all));
        } else if (network == HeaderText.ARP) {
            add(parts, network.text(key, mask, all));
        } else if (network != null) {
            String inside = network.inside(key, mask, all);
            parts.add(network.label() + "(" + inside + (inside.isEmpty() ? "" : ",") + "frag=" + fragment() + ")");
            addTransport(parts);
        }
        return parts;
    }

    private String fragment() {
        long bits = Field.NW_FRAG.get(key);
        return bits == 0 ? "no" : (bits & FieldValues.FRAGMENT_LATER) != 0 ? "later" : "first";
    }

    private void addTransport(List<String> parts) {
        int protocol = (int) Field.NW_PROTO.get(key);
        HeaderText transport = HeaderText.transport(protocol);
        if (transport == null || (Field.NW_FRAG.get(key) & FieldValues.FRAGMENT_LATER) != 0) {
            return;
        }
        add(parts, transport.text(key, mask, all));
        if (protocol == IpProtocols.TCP && (all || Field.TCP_FLAGS.get(mask) != 0)) {
            parts.add("tcp_flags(" + tcpFlags() + ")");
        }
        if (protocol == IpProtocols.ICMPV6) {
            boolean discovery = Field.ND_TARGET.get(key) != 0 || Field.ND_TARGET.getHigh(key) != 0;
            add(parts, HeaderText.ND.text(key, mask, all && discovery));
            add(parts, HeaderText.ND_EXT.text(key, mask, false));
        }
    }

    private String tcpFlags() {
        long flags = Field.TCP_FLAGS.get(key);
        long flagMask = Field.TCP_FLAGS.get(mask) & FieldValues.TCP_FLAGS_MASK;
        if (flagMask == 0) {
            return "0/0";
        }
        return flagMask == FieldValues.TCP_FLAGS_MASK
                ? FlagNames.TCP_FLAGS.set(flags)
                : FlagNames.TCP_FLAGS.signed(flags, flagMask);
    }
}
