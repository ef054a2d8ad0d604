package io.turnstile.pipeline;

import io.turnstile.datapath.DatapathAction;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.FlowKey;
import io.turnstile.datapath.KeyLayer;
import io.turnstile.datapath.LabelStack;
import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.Packet;
import io.turnstile.pipeline.flow.Bits;
import io.turnstile.pipeline.flow.Prerequisites;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The packet as the datapath has it, and the bits that flows have written since. The difference becomes set, push and
 * pop actions of the datapath before the packet leaves.
 */
final class PendingRewrites {
    /** Those whose order matters to who reads the datapath's actions: outside in. */
    private static final List<Field> OUTSIDE_IN = List.of(
            Field.ETH_SRC,
            Field.ETH_DST,
            Field.NW_SRC,
            Field.NW_DST,
            Field.IPV6_SRC,
            Field.IPV6_DST,
            Field.IPV6_LABEL,
            Field.NW_TOS,
            Field.NW_TTL,
            Field.NW_PROTO,
            Field.ARP_SHA,
            Field.ARP_THA,
            Field.ND_TARGET,
            Field.TP_SRC,
            Field.TP_DST);
    /** A stack of their own. */
    private static final Set<Field> VLAN_TAGS =
            Set.of(Field.VLAN_TCI, Field.VLAN_TPID, Field.VLAN_TCI1, Field.VLAN_TPID1);
    /** Header fields that can be rewritten: Ethernet's own, and what is behind tags and labels. */
    private static final List<Field> ETHERNET = headers(true);

    private static final List<Field> PAYLOAD = headers(false);
    /** What is kept beside the packet; it is rewritten after the tags, as in Open vSwitch. */
    private static final List<Field> METADATA = Stream.concat(
                    Stream.of(Field.SKB_PRIORITY),
                    rewritable().filter(field -> !field.layer().isInPacket()))
            .distinct()
            .toList();

    private final long[] packet;
    private final long[] written = FlowKey.newKey();
    private VlanStack packetVlan;
    private boolean dirty;
    /** Whether a header is to be put in front of the datapath's packet, and its metadata, if it has any. */
    private boolean encapPending;

    private byte[] metadata = {};
    /** Whether its outermost header is to be taken off. */
    private boolean decapPending;

    /** The datapath's packet at some point. */
    record Mark(long[] packet, VlanStack vlan) {}

    PendingRewrites(long[] packetKey, VlanStack packetVlan) {
        this.packet = Arrays.copyOf(packetKey, FlowKey.WORDS);
        this.packetVlan = packetVlan;
    }

    private static List<Field> headers(boolean ofLink) {
        return Stream.concat(
                        OUTSIDE_IN.stream(),
                        rewritable().filter(field -> field.layer().isInPacket()))
                .distinct()
                .filter(field -> (field.layer() == KeyLayer.LINK) == ofLink)
                .toList();
    }

    /** In_port is the pipeline's alone to write. */
    private static Stream<Field> rewritable() {
        return Arrays.stream(Field.values())
                .filter(field -> field.isOfDatapath()
                        && Prerequisites.isWritable(field)
                        && !VLAN_TAGS.contains(field)
                        && !LabelStack.fields().contains(field)
                        && field != Field.IN_PORT);
    }

    /** The datapath's packet by now, as far as the actions are that have been written out. */
    long[] packet() {
        long[] key = packet.clone();
        packetVlan.writeTo(key);
        return key;
    }

    /** The tags have been written in the walk's state. */
    void vlanWritten() {
        dirty = true;
    }

    /** The walk's packet has another header in front. */
    void encapPending(byte[] withMetadata) {
        encapPending = true;
        metadata = withMetadata;
        dirty = true;
    }

    /** The walk's packet has lost the header that the datapath's begins with. */
    void decapPending() {
        decapPending = true;
        dirty = true;
    }

