package io.turnstile.pipeline;

import io.turnstile.datapath.FlowKey;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.MatchMask;

/** The hash of a key's words under a mask, word by word in the mask's order. Threads: stateless. */
final class KeyHash {
    private KeyHash() {}

    /** The hash of that key's match with the mask. */
    static long of(MatchMask mask, long[] key) {
        long hash = FlowKey.HASH_SEED;
        for (int i = 0; i < mask.length(); i++) {
            hash = FlowKey.hash(hash, key[mask.wordAt(i)] & mask.bitsAt(i));
        }
        return hash;
    }

    /** The hash of every key that meets the match. */
    static long of(Match match) {
        long hash = FlowKey.HASH_SEED;
        for (int i = 0; i < match.mask().length(); i++) {
            hash = FlowKey.hash(hash, match.valueAt(i));
        }
        return hash;
    }
}
