package io.turnstile.pipeline.flow;

import io.turnstile.datapath.Field;
import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.IpProtocols;
import io.turnstile.pipeline.flow.MatchField.Masked;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;

/** The parser collects the fields of one match, key by key; {@link #build} checks that they go together. */
final class MatchParser {
    /** In the place of a VLAN id: untagged packets. */
    private static final int VLAN_NONE = 0xffff;

    private static final MatchField DL_VLAN = MatchField.known("dl_vlan");
    private static final int ANY_PROTOCOL = -1;

    private static final Map<String, int[]> SHORTHANDS = Map.ofEntries(
            Map.entry("ip", new int[] {EtherTypes.IPV4, ANY_PROTOCOL}),
            Map.entry("ipv4", new int[] {EtherTypes.IPV4, ANY_PROTOCOL}),
            Map.entry("ip4", new int[] {EtherTypes.IPV4, ANY_PROTOCOL}),
            Map.entry("icmp", new int[] {EtherTypes.IPV4, IpProtocols.ICMP}),
            Map.entry("tcp", new int[] {EtherTypes.IPV4, IpProtocols.TCP}),
            Map.entry("udp", new int[] {EtherTypes.IPV4, IpProtocols.UDP}),
            Map.entry("sctp", new int[] {EtherTypes.IPV4, IpProtocols.SCTP}),
            Map.entry("ipv6", new int[] {EtherTypes.IPV6, ANY_PROTOCOL}),
            Map.entry("ip6", new int[] {EtherTypes.IPV6, ANY_PROTOCOL}),
            Map.entry("icmp6", new int[] {EtherTypes.IPV6, IpProtocols.ICMPV6}),
            Map.entry("tcp6", new int[] {EtherTypes.IPV6, IpProtocols.TCP}),
            Map.entry("udp6", new int[] {EtherTypes.IPV6, IpProtocols.UDP}),
            Map.entry("sctp6", new int[] {EtherTypes.IPV6, IpProtocols.SCTP}),
            Map.entry("arp", new int[] {EtherTypes.ARP, ANY_PROTOCOL}),
            Map.entry("rarp", new int[] {EtherTypes.RARP, ANY_PROTOCOL}),
            Map.entry("mpls", new int[] {EtherTypes.MPLS, ANY_PROTOCOL}),
            Map.entry("mplsm", new int[] {EtherTypes.MPLS_MULTICAST, ANY_PROTOCOL}));

    private final Match.Builder builder = Match.builder();
    private final PortNames ports;

    MatchParser(PortNames ports) {
        this.ports = ports;
    }

    /** Takes the key in; returns false if it is no match field, shorthand or {@code field[bits]}. */
    boolean accept(String key, String value) throws FlowTextException {
        int[] shorthand = SHORTHANDS.get(key);
        if (shorthand != null && value.isEmpty()) {
            builder.exact(Field.ETH_TYPE, shorthand[0]);
            if (shorthand[1] != ANY_PROTOCOL) {
                builder.exact(Field.NW_PROTO, shorthand[1]);
            }
            return true;
        }
        if (key.indexOf('[') >= 0) {
            subField(key, value);
            return true;
        }
        MatchField field = MatchField.named(key);
        if (field == null) {
            return false;
        }
        if (field == DL_VLAN && !value.isEmpty() && Numbers.parse64(value) == VLAN_NONE) {
            builder.exact(Field.VLAN_TCI, 0);
        } else if (!value.equals("*") && !value.equals("ANY")) {
            put(builder, field, ValueText.parse(field, value, ports));
        }
        return true;
    }

    private void subField(String key, String value) throws FlowTextException {
        SubFieldText.Parsed target = SubFieldText.parse(key);
        SubFieldText.Placed placed = target.place(Numbers.big(value), key);
        merge(builder, target.field().field(), placed.high(), placed.low(), placed.maskHigh(), placed.maskLow());
    }

    /** Adds a field in its own numbering; bits of the key that the field implies are matched too. */
    static void put(Match.Builder builder, MatchField field, Masked masked) {
        long low = masked.low() << field.offsetBits();
        long mask = masked.maskLow() << field.offsetBits() & field.matchMask();
        long implied = mask == 0 ? 0 : field.impliedBits();
        merge(builder, field.field(), masked.high(), low | implied, masked.maskHigh(), mask | implied);
    }

    private static void merge(Match.Builder builder, Field field, long high, long low, long maskHigh, long maskLow) {
        if (field.isWide()) {
            builder.masked(field, high, low, maskHigh, maskLow);
        } else {
            long merged = builder.value(field) & ~maskLow | low & maskLow;
            builder.masked(field, merged, builder.mask(field) | maskLow);
        }
    }

    Match build() throws FlowTextException {
        for (Field field : Field.values()) {
            Set<Prerequisite> anyOf = EnumSet.noneOf(Prerequisite.class);
            MatchField.of(field).forEach(name -> anyOf.add(name.prerequisite()));
            if (builder.matchesOn(field)
                    && !anyOf.isEmpty()
                    && anyOf.stream().noneMatch(what -> what.isMet(builder::value, builder::mask))) {
                throw new FlowTextException("field " + field.label() + " lacks its prerequisites (" + anyOf + ")");
            }
        }
        return builder.build();
    }
}
