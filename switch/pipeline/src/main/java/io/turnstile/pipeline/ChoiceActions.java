package io.turnstile.pipeline;

import io.turnstile.datapath.Field;
import io.turnstile.datapath.FieldValues;
import io.turnstile.datapath.FlowKey;
import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.IpProtocols;
import io.turnstile.pipeline.flow.Bits;
import io.turnstile.pipeline.flow.HashFields;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfAction.FieldPart;
import io.turnstile.pipeline.flow.OfAction.Ports;

/**
 * The actions that choose by a hash of the packet: {@code multipath} and {@code bundle}. Which hash that is, is left
 * open; what goes into it counts as looked at. Threads: one, under the table lock.
 */
final class ChoiceActions {
    /** Beyond, the highest random weight takes too long (ovs-actions(7), multipath). */
    private static final int MOST_WEIGHED_LINKS = 64;
    /** After so many hashes that are no link's, the first link is taken. */
    private static final int MOST_ITERATIONS = 32;

    private static final int PORT_MASK = 0xffff;

    private final Walk walk;
    private final FieldActions fields;
    private final OutputActions outputs;

    ChoiceActions(Walk walk, FieldActions fields, OutputActions outputs) {
        this.walk = walk;
        this.fields = fields;
        this.outputs = outputs;
    }

    // ---- multipath ----

    void choose(OfAction.Multipath multipath) {
        long hash = hash(multipath.fields(), multipath.basis());
        int links = multipath.links();
        int link = switch (multipath.algorithm()) {
            case MODULO_N -> (int) Long.remainderUnsigned(hash, links);
            case HASH_THRESHOLD -> (int) Math.unsignedMultiplyHigh(hash, links);
            case HRW -> links <= MOST_WEIGHED_LINKS ? heaviest(hash, links) : iterate(hash, links, 0);
            case ITER_HASH -> iterate(hash, links, multipath.argument());
        };
        fields.load(multipath.destination().toKey(), new Bits(0, link));
    }

    private static int heaviest(long hash, int links) {
        int best = 0;
        for (int i = 1; i < links; i++) {
            if (Long.compareUnsigned(FlowKey.hash(hash, i), FlowKey.hash(hash, best)) > 0) {
                best = i;
            }
        }
        return best;
    }

    /** Hashes over {@code wanted} links, or as many as there are rounded up, until one that exists is hit. */
    private static int iterate(long hash, int links, int wanted) {
        int range = wanted < links || wanted > 4 * links ? Integer.highestOneBit(Math.max(1, 2 * links - 1)) : wanted;
        long next = hash;
        for (int i = 0; i < MOST_ITERATIONS; i++) {
            int link = (int) Long.remainderUnsigned(next, range);
            if (link < links) {
                return link;
            }
            next = FlowKey.hash(next, i);
        }
        return 0;
    }

    // ---- bundle ----

    void choose(OfAction.Bundle bundle, boolean last) {
        int port = memberOf(bundle);
        FieldPart destination = bundle.destination();
        if (destination == null) {
            outputs.output(port, last);
        } else {
            fields.load(destination.toKey(), new Bits(0, port & PORT_MASK));
        }
    }

    private int memberOf(OfAction.Bundle bundle) {
        boolean weighs = bundle.highestRandomWeight() && bundle.members().size() > 1;
        long hash = weighs ? hash(bundle.fields(), bundle.basis()) : 0;
        int best = -1;
        for (int i = 0; i < bundle.members().size(); i++) {
            if (isUp(bundle.members().get(i))
                    && (best < 0
                            || weighs && Long.compareUnsigned(FlowKey.hash(hash, i), FlowKey.hash(hash, best)) > 0)) {
                best = i;
            }
        }
        return best < 0 ? Ports.NONE : bundle.members().get(best);
    }

    private boolean isUp(int number) {
        if (Integer.compareUnsigned(number, Ports.MAX) >= 0 && number != Ports.LOCAL) {
            return number != Ports.NONE;
        }
        OfPort port = walk.state.bridge.port(number);
        return port != null
                && (port.config() & OfPort.CONFIG_PORT_DOWN) == 0
                && (port.state() & OfPort.STATE_LINK_DOWN) == 0;
    }

    // ---- the hash ----

    private long hash(HashFields by, int basis) {
        return spread(gather(by, basis));
    }

    /** Every bit of the hash depends on all of what was gathered: a link may be its lowest bit alone. */
    private static long spread(long gathered) {
        long mixed = (gathered ^ gathered >>> 33) * 0xc4ce_b9fe_1a85_ec53L;
        return mixed ^ mixed >>> 33;
    }

    private long gather(HashFields by, int basis) {
        long hash = FlowKey.hash(FlowKey.HASH_SEED, basis);
        boolean ipv4 = Field.ETH_TYPE.get(walk.state.key) == EtherTypes.IPV4;
        boolean ipv6 = Field.ETH_TYPE.get(walk.state.key) == EtherTypes.IPV6;
        return switch (by) {
            case ETH_SRC -> FlowKey.hash(hash, look(Field.ETH_SRC));
            case NW_SRC -> ipv4 ? FlowKey.hash(hash, look(Field.NW_SRC)) : ipv6 ? wide(hash, Field.IPV6_SRC) : hash;
            case NW_DST -> ipv4 ? FlowKey.hash(hash, look(Field.NW_DST)) : ipv6 ? wide(hash, Field.IPV6_DST) : hash;
            case SYMMETRIC_L3 -> addresses(hash, ipv4, ipv6);
            case SYMMETRIC_L3L4 -> ports(addresses(hash, ipv4, ipv6), ipv4 || ipv6, false);
            case SYMMETRIC_L3L4_UDP -> ports(addresses(hash, ipv4, ipv6), ipv4 || ipv6, true);
            case SYMMETRIC_L4 -> ports(addresses(link(hash), ipv4, ipv6), ipv4 || ipv6, false);
        };
    }

    private long look(Field field) {
        field.setExact(walk.wildcards);
        return field.get(walk.state.key);
    }

    private long wide(long hash, Field field) {
        long low = look(field);
        return FlowKey.hash(FlowKey.hash(hash, field.getHigh(walk.state.key)), low);
    }

    /** The same whichever is the source. */
    private long link(long hash) {
        long vlan = look(Field.VLAN_TCI) & (FieldValues.VLAN_PRESENT | FieldValues.VLAN_VID_MASK);
        return FlowKey.hash(FlowKey.hash(hash, look(Field.ETH_SRC) ^ look(Field.ETH_DST)), vlan);
    }

    private long addresses(long hash, boolean ipv4, boolean ipv6) {
        if (ipv4) {
            return FlowKey.hash(hash, look(Field.NW_SRC) ^ look(Field.NW_DST));
        }
        if (!ipv6) {
            return hash;
        }
        long low = look(Field.IPV6_SRC) ^ look(Field.IPV6_DST);
        long high = Field.IPV6_SRC.getHigh(walk.state.key) ^ Field.IPV6_DST.getHigh(walk.state.key);
        return FlowKey.hash(FlowKey.hash(hash, high), low);
    }

    private long ports(long hash, boolean ip, boolean udpToo) {
        if (!ip) {
            return hash;
        }
        long protocol = look(Field.NW_PROTO);
        long withProtocol = FlowKey.hash(hash, protocol);
        boolean counted =
                protocol == IpProtocols.TCP || protocol == IpProtocols.SCTP || udpToo && protocol == IpProtocols.UDP;
        return counted ? FlowKey.hash(withProtocol, look(Field.TP_SRC) ^ look(Field.TP_DST)) : withProtocol;
    }
}
