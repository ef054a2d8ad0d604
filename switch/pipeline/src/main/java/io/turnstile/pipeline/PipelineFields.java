package io.turnstile.pipeline;

import io.turnstile.datapath.Field;
import io.turnstile.datapath.FlowKey;
import io.turnstile.pipeline.flow.MatchField;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The part of the key that is not in the packet and is carried over a recirculation: metadata and registers. */
final class PipelineFields {
    /** The pipeline's words stand behind the datapath's ({@link FlowKey}). */
    private static final int FIRST = FlowKey.DATAPATH_WORDS;
    /**
     * What of the key is not in a packet and yet goes to controllers with it, if it is not zero; in_port goes always.
     */
    static final List<Field> OF_PACKET_INS = Arrays.stream(Field.values())
            .filter(field -> !field.layer().isInPacket()
                    && !field.isView()
                    && field != Field.IN_PORT
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

    /** Another bridge sees neither metadata nor registers. */
    static void clear(long[] key) {
        for (int i = FIRST; i < FlowKey.WORDS; i++) {
            key[i] = 0;
        }
    }
}
