package io.turnstile.pipeline;

import io.turnstile.datapath.FlowKey;
import io.turnstile.pipeline.flow.Match;

/** The hash of a key's words under a mask, word by word in the mask's order. Threads: stateless. */
final class KeyHash {
    private KeyHash() {}

    /** The hash of every key that meets the match. */
    static long of(Match match) {
        long hash = FlowKey.HASH_SEED;
        for (int i = 0; i < match.mask().length(); i++) {
            hash = FlowKey.hash(hash, match.valueAt(i));
        }
        return hash;
    }
}
