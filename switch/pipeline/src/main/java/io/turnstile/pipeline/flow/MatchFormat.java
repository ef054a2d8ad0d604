package io.turnstile.pipeline.flow;

import io.turnstile.address.AddressText;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.FieldText;
import io.turnstile.datapath.FieldValues;
import io.turnstile.datapath.FlagNames;
import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.IpProtocols;
import io.turnstile.packet.NshHeader;

/** A match as {@code ovs-ofctl dump-flows} prints it: same names, same order, same number formats. */
final class MatchFormat {
    private final Match match;
    private final boolean ofPacket;
    private final StringBuilder out = new StringBuilder();

    /** @param ofPacket it is all there is to say of a packet */
    MatchFormat(Match match, boolean ofPacket) {
        this.match = match;
        this.ofPacket = ofPacket;
    }

    /** Without the priority. */
    String format() {
        fields(0, MatchField.Shown.BEFORE_PROTOCOL);
        say(protocol());
        fields(MatchField.Shown.BEFORE_PROTOCOL, Integer.MAX_VALUE);
        return out.toString();
    }

    /** A packet's fields and the recirculation that it is in, 0 for none. */
    String formatPacket(long recirculation) {
        fields(0, MatchField.Shown.BEFORE_RECIRCULATION);
        if (recirculation != 0) {
            add("recirc_id", Numbers.hex(recirculation));
        }
        fields(MatchField.Shown.BEFORE_RECIRCULATION, MatchField.Shown.BEFORE_PROTOCOL);
        say(recirculation == 0 || match.value(Field.PACKET_TYPE) != 0 ? "" : "eth");
        say(protocol());
        fields(MatchField.Shown.BEFORE_PROTOCOL, Integer.MAX_VALUE);
        return out.toString();
    }

    /** Those whose rank is above {@code from} and at most {@code to}. */
    private void fields(int from, int to) {
        for (MatchField field : MatchField.asShown()) {
            int rank = field.shown().rank();
            if (rank > from && rank <= to && matchesOn(field) && isName(field) && !isSaidByProtocol(field.field())) {
                show(field);
            }
        }
    }

    private boolean matchesOn(MatchField field) {
        if (isUnsaid(field.field())) {
            return false;
        }
        Field with = field.shown().onlyWith();
        return ((match.mask(field.field()) & field.matchMask()) != 0 || match.maskHigh(field.field()) != 0)
                && (with == null || match.matchesOn(with));
    }

    /** Ethernet goes without saying, and what a packet is if it is not; context headers are metadata's of type 1. */
    private boolean isUnsaid(Field field) {
        boolean bare = match.value(Field.PACKET_TYPE) != 0;
        return switch (field) {
            case PACKET_TYPE -> !bare;
            case ETH_SRC, ETH_DST, ETH_TYPE, VLAN_TCI -> bare && ofPacket;
            case NSH_C1, NSH_C2, NSH_C3, NSH_C4 ->
                match.matchesOn(Field.NSH_MDTYPE) && match.value(Field.NSH_MDTYPE) != NshHeader.MD_TYPE_1;
            default -> false;
        };
    }

    /**
     * Of several names for the same bits the first one that packets of the match may have; if there is none, the first.
     */
    private boolean isName(MatchField field) {
        MatchField first = null;
        for (MatchField other : MatchField.of(field.field())) {
            if (other.shown().rank() != MatchField.Shown.NEVER && other.overlaps(field)) {
                if (other.prerequisite().isPossible(match)) {
                    return other == field;
                }
                first = first == null ? other : first;
            }
        }
        return first == field;
    }

    // ---- the protocol's name ----

    /** Says Ethernet type and IP protocol in one word, empty if there is none. */
    private String protocol() {
        if (!match.matchesOn(Field.ETH_TYPE) || match.value(Field.PACKET_TYPE) != 0) {
            return "";
        }
        return switch ((int) match.value(Field.ETH_TYPE)) {
            case EtherTypes.IPV4 -> transport("", IpProtocols.ICMP, "ip");
            case EtherTypes.IPV6 -> transport("6", IpProtocols.ICMPV6, "ipv6");
            case EtherTypes.ARP -> "arp";
            case EtherTypes.RARP -> "rarp";
            case EtherTypes.MPLS -> "mpls";
            case EtherTypes.MPLS_MULTICAST -> "mplsm";
            default -> "";
        };
    }

    private String transport(String suffix, int icmp, String any) {
        int protocol = match.matchesOn(Field.NW_PROTO) ? (int) match.value(Field.NW_PROTO) : -1;
        if (protocol == icmp) {
            return "icmp" + suffix;
        }
        return switch (protocol) {
            case IpProtocols.TCP -> "tcp" + suffix;
            case IpProtocols.UDP -> "udp" + suffix;
            case IpProtocols.SCTP -> "sctp" + suffix;
            default -> any;
        };
    }

