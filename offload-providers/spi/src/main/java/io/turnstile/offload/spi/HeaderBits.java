package io.turnstile.offload.spi;

/**
 * Some bits of a {@link HeaderField}: those that a guard asks for, or those that a rewrite writes.
 *
 * @param value as the field has them; 0 where {@code mask} is 0
 * @param mask 1 for each bit meant; not 0, within {@link HeaderField#fullMask()}
 */
public record HeaderBits(HeaderField field, long value, long mask) {
    public HeaderBits {
        if (mask == 0 || (mask & ~field.fullMask()) != 0 || (value & ~mask) != 0) {
            throw new IllegalArgumentException(
                    "no bits of " + field + ": " + Long.toHexString(value) + "/" + Long.toHexString(mask));
        }
    }

    /** All bits of the field. */
    public static HeaderBits exactly(HeaderField field, long value) {
        return new HeaderBits(field, value, field.fullMask());
    }

    /** {@code nw_ttl=0x40}, {@code vlan_tci=0x1000/0x1000}. */
    @Override
    public String toString() {
        String text = field + "=0x" + Long.toHexString(value);
        return mask == field.fullMask() ? text : text + "/0x" + Long.toHexString(mask);
    }
}
