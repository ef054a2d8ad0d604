package io.turnstile.pipeline.flow;

import io.turnstile.datapath.Field;

/** Up to 128 bits of a field, and where they go: {@link OfAction.SubField} read and written in a key. */
public record Bits(long high, long low) {

    /** The bits of the sub-field, at the low end. */
    public static Bits read(OfAction.SubField source, long[] key) {
        Bits shifted = new Bits(source.field().getHigh(key), source.field().get(key)).shiftedRight(source.offsetBits());
        return shifted.and(ones(source.widthBits()));
    }

    /** Ones in a field at the sub-field's place. */
    public static Bits maskOf(OfAction.SubField place) {
        return ones(place.widthBits()).shiftedLeft(place.offsetBits());
    }

    public static Bits ones(int widthBits) {
        if (widthBits >= 128) {
            return new Bits(-1L, -1L);
        }
        return widthBits > 64
                ? new Bits((1L << (widthBits - 64)) - 1, -1L)
                : new Bits(0, widthBits == 64 ? -1L : (1L << widthBits) - 1);
    }

    public Bits shiftedLeft(int bits) {
        if (bits == 0) {
            return this;
        }
        return bits >= 64 ? new Bits(low << (bits - 64), 0) : new Bits(high << bits | low >>> (64 - bits), low << bits);
    }

    public Bits shiftedRight(int bits) {
        if (bits == 0) {
            return this;
        }
        return bits >= 64
                ? new Bits(0, high >>> (bits - 64))
                : new Bits(high >>> bits, low >>> bits | high << (64 - bits));
    }

    public Bits and(Bits other) {
        return new Bits(high & other.high, low & other.low);
    }

    public Bits without(Bits other) {
        return new Bits(high & ~other.high, low & ~other.low);
    }

    /** Writes the bits of {@code mask} into the field. */
    public void writeTo(Field field, Bits mask, long[] key) {
        field.set(key, field.getHigh(key) & ~mask.high | high & mask.high, field.get(key) & ~mask.low | low & mask.low);
    }

    /** Sets these bits of the field in a mask. */
    public void orInto(Field field, long[] mask) {
        field.set(mask, field.getHigh(mask) | high, field.get(mask) | low);
    }
}
