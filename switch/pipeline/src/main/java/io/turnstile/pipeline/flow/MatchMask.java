package io.turnstile.pipeline.flow;

import io.turnstile.datapath.FlowKey;
import java.util.Arrays;

/**
 * The bits that a {@link Match} looks at, in the order of the stages of a lookup ({@link FlowKey#stages}), and only the
 * words that have any: a flow of three fields touches three or four of 33. Flows of one kind have equal masks; a table
 * keeps one of them for all its flows of that kind, and {@link #of} hands out the same one again as long as it is among
 * those made last.
 *
 * <p>Immutable: the arrays are never handed out.
 */
public final class MatchMask {
    private static final int[][] STAGES = FlowKey.stages();
    /** A power of two. */
    private static final int RECENT = 256;
    /** The masks made last, by hash; written without a lock: who reads an older one makes its own, which is as good. */
    private static final MatchMask[] RECENT_MASKS = new MatchMask[RECENT];

    private final int[] words;
    private final long[] bits;
    /** By word of the key: its index in {@link #words}, or -1. */
    private final byte[] positions;
    /** For each stage that has words: one past the last index of its words. */
    private final int[] stageEnds;

    private final int hash;

    private MatchMask(long[] mask, int hash) {
        this.hash = hash;
        positions = new byte[FlowKey.WORDS];
        Arrays.fill(positions, (byte) -1);
        int[] touched = new int[FlowKey.WORDS];
        int[] ends = new int[STAGES.length];
        int length = 0;
        int stages = 0;
        for (int[] stage : STAGES) {
            int before = length;
            for (int word : stage) {
                if (mask[word] != 0) {
                    positions[word] = (byte) length;
                    touched[length++] = word;
                }
            }
            if (length > before) {
                ends[stages++] = length;
            }
        }
        words = Arrays.copyOf(touched, length);
        stageEnds = Arrays.copyOf(ends, stages);
        bits = new long[length];
        for (int i = 0; i < length; i++) {
            bits[i] = mask[words[i]];
        }
    }

    /** @param mask in the layout of {@link FlowKey}; copied */
    static MatchMask of(long[] mask) {
        int hash = Arrays.hashCode(mask);
        int slot = (hash ^ hash >>> 16) & RECENT - 1;
        MatchMask recent = RECENT_MASKS[slot];
        if (recent != null && recent.hash == hash && recent.isOf(mask)) {
            return recent;
        }
        MatchMask made = new MatchMask(mask, hash);
        RECENT_MASKS[slot] = made;
        return made;
    }

    private boolean isOf(long[] mask) {
        for (int word = 0; word < FlowKey.WORDS; word++) {
            if (mask[word] != word(word)) {
                return false;
            }
        }
        return true;
    }

    /** How many words have bits. */
    public int length() {
        return words.length;
    }

    /** Which word of the key the {@code index}th one with bits is. */
    public int wordAt(int index) {
        return words[index];
    }

    /** The bits of that word. */
    public long bitsAt(int index) {
        return bits[index];
    }

    /** How many stages have words. */
    public int stages() {
        return stageEnds.length;
    }

    /** One past the index of the last word of the stage and those before it. */
    public int stageEnd(int stage) {
        return stageEnds[stage];
    }

    /** The bits of a word of the key. */
    long word(int word) {
        int index = positions[word];
        return index < 0 ? 0 : bits[index];
    }

    /** Where a word of the key stands among those with bits; -1 if it has none. */
    int indexOf(int word) {
        return positions[word];
    }

    /** True if {@code other} looks at all these bits too. */
    public boolean isWithin(MatchMask other) {
        if (this == other) {
            return true;
        }
        for (int i = 0; i < words.length; i++) {
            if ((bits[i] & ~other.word(words[i])) != 0) {
                return false;
            }
        }
        return true;
    }

    @Override
    public boolean equals(Object other) {
        return this == other
                || other instanceof MatchMask mask
                        && hash == mask.hash
                        && Arrays.equals(words, mask.words)
                        && Arrays.equals(bits, mask.bits);
    }

    @Override
    public int hashCode() {
        return hash;
    }
}
