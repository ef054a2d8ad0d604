package io.turnstile.pipeline;

import io.turnstile.datapath.Field;
import io.turnstile.datapath.FlowKey;
import java.util.ArrayList;
import java.util.List;

/** The part of the key that is not in the packet and is carried over a recirculation: metadata and registers. */
final class PipelineFields {
    private static final int FIRST = Field.METADATA.word();

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
