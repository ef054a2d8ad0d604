package io.turnstile.pipeline;

import io.turnstile.datapath.Field;
import io.turnstile.datapath.FlowKey;
import java.util.ArrayList;
import java.util.List;

/** The part of the key that is not in the packet and is carried over a recirculation: metadata, registers, packet mark. */
final class PipelineFields {
    private static final int FIRST = Field.METADATA.word();

    private PipelineFields() {
    }

    static List<Long> save(long[] key) {
        List<Long> saved = new ArrayList<>(FlowKey.WORDS - FIRST + 1);
        for (int i = FIRST; i < FlowKey.WORDS; i++) {
            saved.add(key[i]);
        }
        saved.add(Field.PKT_MARK.get(key));
        return saved;
    }

    static void restore(List<Long> saved, long[] key) {
        for (int i = FIRST; i < FlowKey.WORDS; i++) {
            key[i] = saved.get(i - FIRST);
        }
        Field.PKT_MARK.set(key, saved.getLast());
    }

    /** Another bridge sees neither metadata nor registers; the packet mark stays with the packet. */
    static void clear(long[] key) {
        for (int i = FIRST; i < FlowKey.WORDS; i++) {
            key[i] = 0;
        }
    }
}
