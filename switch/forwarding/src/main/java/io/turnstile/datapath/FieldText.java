package io.turnstile.datapath;

import com.google.common.net.InetAddresses;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;

/** How a field's value and mask are written inside the brackets of a datapath flow or set action. */
enum FieldText {
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
            StringBuilder text = new StringBuilder(17);
            for (int shift = 40; shift >= 0; shift -= 8) {
                text.append(Character.forDigit((int) (low >>> (shift + 4)) & 0xf, 16))
                        .append(Character.forDigit((int) (low >>> shift) & 0xf, 16))
                        .append(shift == 0 ? "" : ":");
            }
            return text.toString();
        }

        @Override
        String mask(long high, long low) {
            return value(high, low);
        }
    },
    IPV4 {
        @Override
        String value(long high, long low) {
            return (low >>> 24 & 0xff) + "." + (low >>> 16 & 0xff) + "." + (low >>> 8 & 0xff) + "." + (low & 0xff);
        }

        @Override
        String mask(long high, long low) {
            return value(high, low);
        }
    },
    IPV6 {
        @Override
        String value(long high, long low) {
            try {
                byte[] bytes =
                        ByteBuffer.allocate(16).putLong(high).putLong(low).array();
                return InetAddresses.toAddrString(InetAddress.getByAddress(bytes));
            } catch (UnknownHostException e) {
                throw new IllegalStateException("16 bytes are an address", e);
            }
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

    /** As C prints with {@code %#x}: zero has no prefix. */
    static String hex(long high, long low) {
        if (high == 0) {
            return low == 0 ? "0" : "0x" + Long.toHexString(low);
        }
        return "0x" + Long.toHexString(high) + String.format("%016x", low);
    }

    static String hex(long value) {
        return hex(0, value);
    }

    /** {@code value}, with {@code /mask} unless the mask covers the whole field. */
    String masked(Field field, long high, long low, long maskHigh, long maskLow) {
        boolean exact = maskHigh == field.highMask() && maskLow == field.lowMask();
        return value(high, low) + (exact ? "" : "/" + mask(maskHigh, maskLow));
    }
}
