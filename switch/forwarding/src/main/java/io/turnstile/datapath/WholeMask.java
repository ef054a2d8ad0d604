package io.turnstile.datapath;

import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.IpProtocols;
import java.util.Arrays;

/**
 * The mask of a flow that is for packets like one packet alone: every bit of every field that such packets have. Flows
 * are made so while {@code upcall/disable-megaflows} is in force.
 *
 * <p>Threads: stateless.
 */
final class WholeMask {
    private WholeMask() {}

    /** The mask for packets with that key, {@link FlowKey#DATAPATH_WORDS} longs. */
    static long[] of(long[] key) {
        return of(key, new long[FlowKey.DATAPATH_WORDS]);
    }

    /** The same with whatever else {@code looked} has, so that no bit that had a say is missing. */
    static long[] of(long[] key, long[] looked) {
        long[] mask = Arrays.copyOf(looked, FlowKey.DATAPATH_WORDS);
        for (Field field : Field.values()) {
            if (field.isOfDatapath() && isPresent(field, key)) {
                field.setExact(mask);
            }
        }
        return mask;
    }

    private static boolean isPresent(Field field, long[] key) {
        int type = (int) Field.ETH_TYPE.get(key);
        boolean ipv4 = type == EtherTypes.IPV4;
        boolean ipv6 = type == EtherTypes.IPV6;
        boolean ip = ipv4 || ipv6;
        boolean arp = type == EtherTypes.ARP || type == EtherTypes.RARP;
        boolean tracked = Field.CT_NW_PROTO.get(key) != 0;
        return switch (field) {
            case NW_SRC, NW_DST -> ipv4 || arp;
            case NW_PROTO -> ip || arp;
            case NW_TOS, NW_TTL, NW_FRAG -> ip;
            case TCP_FLAGS -> hasTransport(key) && Field.NW_PROTO.get(key) == IpProtocols.TCP;
            case IPV6_SRC, IPV6_DST, IPV6_LABEL -> ipv6;
            case TP_SRC, TP_DST -> hasTransport(key);
            case ARP_SHA, ARP_THA -> arp || isNeighbourDiscovery(key);
            case ND_TARGET -> isNeighbourDiscovery(key);
            case CT_NW_SRC, CT_NW_DST -> ipv4 && tracked;
            case CT_IPV6_SRC, CT_IPV6_DST -> ipv6 && tracked;
            case CT_NW_PROTO, CT_TP_SRC, CT_TP_DST -> ip && tracked;
            case VLAN_TPID1, VLAN_TCI1 -> (Field.VLAN_TCI.get(key) & FieldValues.VLAN_PRESENT) != 0;
            default -> true;
        };
    }

    private static boolean hasTransport(long[] key) {
        int type = (int) Field.ETH_TYPE.get(key);
        return (type == EtherTypes.IPV4 || type == EtherTypes.IPV6)
                && (Field.NW_FRAG.get(key) & FieldValues.FRAGMENT_LATER) == 0
                && HeaderText.transport((int) Field.NW_PROTO.get(key)) != null;
    }

    private static boolean isNeighbourDiscovery(long[] key) {
        long message = Field.TP_SRC.get(key);
        return Field.ETH_TYPE.get(key) == EtherTypes.IPV6
                && hasTransport(key)
                && Field.NW_PROTO.get(key) == IpProtocols.ICMPV6
                && (message == FieldValues.NEIGHBOUR_SOLICITATION || message == FieldValues.NEIGHBOUR_ADVERTISEMENT);
    }
}
