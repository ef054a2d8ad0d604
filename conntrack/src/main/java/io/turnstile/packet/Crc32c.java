package io.turnstile.packet;

/** The CRC of SCTP (RFC 9260 appendix A), octet by octet. Allocates nothing. */
public final class Crc32c {
    /** The Castagnoli polynomial, bits reversed. */
    private static final int POLYNOMIAL = 0x82f6_3b78;
    private static final int[] TABLE = new int[256];

    static {
        for (int i = 0; i < TABLE.length; i++) {
            int value = i;
            for (int bit = 0; bit < 8; bit++) {
                value = (value & 1) != 0 ? value >>> 1 ^ POLYNOMIAL : value >>> 1;
            }
            TABLE[i] = value;
        }
    }

    private Crc32c() {
    }

    /** The CRC after one more octet, of which the low eight bits count; neither begun nor ended with an inversion. */
    public static int next(int crc, int octet) {
        return crc >>> 8 ^ TABLE[(crc ^ octet) & 0xff];
    }
}
