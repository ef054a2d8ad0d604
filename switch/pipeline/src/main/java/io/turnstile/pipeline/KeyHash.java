package io.turnstile.pipeline;

import io.turnstile.pipeline.flow.Match;

/** The hash of a key's words under a mask, word by word in the mask's order. Threads: stateless. */
final class KeyHash {
    static final long SEED = 0x9e37_79b9_7f4a_7c15L;

    private KeyHash() {}

    /** The hash with one more word. */
    static long mix(long hash, long word) {
        long mixed = (hash ^ word) * 0xff51_afd7_ed55_8ccdL;
        return mixed ^ (mixed >>> 32);
    }

    /** The hash of every key that meets the match. */
    static long of(Match match) {
        long hash = SEED;
        for (int i = 0; i < match.mask().length(); i++) {
            hash = mix(hash, match.valueAt(i));
        }
        return hash;
    }
}
