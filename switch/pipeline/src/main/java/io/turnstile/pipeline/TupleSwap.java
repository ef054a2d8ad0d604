package io.turnstile.pipeline;

import io.turnstile.datapath.Field;
import io.turnstile.packet.EtherTypes;

/**
 * The swap of the packet's addresses and ports with the connection's original tuple for {@code resubmit(,table,ct)}.
 */
final class TupleSwap {
    private static final Field[][] COMMON = {
        {Field.NW_PROTO, Field.CT_NW_PROTO}, {Field.TP_SRC, Field.CT_TP_SRC}, {Field.TP_DST, Field.CT_TP_DST}
    };
    private static final Field[][] IPV4 = {{Field.NW_SRC, Field.CT_NW_SRC}, {Field.NW_DST, Field.CT_NW_DST}};
    private static final Field[][] IPV6 = {{Field.IPV6_SRC, Field.CT_IPV6_SRC}, {Field.IPV6_DST, Field.CT_IPV6_DST}};

    private TupleSwap() {}

    /** Swaps in a key or in a mask; doing it twice restores. */
    static void swap(long[] keyOrMask, int etherType) {
        swapPairs(keyOrMask, COMMON);
        swapPairs(keyOrMask, etherType == EtherTypes.IPV6 ? IPV6 : IPV4);
    }

    private static void swapPairs(long[] keyOrMask, Field[][] pairs) {
        for (Field[] pair : pairs) {
            long high = pair[0].getHigh(keyOrMask);
            long low = pair[0].get(keyOrMask);
            pair[0].set(keyOrMask, pair[1].getHigh(keyOrMask), pair[1].get(keyOrMask));
            pair[1].set(keyOrMask, high, low);
        }
    }

    /** Whether the word of the key holds a field that takes part. */
    static boolean touches(int word) {
        return touches(COMMON, word) || touches(IPV4, word) || touches(IPV6, word);
    }

    private static boolean touches(Field[][] pairs, int word) {
        for (Field[] pair : pairs) {
            for (Field field : pair) {
                if (word == field.word() || field.isWide() && word == field.word() + 1) {
                    return true;
                }
            }
        }
        return false;
    }
}