    private boolean isSaidByProtocol(Field field) {
        String said = protocol();
        boolean transport =
                Prerequisite.IP.isPossible(match) && !said.isEmpty() && !said.equals("ip") && !said.equals("ipv6");
        return field == Field.ETH_TYPE && !said.isEmpty() || field == Field.NW_PROTO && transport;
    }

    // ---- fields ----

    private void show(MatchField field) {
        Field key = field.field();
        long mask = (match.mask(key) & field.matchMask()) >>> field.offsetBits();
        long value = (match.value(key) & field.matchMask()) >>> field.offsetBits();
        boolean exact = mask == field.lowMask() && match.maskHigh(key) == key.highMask();
        switch (field.style()) {
            case DECIMAL ->
                add(
                        field,
                        exact
                                ? Numbers.decimal(value)
                                : "0x" + Long.toHexString(value) + "/0x" + Long.toHexString(mask));
            case PACKET_TYPE -> add(field, PacketTypeText.format(value));
            case HEX_NUMBER ->
                add(field, "0x" + Long.toHexString(value) + (exact ? "" : "/0x" + Long.toHexString(mask)));
            case PADDED ->
                add(field, exact ? Numbers.decimal(value) : padded(value, field) + "/" + padded(mask, field));
            case UNMASKED -> add(field, Numbers.decimal(value));
            case HEX ->
                add(
                        field,
                        FieldText.hex(match.valueHigh(key), value)
                                + (exact ? "" : "/" + FieldText.hex(match.maskHigh(key), mask)));
            case ETHER_TYPE -> add(field, "0x%04x".formatted(value));
            case FLOW_LABEL -> add(field, "0x%05x".formatted(value) + (exact ? "" : "/0x%05x".formatted(mask)));
            case MAC -> add(field, AddressText.mac(value) + (exact ? "" : "/" + AddressText.mac(mask)));
            case ADDRESS4 -> add(field, AddressMaskText.ipv4Masked(value, mask));
            case ADDRESS6 ->
                add(field, AddressMaskText.ipv6Masked(match.valueHigh(key), value, match.maskHigh(key), mask));
            case PORT -> add(field, PortNames.format((int) value));
            case FRAGMENT -> add(field, ValueText.formatFragment(value, mask));
            case TCP_FLAGS -> add(field, FlagText.format(FlagNames.TCP_FLAGS, value, mask));
            case CT_STATE -> add(field, FlagText.format(FlagNames.CT_STATE, value, mask));
            case VLAN_TCI -> vlan(field, (int) value, (int) mask);
        }
    }

    private static String padded(long value, MatchField field) {
        String digits = Long.toHexString(value);
        return "0x" + "0".repeat(2 * field.wireBytes() - digits.length()) + digits;
    }

    /** Of the tag behind the outer one only a packet and a datapath flow tell. */
    private void vlan(MatchField field, int tci, int mask) {
        tag(field, "", tci, mask);
        boolean tagged = (tci & FieldValues.VLAN_PRESENT) != 0;
        if (tagged && (ofPacket || match.matchesOn(Field.VLAN_TCI1))) {
            tag(
                    field,
                    "1",
                    (int) match.value(Field.VLAN_TCI1),
                    ofPacket ? (int) field.lowMask() : (int) match.mask(Field.VLAN_TCI1));
        }
    }

    /** A tag of which id, priority or both are matched on, and nothing else, is shown by these. */
    private void tag(MatchField field, String suffix, int tci, int mask) {
        int vid = mask & FieldValues.VLAN_VID_MASK;
        int pcp = mask & FieldValues.VLAN_PCP_MASK;
        boolean named = (mask & tci & FieldValues.VLAN_PRESENT) != 0
                && (vid == 0 || vid == FieldValues.VLAN_VID_MASK)
                && (pcp == 0 || pcp == FieldValues.VLAN_PCP_MASK)
                && vid + pcp != 0;
        if (!named) {
            add(
                    field.shown().name() + suffix,
                    "0x%04x".formatted(tci) + (mask == field.lowMask() ? "" : "/0x%04x".formatted(mask)));
            return;
        }
        if (vid != 0) {
            add("dl_vlan" + suffix, Integer.toString(FieldValues.vlanId(tci)));
        }
        if (pcp != 0) {
            add("dl_vlan_pcp" + suffix, Integer.toString(FieldValues.vlanPriority(tci)));
        }
    }

    private void say(String part) {
        if (!part.isEmpty()) {
            out.append(out.isEmpty() ? "" : ",").append(part);
        }
    }

    private void add(MatchField field, String value) {
        add(field.shown().name(), value);
    }

    private void add(String name, String value) {
        say(name + "=" + value);
    }
}
