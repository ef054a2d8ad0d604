package io.turnstile.pipeline.flow;

import static io.turnstile.datapath.FieldValues.NEIGHBOUR_ADVERTISEMENT;
import static io.turnstile.datapath.FieldValues.NEIGHBOUR_SOLICITATION;

import io.turnstile.conntrack.CtState;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.FieldValues;
import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.IpProtocols;
import java.util.Set;
import java.util.function.ToLongFunction;

/**
 * What a packet has to be for it to have a field (ovs-fields(7), "Prerequisites"). Asked of a match, which has to say
 * it before it may name the field, and of a packet's key.
 */
public enum Prerequisite {
    // spotless:off
    //           Ethernet types              IP protocol         ICMPv6 types
    NONE        (Set.of(),                   Prerequisite.ANY,   Set.of()),
    VLAN        (Set.of(),                   Prerequisite.ANY,   Set.of()),
    IPV4        (Types.IPV4,                 Prerequisite.ANY,   Set.of()),
    IPV6        (Types.IPV6,                 Prerequisite.ANY,   Set.of()),
    IP          (Types.IP,                   Prerequisite.ANY,   Set.of()),
    MPLS        (Types.MPLS,                 Prerequisite.ANY,   Set.of()),
    NSH         (Types.NSH,                  Prerequisite.ANY,   Set.of()),
    ARP         (Types.ARP,                  Prerequisite.ANY,   Set.of()),
    TCP         (Types.IP,                   IpProtocols.TCP,    Set.of()),
    UDP         (Types.IP,                   IpProtocols.UDP,    Set.of()),
    SCTP        (Types.IP,                   IpProtocols.SCTP,   Set.of()),
    ICMPV4      (Types.IPV4,                 IpProtocols.ICMP,   Set.of()),
    ICMPV6      (Types.IPV6,                 IpProtocols.ICMPV6, Set.of()),
    ND          (Types.IPV6,                 IpProtocols.ICMPV6, Set.of(NEIGHBOUR_SOLICITATION, NEIGHBOUR_ADVERTISEMENT)),
    ND_SOLICIT  (Types.IPV6,                 IpProtocols.ICMPV6, Set.of(NEIGHBOUR_SOLICITATION)),
    ND_ADVERT   (Types.IPV6,                 IpProtocols.ICMPV6, Set.of(NEIGHBOUR_ADVERTISEMENT)),
    /** A connection, which only packets have that were tracked and are not invalid. */
    CT          (Set.of(),                   Prerequisite.ANY,   Set.of());
    // spotless:on

    private static final int ANY = -1;
    private static final int VALID_IN_MATCH =
            CtState.NEW | CtState.EST | CtState.REL | CtState.RPL | CtState.SNAT | CtState.DNAT;
    /** Of these a packet of a connection has at least one; an ICMP error on the original way is {@code rel} alone. */
    private static final int VALID_IN_PACKET = CtState.NEW | CtState.EST | CtState.REL | CtState.RPL;

    private static final class Types {
        private static final Set<Integer> IPV4 = Set.of(EtherTypes.IPV4);
        private static final Set<Integer> IPV6 = Set.of(EtherTypes.IPV6);
        private static final Set<Integer> IP = Set.of(EtherTypes.IPV4, EtherTypes.IPV6);
        private static final Set<Integer> MPLS = Set.of(EtherTypes.MPLS, EtherTypes.MPLS_MULTICAST);
        private static final Set<Integer> NSH = Set.of(EtherTypes.NSH);
        private static final Set<Integer> ARP = Set.of(EtherTypes.ARP, EtherTypes.RARP);
    }

    private final int[] etherTypes;
    private final int protocol;
    private final int[] icmpTypes;

    Prerequisite(Set<Integer> etherTypes, int protocol, Set<Integer> icmpTypes) {
        this.etherTypes = numbers(etherTypes);
        this.protocol = protocol;
        this.icmpTypes = numbers(icmpTypes);
    }

    private static int[] numbers(Set<Integer> set) {
        return set.stream().mapToInt(Integer::intValue).toArray();
    }

    /** Asked on every miss, so that nothing is boxed. */
    private static boolean contains(int[] numbers, int wanted) {
        for (int number : numbers) {
            if (number == wanted) {
                return true;
            }
        }
        return false;
    }

    /** True if packets of this Ethernet type may meet it. */
    public boolean allows(int etherType) {
        return etherTypes.length == 0 || contains(etherTypes, etherType);
    }

    /** True if packets of this Ethernet type and IP protocol meet it, whatever they hold. */
    public boolean isMetBy(int etherType, int ipProtocol) {
        return allows(etherType) && allowsProtocol(ipProtocol) && icmpTypes.length == 0;
    }

    private boolean allowsProtocol(int ipProtocol) {
        return protocol == ANY || protocol == ipProtocol;
    }

