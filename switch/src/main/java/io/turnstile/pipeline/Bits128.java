package io.turnstile.pipeline;

/** Arithmetic on 128 bits as a pair of longs, high first. Threads: stateless. */
final class Bits128 {
    private Bits128() {
    }

    /** {@code widthBits} ones from bit {@code offsetBits} up. */
    static long[] run(int offsetBits, int widthBits) {
        long low = widthBits >= 64 ? -1L : (1L << widthBits) - 1;
        long high = widthBits <= 64 ? 0 : widthBits == 128 ? -1L : (1L << (widthBits - 64)) - 1;
        return shiftLeft(high, low, offsetBits);
    }

    static long[] shiftLeft(long high, long low, int bits) {
        if (bits == 0) {
            return new long[] {high, low};
        }
        return bits >= 64 ? new long[] {low << (bits - 64), 0} : new long[] {(high << bits) | (low >>> (64 - bits)), low << bits};
    }

    static long[] shiftRight(long high, long low, int bits) {
        if (bits == 0) {
            return new long[] {high, low};
        }
        return bits >= 64 ? new long[] {0, high >>> (bits - 64)} : new long[] {high >>> bits, (low >>> bits) | (high << (64 - bits))};
    }
}
