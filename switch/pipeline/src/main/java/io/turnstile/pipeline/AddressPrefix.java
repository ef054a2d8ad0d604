package io.turnstile.pipeline;

import io.turnstile.datapath.Field;
import io.turnstile.pipeline.flow.MatchMask;

/**
 * How much of an IP address has to be looked at to see that it is another one than a rule's: as in Open vSwitch its
 * leading bits up to the first that differs, so that a datapath flow holds for the whole subnet whose packets the rule
 * does not meet.
 *
 * <p>Threads: stateless.
 */
final class AddressPrefix {
    private static final int HALF = Integer.SIZE;

    private AddressPrefix() {}

    /**
     * Notes bits that tell the key from the rule.
     *
     * @param index of the word, in the mask, that differs first
     * @param difference of that word, in bits of the mask
     */
    static void note(MatchMask mask, int index, long difference, long[] wildcards) {
        int word = mask.wordAt(index);
        long bits = mask.bitsAt(index);
        long leading = -1L << Long.SIZE - 1 - Long.numberOfLeadingZeros(difference);
        if (word == Field.NW_SRC.word()) { // which is the upper half of the word, the destination the lower one
            long half = leading << HALF == 0 ? -1L << HALF : -1L >>> HALF;
            bits &= leading & half;
        } else if (isOf(Field.IPV6_SRC, word) || isOf(Field.IPV6_DST, word)) {
            boolean isLower = word != Field.IPV6_SRC.word() && word != Field.IPV6_DST.word();
            bits &= leading;
            if (isLower && index > 0 && mask.wordAt(index - 1) == word - 1) {
                wildcards[word - 1] |= mask.bitsAt(index - 1); // so that it is a prefix
            }
        }
        wildcards[word] |= bits;
    }

    private static boolean isOf(Field address, int word) {
        return word == address.word() || word == address.word() + 1;
    }
}
