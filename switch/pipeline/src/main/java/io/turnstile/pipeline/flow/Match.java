package io.turnstile.pipeline.flow;

import io.turnstile.datapath.Field;
import io.turnstile.datapath.FlowKey;
import java.util.Arrays;

/**
 * Which packets a flow is for: a value and a mask in the layout of {@link FlowKey}. Bits outside the mask are zero in
 * the value, so that two matches are the same flow exactly if they are equal (OpenFlow 1.3.5 §5.2).
 *
 * <p>Immutable: the arrays are never handed out, copies are.
 */
public final class Match {
    /** Matches everything. */
    public static final Match ANY = new Match(FlowKey.newKey(), FlowKey.newKey());

    private final long[] value;
    private final long[] mask;

    private Match(long[] value, long[] mask) {
        this.value = value;
        this.mask = mask;
    }

    /** A match with the same mask and an all-zero value: names the mask itself. */
    static Match maskOf(Match match) {
        return new Match(FlowKey.newKey(), match.mask);
    }

    /** One word of the masked value, {@code [0, FlowKey.WORDS)}. */
    public long valueWord(int word) {
        return value[word];
    }

    public long maskWord(int word) {
        return mask[word];
    }

    public long[] copyOfValue() {
        return value.clone();
    }

    public long[] copyOfMask() {
        return mask.clone();
    }

    /** Lower 64 bits of the field's value. */
    public long value(Field field) {
        return field.get(value);
    }

    public long valueHigh(Field field) {
        return field.getHigh(value);
    }

    public long mask(Field field) {
        return field.get(mask);
    }

    public long maskHigh(Field field) {
        return field.getHigh(mask);
    }

    /** True if any bit of the field is matched on. */
    public boolean matchesOn(Field field) {
        return field.get(mask) != 0 || field.getHigh(mask) != 0;
    }

    public boolean isExact(Field field) {
        return field.get(mask) == field.lowMask() && field.getHigh(mask) == field.highMask();
    }

    /** True if every packet of {@code other} is also one of this (for loose modify and delete). */
    public boolean covers(Match other) {
        for (int i = 0; i < FlowKey.WORDS; i++) {
            if ((mask[i] & ~other.mask[i]) != 0 || ((value[i] ^ other.value[i]) & mask[i]) != 0) {
                return false;
            }
        }
        return true;
    }

    /** True if some packet could meet both (for OFPFF_CHECK_OVERLAP). */
    public boolean overlaps(Match other) {
        for (int i = 0; i < FlowKey.WORDS; i++) {
            if (((value[i] ^ other.value[i]) & mask[i] & other.mask[i]) != 0) {
                return false;
            }
        }
        return true;
    }

    public boolean matches(long[] key) {
        for (int i = 0; i < FlowKey.WORDS; i++) {
            if (((value[i] ^ key[i]) & mask[i]) != 0) {
                return false;
            }
        }
        return true;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Match match && Arrays.equals(value, match.value) && Arrays.equals(mask, match.mask);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(value) + Arrays.hashCode(mask);
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
            return new Match(value.clone(), mask.clone());
        }
    }
}