    /** True unless the match says that its packets are of another kind. */
    boolean isPossible(Match match) {
        boolean bare = match.value(Field.PACKET_TYPE) != 0;
        return (!bare || allows((int) match.value(Field.PACKET_TYPE) & 0xffff))
                && (!match.matchesOn(Field.ETH_TYPE) || allows((int) match.value(Field.ETH_TYPE)))
                && (!match.matchesOn(Field.NW_PROTO) || allowsProtocol((int) match.value(Field.NW_PROTO)));
    }

    /**
     * Whether the match so far meets it.
     *
     * @param value the exact-or-masked value of a field
     * @param mask the mask of a field; a prerequisite needs all bits it speaks of
     */
    public boolean isMet(ToLongFunction<Field> value, ToLongFunction<Field> mask) {
        return switch (this) {
            case NONE -> true;
            case VLAN ->
                (value.applyAsLong(Field.VLAN_TCI) & mask.applyAsLong(Field.VLAN_TCI) & FieldValues.VLAN_PRESENT) != 0;
            case CT -> isConnected(value.applyAsLong(Field.CT_STATE), mask.applyAsLong(Field.CT_STATE));
            case IPV4, IPV6, IP, MPLS, NSH, ARP, TCP, UDP, SCTP, ICMPV4, ICMPV6, ND, ND_SOLICIT, ND_ADVERT ->
                contains(etherTypes, etherType(value, mask)) && isTransportMet(value, mask);
        };
    }

    /** That of a packet type says it, too. */
    private static int etherType(ToLongFunction<Field> value, ToLongFunction<Field> mask) {
        int packetType = exact(Field.PACKET_TYPE, value, mask);
        return packetType > 0 ? packetType & 0xffff : exact(Field.ETH_TYPE, value, mask);
    }

    private boolean isTransportMet(ToLongFunction<Field> value, ToLongFunction<Field> mask) {
        if (protocol == ANY) {
            return true;
        }
        long laterFragment =
                value.applyAsLong(Field.NW_FRAG) & mask.applyAsLong(Field.NW_FRAG) & FieldValues.FRAGMENT_LATER;
        return laterFragment == 0
                && exact(Field.NW_PROTO, value, mask) == protocol
                && (icmpTypes.length == 0 || contains(icmpTypes, exact(Field.TP_SRC, value, mask)));
    }

    /**
     * A bit that only packets of connections have, or an explicit "tracked and not invalid" (ovs-fields(7), ct_nw_src).
     */
    public static boolean isConnected(long ctState, long ctStateMask) {
        long known = ctState & ctStateMask;
        boolean notInvalid = (ctStateMask & CtState.INV) != 0 && (known & CtState.INV) == 0;
        return (known & VALID_IN_MATCH) != 0 || (known & CtState.TRK) != 0 && notInvalid;
    }

    private static int exact(Field field, ToLongFunction<Field> value, ToLongFunction<Field> mask) {
        return mask.applyAsLong(field) == field.lowMask() ? (int) value.applyAsLong(field) : -1;
    }

    /**
     * Whether a packet with this key meets it.
     *
     * @param lookedAt gets the bits that the answer rests on, but for eth_type and ip_frag, which every datapath flow's
     *     mask has
     */
    public boolean isMet(long[] key, long[] lookedAt) {
        return switch (this) {
            case NONE -> true;
            case VLAN -> look(Field.VLAN_TCI, FieldValues.VLAN_PRESENT, key, lookedAt) != 0;
            case CT -> {
                long proof = Field.CT_STATE.get(key) & VALID_IN_PACKET;
                yield look(Field.CT_STATE, proof == 0 ? VALID_IN_PACKET : proof, key, lookedAt) != 0;
            }
            case IPV4, IPV6, IP, MPLS, NSH, ARP, TCP, UDP, SCTP, ICMPV4, ICMPV6, ND, ND_SOLICIT, ND_ADVERT ->
                contains(etherTypes, (int) Field.ETH_TYPE.get(key)) && isTransportMet(key, lookedAt);
        };
    }

    private boolean isTransportMet(long[] key, long[] lookedAt) {
        if (protocol == ANY) {
            return true;
        }
        if ((Field.NW_FRAG.get(key) & FieldValues.FRAGMENT_LATER) != 0
                || look(Field.NW_PROTO, Field.NW_PROTO.lowMask(), key, lookedAt) != protocol) {
            return false;
        }
        if (icmpTypes.length == 0) {
            return true;
        }
        long type = look(Field.TP_SRC, Field.TP_SRC.lowMask(), key, lookedAt);
        long code = look(Field.TP_DST, Field.TP_DST.lowMask(), key, lookedAt);
        return contains(icmpTypes, (int) type) && code == 0;
    }

    private static long look(Field field, long bits, long[] key, long[] lookedAt) {
        field.set(lookedAt, field.getHigh(lookedAt), field.get(lookedAt) | bits);
        return field.get(key) & bits;
    }
}
