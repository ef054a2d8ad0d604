package io.turnstile.pipeline;

import io.turnstile.datapath.Field;
import io.turnstile.datapath.FlowKey;
import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.Packet;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.MatchField;
import io.turnstile.pipeline.flow.OfAction.Ports;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The part of the key that is not in the packet and is carried over a recirculation: metadata, registers, and where the
 * action set outputs to.
 */
final class PipelineFields {
    /** The pipeline's words stand behind the datapath's ({@link FlowKey}). */
    private static final int FIRST = FlowKey.DATAPATH_WORDS;
    /**
     * What of the key is not in a packet and yet goes to controllers with it, if it is not zero; in_port goes always.
     * Of the action set they hear nothing, as in Open vSwitch.
     */
    static final List<Field> OF_PACKET_INS = Arrays.stream(Field.values())
            .filter(field -> !field.layer().isInPacket()
                    && !field.isView()
                    && field != Field.IN_PORT
                    && field != Field.ACTSET_OUTPUT
                    && MatchField.of(field).stream().anyMatch(MatchField::isCoded))
            .toList();

    private PipelineFields() {}

    static List<Long> save(long[] key) {
        List<Long> saved = new ArrayList<>(FlowKey.WORDS - FIRST);
        for (int i = FIRST; i < FlowKey.WORDS; i++) {
            saved.add(key[i]);
        }
        return saved;
    }

    static void restore(List<Long> saved, long[] key) {
        for (int i = FIRST; i < FlowKey.WORDS; i++) {
            key[i] = saved.get(i - FIRST);
        }
    }

    /** Gives the packet those of the datapath's fields that the match has and that are beside its bytes. */
    static void give(Match fields, Packet packet) {
        packet.setMark((int) fields.value(Field.PKT_MARK));
        packet.setDatapathHash((int) fields.value(Field.DP_HASH));
        packet.setConntrack(
                (int) fields.value(Field.CT_STATE),
                (int) fields.value(Field.CT_ZONE),
                (int) fields.value(Field.CT_MARK),
                fields.valueHigh(Field.CT_LABEL),
                fields.value(Field.CT_LABEL));
        giveTuple(fields, packet.ctOriginal());
    }

    private static void giveTuple(Match fields, Packet.OriginalTuple tuple) {
        tuple.clear();
        tuple.protocol = (int) fields.value(Field.CT_NW_PROTO);
        tuple.sourcePort = (int) fields.value(Field.CT_TP_SRC);
        tuple.destinationPort = (int) fields.value(Field.CT_TP_DST);
        tuple.ipv6 = fields.value(Field.ETH_TYPE) == EtherTypes.IPV6;
        tuple.sourceHigh = fields.valueHigh(Field.CT_IPV6_SRC);
        tuple.sourceLow = fields.value(tuple.ipv6 ? Field.CT_IPV6_SRC : Field.CT_NW_SRC);
        tuple.destinationHigh = fields.valueHigh(Field.CT_IPV6_DST);
        tuple.destinationLow = fields.value(tuple.ipv6 ? Field.CT_IPV6_DST : Field.CT_NW_DST);
    }

    /** Writes those that the match has. */
    static void take(Match fields, long[] key) {
        for (Field field : OF_PACKET_INS) {
            if (!field.isOfDatapath()) {
                field.set(key, fields.valueHigh(field), fields.value(field));
            }
        }
    }

    /** As a bridge sees them where a packet comes in, from another bridge too. */
    static void clear(long[] key) {
        for (int i = FIRST; i < FlowKey.WORDS; i++) {
            key[i] = 0;
        }
        Field.ACTSET_OUTPUT.set(key, Integer.toUnsignedLong(Ports.UNSET));
    }
}
