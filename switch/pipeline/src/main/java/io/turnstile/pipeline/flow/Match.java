package io.turnstile.pipeline.flow;

import io.turnstile.datapath.Field;
import io.turnstile.datapath.FlowKey;
import java.util.Arrays;

/**
 * Which packets a flow is for: a value and a mask in the layout of {@link FlowKey}. Bits outside the mask are zero in
 * the value, so that two matches are the same flow exactly if they are equal (OpenFlow 1.3.5 §5.2). Kept are only the
 * words that the mask touches, for there may be millions of them.
 *
 * <p>Immutable: the arrays are never handed out, copies are.
 */
public final class Match {
    /** Matches everything. */
    public static final Match ANY = builder().build();

    private final MatchMask mask;
    /** One word for each that the mask touches, in its order. */
    private final long[] value;

    private Match(MatchMask mask, long[] value) {
        this.mask = mask;
        this.value = value;
    }

    private static Match of(long[] value, long[] mask) {
        MatchMask touched = MatchMask.of(mask);
        long[] kept = new long[touched.length()];
        for (int i = 0; i < kept.length; i++) {
            kept[i] = value[touched.wordAt(i)];
        }
        return new Match(touched, kept);
    }

    /** The same with a mask that is equal to its own, so that many share one. */
    public Match sharing(MatchMask equalMask) {
        return equalMask == mask ? this : new Match(equalMask, value);
    }

    public MatchMask mask() {
        return mask;
    }

    /** The masked value of the {@code index}th word that the mask touches. */
    public long valueAt(int index) {
        return value[index];
    }

    /** One word of the masked value, {@code [0, FlowKey.WORDS)}. */
    public long valueWord(int word) {
        int index = mask.indexOf(word);
        return index < 0 ? 0 : value[index];
    }

    public long maskWord(int word) {
        return mask.word(word);
    }

    public long[] copyOfValue() {
        long[] copy = FlowKey.newKey();
        for (int i = 0; i < value.length; i++) {
            copy[mask.wordAt(i)] = value[i];
        }
        return copy;
    }

    /** Lower 64 bits of the field's value. */
    public long value(Field field) {
        return field.in(valueWord(field.lowWord()));
    }

    public long valueHigh(Field field) {
        return field.isWide() ? valueWord(field.word()) : 0;
    }

    public long mask(Field field) {
        return field.in(maskWord(field.lowWord()));
    }

    public long maskHigh(Field field) {
        return field.isWide() ? maskWord(field.word()) : 0;
    }

    /** True if any bit of the field is matched on. */
    public boolean matchesOn(Field field) {
        return mask(field) != 0 || maskHigh(field) != 0;
    }

    public boolean isExact(Field field) {
        return mask(field) == field.lowMask() && maskHigh(field) == field.highMask();
    }

    /** True if every packet of {@code other} is also one of this (for loose modify and delete). */
    public boolean covers(Match other) {
        if (!mask.isWithin(other.mask)) {
            return false;
        }
        for (int i = 0; i < value.length; i++) {
            if (((value[i] ^ other.valueWord(mask.wordAt(i))) & mask.bitsAt(i)) != 0) {
                return false;
            }
        }
        return true;
    }

    /** True if some packet could meet both (for OFPFF_CHECK_OVERLAP). */
    public boolean overlaps(Match other) {
        for (int i = 0; i < value.length; i++) {
            int word = mask.wordAt(i);
            if (((value[i] ^ other.valueWord(word)) & mask.bitsAt(i) & other.maskWord(word)) != 0) {
                return false;
            }
        }
        return true;
    }

    public boolean matches(long[] key) {
        for (int i = 0; i < value.length; i++) {
            if (((value[i] ^ key[mask.wordAt(i)]) & mask.bitsAt(i)) != 0) {
                return false;
            }
        }
        return true;
    }

    @Override
    public boolean equals(Object other) {
        return this == other
                || other instanceof Match match && Arrays.equals(value, match.value) && mask.equals(match.mask);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(value) + mask.hashCode();
    }

    public static Builder builder() {
        return new Builder();
    }

    /** Collects fields; not thread-safe. */
    public static final class Builder {
        private final long[] value = FlowKey.newKey();
        private final long[] mask = FlowKey.newKey();

        /** Matches the whole field (of at most 64 bits). */
        public Builder exact(Field field, long low) {
            return masked(field, 0, low, field.highMask(), field.lowMask());
        }

        public Builder exact(Field field, long high, long low) {
            return masked(field, high, low, field.highMask(), field.lowMask());
        }

        /** Matches the bits of the field's mask; bits of the value outside it are ignored. */
        public Builder masked(Field field, long low, long lowMask) {
            return masked(field, 0, low, 0, lowMask);
        }

        public Builder masked(Field field, long high, long low, long highMask, long lowMask) {
            field.set(mask, highMask, lowMask);
            field.set(value, high & highMask, low & lowMask);
            return this;
        }

        /** Lower 64 bits of the mask so far: the wire layer checks prerequisites and duplicates with it. */
        public long mask(Field field) {
            return field.get(mask);
        }

        public long value(Field field) {
            return field.get(value);
        }

        public boolean matchesOn(Field field) {
            return field.get(mask) != 0 || field.getHigh(mask) != 0;
        }

        public Match build() {
            return Match.of(value, mask);
        }
    }
}
