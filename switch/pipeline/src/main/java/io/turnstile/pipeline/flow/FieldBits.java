package io.turnstile.pipeline.flow;

import io.turnstile.datapath.Field;

/**
 * Which bits of the key's field a match field is, in that one's numbering unless said otherwise.
 *
 * @param offset of its lowest bit
 * @param width as a subfield: {@code name[0..width-1]}
 * @param matched lower 64 bits that an exact match covers
 * @param values those that a value may have, in its own numbering
 * @param implied bits that must be one for the match to make sense: the VLAN tag's presence
 * @param required bits that a value written has to have, in its own numbering
 * @param said how many bits others say it has, of which the upper are always zero here
 */
record FieldBits(int offset, int width, long matched, long values, long implied, long required, int said) {
    /** All of the key's field, whatever that is. */
    static final FieldBits WHOLE = of(0, 0, -1L, -1L);

    static FieldBits of(int offset, int width, long matched, long values) {
        return new FieldBits(offset, width, matched, values, 0, 0, width);
    }

    static FieldBits part(int offset, int width) {
        long values = (1L << width) - 1;
        return of(offset, width, values << offset, values);
    }

    static FieldBits low(int width) {
        return of(0, width, -1L, (1L << width) - 1);
    }

    FieldBits implying(long bits) {
        return new FieldBits(offset, width, matched, values, bits, required, said);
    }

    FieldBits requiring(long bits) {
        return new FieldBits(offset, width, matched, values, implied, bits, said);
    }

    FieldBits saidToHave(int count) {
        return new FieldBits(offset, width, matched, values, implied, required, count);
    }

    FieldBits withAnyValue() {
        long fits = width >= Long.SIZE ? -1L : (1L << width) - 1;
        return new FieldBits(offset, width, matched, values | fits, implied, required, said);
    }

    /** The same with the width of the key's field where none is given. */
    FieldBits in(Field field) {
        int bits = width == 0 ? field.widthBits() : width;
        return new FieldBits(
                offset,
                bits,
                matched & field.lowMask(),
                values & (width == 0 ? field.lowMask() : -1L),
                implied,
                required,
                said == 0 ? bits : said);
    }
}
