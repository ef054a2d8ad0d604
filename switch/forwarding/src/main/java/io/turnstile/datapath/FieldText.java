package io.turnstile.datapath;

import io.turnstile.address.AddressText;

/** How a field's value and mask are written inside the brackets of a datapath flow or set action. */
public enum FieldText {
    DECIMAL {
        @Override
        String value(long high, long low) {
            return Long.toString(low);
        }
    },
    HEX {
        @Override
        String value(long high, long low) {
            return hex(high, low);
        }
    },
    MAC {
        @Override
        String value(long high, long low) {
            return AddressText.mac(low);
        }

        @Override
        String mask(long high, long low) {
            return value(high, low);
        }
    },
    IPV4 {
        @Override
        String value(long high, long low) {
            return AddressText.ipv4(low);
        }

        @Override
        String mask(long high, long low) {
            return value(high, low);
        }
    },
    IPV6 {
        @Override
        String value(long high, long low) {
            return AddressText.ipv6(high, low);
        }

        @Override
        String mask(long high, long low) {
            return value(high, low);
        }
    };

    abstract String value(long high, long low);

    String mask(long high, long low) {
        return hex(high, low);
    }

    /** Up to 128 bits as C prints with {@code %#x}: zero has no prefix. */
    public static String hex(long high, long low) {
        if (high == 0) {
            return low == 0 ? "0" : "0x" + Long.toHexString(low);
        }
        return "0x" + Long.toHexString(high) + String.format("%016x", low);
    }

    public static String hex(long value) {
        return hex(0, value);
    }

    /** {@code value}, with {@code /mask} unless the mask covers the whole field. */
    String masked(Field field, long high, long low, long maskHigh, long maskLow) {
        boolean exact = maskHigh == field.highMask() && maskLow == field.lowMask();
        return value(high, low) + (exact ? "" : "/" + mask(maskHigh, maskLow));
    }
}
