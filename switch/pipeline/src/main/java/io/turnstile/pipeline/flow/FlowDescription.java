package io.turnstile.pipeline.flow;

import io.turnstile.datapath.Field;
import io.turnstile.datapath.FieldText;
import io.turnstile.datapath.FlagNames;
import io.turnstile.datapath.FlowKey;
import io.turnstile.datapath.KeyLayer;
import io.turnstile.packet.EtherTypes;
import java.util.EnumSet;
import java.util.Set;

/** This class prints a packet's key, and a datapath flow's match, as {@code ofproto/trace} does. Threads: stateless. */
public final class FlowDescription {
    /** What Open vSwitch shows of packets with a service header besides: they look as if they were of IP. */
    private static final Set<Field> IN_SERVICE_HEADER =
            EnumSet.of(Field.NW_PROTO, Field.NW_TOS, Field.NW_TTL, Field.NW_FRAG);

    private FlowDescription() {}

    /**
     * Every field that packets of that Ethernet type and IP protocol have; of what is not in the packet, what is not
     * zero.
     */
    public static String of(long[] key) {
        int etherType = (int) Field.ETH_TYPE.get(key);
        int protocol = (int) Field.NW_PROTO.get(key);
        Match.Builder fields = Match.builder();
        for (MatchField name : MatchField.ALL) {
            Field field = name.field();
            boolean shown = field.layer().isInPacket()
                    ? name.prerequisite().isMetBy(etherType, protocol)
                            || etherType == EtherTypes.NSH && IN_SERVICE_HEADER.contains(field)
                    : field == Field.IN_PORT || field.get(key) != 0 || field.getHigh(key) != 0;
            boolean ofDiscovery = field == Field.ND_RESERVED || field == Field.ND_OPTIONS_TYPE; // as Open vSwitch 3.1
            if (shown && !ofDiscovery && !field.isView()) {
                fields.exact(field, field.getHigh(key), field.get(key));
            }
        }
        if (Field.VLAN_TCI1.get(key) != 0) {
            fields.exact(Field.VLAN_TCI1, Field.VLAN_TCI1.get(key));
        }
        return FlowText.formatPacket(fields.build(), Field.RECIRC_ID.get(key));
    }

    /** {@code new|trk}, lowest bit first. */
    public static String ctState(long state) {
        return FlagNames.CT_STATE.set(state);
    }

    /**
     * A datapath flow's match. The absence of a VLAN tag is not printed, as in Open vSwitch, although the flow depends
     * on it.
     *
     * @param mask {@link FlowKey#DATAPATH_WORDS} longs
     */
    public static String megaflow(long[] key, long[] mask) {
        Match.Builder mark = Match.builder();
        Match.Builder beside = Match.builder();
        Match.Builder rest = Match.builder();
        for (Field field : Field.values()) {
            boolean untagged = (field == Field.VLAN_TCI || field == Field.VLAN_TCI1) && field.get(key) == 0;
            boolean shown = field.isOfDatapath()
                    && field != Field.RECIRC_ID
                    && field != Field.PACKET_TYPE
                    && !untagged
                    && (field.get(mask) != 0 || field.getHigh(mask) != 0);
            if (shown) {
                boolean besidePacket = field == Field.SKB_PRIORITY || field.layer() == KeyLayer.CONNTRACK;
                Match.Builder into = field == Field.PKT_MARK ? mark : besidePacket ? beside : rest;
                into.masked(field, field.getHigh(key), field.get(key), field.getHigh(mask), field.get(mask));
            }
        }
        String marked = FlowText.format(mark.build());
        String metadata = FlowText.format(beside.build());
        return (marked.isEmpty() ? "" : marked + ",") + "recirc_id=" + FieldText.hex(Field.RECIRC_ID.get(key))
                + (metadata.isEmpty() ? "" : "," + metadata)
                + (Field.PACKET_TYPE.get(key) == 0
                        ? ",eth,"
                        : ",packet_type=" + PacketTypeText.format(Field.PACKET_TYPE.get(key)) + ",")
                + FlowText.format(rest.build());
    }
}
