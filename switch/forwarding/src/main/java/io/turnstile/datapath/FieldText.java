package io.turnstile.datapath;

import io.turnstile.address.AddressText;
import java.math.BigInteger;
import java.net.InetAddress;
import java.nio.ByteBuffer;

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
    /** Zero with its prefix, too, and a mask of eight digits. */
    HEX_NUMBER {
        @Override
        String value(long high, long low) {
            return "0x" + Long.toHexString(low);
        }

        @Override
        String mask(long high, long low) {
            return "0x%08x".formatted(low);
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

    private static final long MAPPED_PREFIX = 0xffffL;

    /** A value and its mask as they were read. */
    record Value(long high, long low, long maskHigh, long maskLow) {}

    /**
     * Reads {@code value} or {@code value/mask} of a field; without a mask it is whole.
     *
     * @throws NumberFormatException for what is neither
     */
    Value parse(Field field, String text) {
        int slash = text.indexOf('/');
        long[] value = read(field, slash < 0 ? text : text.substring(0, slash));
        long[] mask =
                slash < 0 ? new long[] {field.highMask(), field.lowMask()} : read(field, text.substring(slash + 1));
        return new Value(value[0], value[1], mask[0], mask[1]);
    }

    private long[] read(Field field, String text) {
        return switch (this) {
            case DECIMAL, HEX, HEX_NUMBER -> wideNumber(text.strip(), field.widthBits());
            case MAC -> new long[] {0, mac(text.strip())};
            case IPV4, IPV6 -> address(text.strip(), this == IPV6);
        };
    }

    /** An unsigned number of so many bits, decimal, hexadecimal behind {@code 0x} or octal behind {@code 0}. */
    static long number(String text, int bits) {
        return wideNumber(text, bits)[1];
    }

    private static long[] wideNumber(String text, int bits) {
        boolean hexadecimal = text.startsWith("0x") || text.startsWith("0X");
        boolean octal = !hexadecimal && text.length() > 1 && text.startsWith("0");
        BigInteger number = new BigInteger(hexadecimal ? text.substring(2) : text, hexadecimal ? 16 : octal ? 8 : 10);
        if (number.signum() < 0 || number.bitLength() > bits) {
            throw new NumberFormatException(text);
        }
        return new long[] {number.shiftRight(64).longValue(), number.longValue()};
    }

    private static long mac(String text) {
        String[] bytes = text.split(":", -1);
        long mac = 0;
        for (String part : bytes) {
            if (!part.matches("[0-9a-fA-F]{1,2}")) {
                throw new NumberFormatException(text);
            }
            mac = mac << 8 | Integer.parseInt(part, 16);
        }
        if (bytes.length != 6) {
            throw new NumberFormatException(text);
        }
        return mac;
    }

    private static long[] address(String text, boolean ipv6) {
        boolean isLiteral =
                ipv6 ? text.contains(":") && !text.contains("%") : text.matches("[0-9]{1,3}(\\.[0-9]{1,3}){3}");
        if (!isLiteral) {
            throw new NumberFormatException(text);
        }
        try {
            ByteBuffer buffer = ByteBuffer.wrap(InetAddress.ofLiteral(text).getAddress());
            if (buffer.remaining() == 16) {
                return new long[] {buffer.getLong(), buffer.getLong()};
            }
            long ipv4 = Integer.toUnsignedLong(buffer.getInt());
            return new long[] {0, ipv6 ? MAPPED_PREFIX << 32 | ipv4 : ipv4}; // Java makes IPv4 of a mapped address
        } catch (IllegalArgumentException e) {
            throw (NumberFormatException) new NumberFormatException(text).initCause(e);
        }
    }

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
