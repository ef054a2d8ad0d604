package io.turnstile.packet;

/** The CRC of SCTP (RFC 9260 appendix A), octet by octet or over many zeros at once. Allocates nothing. */
public final class Crc32c {
    /** The Castagnoli polynomial, bits reversed. */
    private static final int POLYNOMIAL = 0x82f6_3b78;
    /** The polynomial 1: with bits reversed, the highest bit is the coefficient of x^0. */
    private static final int ONE = 1 << 31;

    private static final int[] TABLE = new int[256];
    /** x^(8·2^i) modulo the polynomial: what 2^i zero octets multiply a CRC by. */
    private static final int[] ZEROS = new int[Integer.SIZE - 1];

    static {
        for (int i = 0; i < TABLE.length; i++) {
            int value = i;
            for (int bit = 0; bit < 8; bit++) {
                value = (value & 1) != 0 ? value >>> 1 ^ POLYNOMIAL : value >>> 1;
            }
            TABLE[i] = value;
        }
        ZEROS[0] = ONE >>> 8;
        for (int i = 1; i < ZEROS.length; i++) {
            ZEROS[i] = multiply(ZEROS[i - 1], ZEROS[i - 1]);
        }
    }

    private Crc32c() {}

    /** The CRC after one more octet, of which the low eight bits count; neither begun nor ended with an inversion. */
    public static int next(int crc, int octet) {
        return crc >>> 8 ^ TABLE[(crc ^ octet) & 0xff];
    }

    /**
     * What stands in the CRC's field of the SCTP packet {@code [from, to)} of a frame if it is right (RFC 9260 §6.8).
     */
    public static int ofSctp(Packet packet, int from, int to) {
        int field = from + SctpHeader.CHECKSUM;
        int crc = ~0;
        for (int offset = from; offset < to; offset++) {
            boolean inField = offset >= field && offset < field + Integer.BYTES;
            crc = next(crc, inField ? 0 : packet.u8(offset));
        }
        return Integer.reverseBytes(~crc);
    }

    /** Takes {@code count} octets of zero into the CRC, in steps that grow with the logarithm of {@code count}. */
    public static int zeros(int crc, int count) {
        int result = crc;
        for (int rest = count; rest > 0; rest &= rest - 1) {
            result = multiply(ZEROS[Integer.numberOfTrailingZeros(rest)], result);
        }
        return result;
    }

    /** Product of two polynomials over GF(2), modulo the CRC's. */
    private static int multiply(int a, int b) {
        int product = 0;
        int shifted = b;
        for (int bit = ONE; bit != 0; bit >>>= 1) {
            if ((a & bit) != 0) {
                product ^= shifted;
            }
            shifted = (shifted & 1) != 0 ? shifted >>> 1 ^ POLYNOMIAL : shifted >>> 1;
        }
        return product;
    }
}