    /** The bits of the field have been written in the key. */
    void written(Field field, Bits mask) {
        mask.orInto(field, written);
        dirty = true;
    }

    /** Appends what makes the datapath's packet look like that of the walk. */
    void commit(WalkState walk, List<DatapathAction> actions) {
        if (!dirty) {
            return;
        }
        commitOuterHeader(walk.key, actions);
        commitFields(ETHERNET, walk.key, actions);
        LabelEntries present = LabelEntries.of(packet);
        LabelEntries wanted = LabelEntries.of(walk.key);
        boolean laidBare = present.isLaidBareBy(wanted);
        if (laidBare) {
            commitLabels(present, wanted, walk.key, actions);
        }
        if (walk.knowsPayload()) {
            commitFields(PAYLOAD, walk.key, actions);
        }
        if (!laidBare) {
            commitLabels(present, wanted, walk.key, actions);
        }
        packetVlan.transform(walk.vlan(), actions);
        commitFields(METADATA, walk.key, actions);
        packetVlan = walk.vlan();
    }

    private void commitOuterHeader(long[] key, List<DatapathAction> actions) {
        int wanted = (int) Field.PACKET_TYPE.get(key);
        int present = (int) Field.PACKET_TYPE.get(packet);
        if (encapPending) {
            if (wanted == Packet.ETHERNET) {
                actions.add(new DatapathAction.PushEthernet(Field.ETH_SRC.get(key), Field.ETH_DST.get(key)));
            } else if (wanted == Packet.typeOf(EtherTypes.NSH)) {
                actions.add(new DatapathAction.PushNsh(ServiceHeader.of(key, metadata)));
            } else {
                LabelEntries.of(present == wanted ? packet : FlowKey.newKey()).stackUp(LabelEntries.of(key), actions);
            }
            becomeThatOf(key);
        } else if (wanted != present && present == Packet.ETHERNET) {
            actions.add(new DatapathAction.PopEthernet());
            Field.PACKET_TYPE.set(packet, wanted);
            Field.ETH_SRC.set(packet, 0);
            Field.ETH_DST.set(packet, 0);
        } else if (decapPending && present == Packet.typeOf(EtherTypes.NSH)) {
            actions.add(new DatapathAction.PopNsh());
            becomeThatOf(key);
        } else if (decapPending) { // Labels go as others do.
            Field.PACKET_TYPE.set(packet, wanted);
        }
        encapPending = false;
        decapPending = false;
    }

    private void becomeThatOf(long[] key) {
        for (Field field : Field.values()) {
            if (field.layer().isInPacket()) {
                field.set(packet, field.getHigh(key), field.get(key));
            }
        }
        packetVlan = new VlanStack(null, (int) Field.ETH_TYPE.get(key));
    }

    private void commitLabels(LabelEntries present, LabelEntries wanted, long[] key, List<DatapathAction> actions) {
        present.transform(wanted, actions);
        Field.ETH_TYPE.set(packet, Field.ETH_TYPE.get(key));
        LabelStack.fields().forEach(entry -> entry.set(packet, entry.get(key)));
    }

    private void commitFields(List<Field> fields, long[] key, List<DatapathAction> actions) {
        for (Field field : fields) {
            long high = field.getHigh(key);
            long low = field.get(key);
            if (high != field.getHigh(packet) || low != field.get(packet)) {
                long maskHigh = field.getHigh(written);
                long maskLow = field.get(written);
                actions.add(new DatapathAction.SetField(field, high & maskHigh, low & maskLow, maskHigh, maskLow));
                field.set(packet, high, low);
            }
        }
    }

    Mark mark() {
        return new Mark(packet.clone(), packetVlan);
    }

    /** Goes back to the mark, because everything committed since was done to a copy of the packet. */
    void returnTo(Mark mark) {
        System.arraycopy(mark.packet, 0, packet, 0, packet.length);
        packetVlan = mark.vlan;
    }
}
