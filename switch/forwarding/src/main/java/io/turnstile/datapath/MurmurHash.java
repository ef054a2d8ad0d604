package io.turnstile.datapath;

/**
 * MurmurHash3 of Austin Appleby (public domain), step by step, as Open vSwitch has it on processors without a CRC
 * instruction: a word of zeros leaves the first half of a step out.
 *
 * <p>Threads: stateless.
 */
public final class MurmurHash {
    private static final int WORD_BYTES = 4;

    private MurmurHash() {}

    /** The hash with one more word. */
    public static int add(int hash, int word) {
        int mixed = word == 0 ? hash : hash ^ Integer.rotateLeft(word * 0xcc9e_2d51, 15) * 0x1b87_3593;
        return Integer.rotateLeft(mixed, 13) * 5 + 0xe654_6b64;
    }

    /** The hash with two more words, the lower half first. */
    public static int add64(int hash, long words) {
        return add(add(hash, (int) words), (int) (words >>> 32));
    }

    /** The end of a hash. */
    public static int finish(int hash, int last) {
        int mixed = hash ^ last;
        mixed = (mixed ^ mixed >>> 16) * 0x85eb_ca6b;
        mixed = (mixed ^ mixed >>> 13) * 0xc2b2_ae35;
        return mixed ^ mixed >>> 16;
    }

    /** The hash of a number. */
    public static int ofInt(int value, int basis) {
        return finish(add(add(value, 0), basis), 8);
    }

    /** The hash of a 64-bit number. */
    public static int ofLong(long value) {
        return finish(add64(0, value), 8);
    }

    /** The hash of bytes, read as words with the lowest byte first; what is left over is filled up with zeros. */
    public static int ofBytes(byte[] bytes, int basis) {
        int hash = basis;
        for (int i = 0; i < bytes.length; i += WORD_BYTES) {
            hash = add(hash, word(bytes, i));
        }
        return finish(hash, bytes.length);
    }

    private static int word(byte[] bytes, int from) {
        int word = 0;
        for (int i = 0; i < WORD_BYTES && from + i < bytes.length; i++) {
            word |= (bytes[from + i] & 0xff) << 8 * i;
        }
        return word;
    }
}
