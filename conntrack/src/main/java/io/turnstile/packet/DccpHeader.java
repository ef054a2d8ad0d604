package io.turnstile.packet;

/**
 * The DCCP generic header (RFC 4340 §5.1): offsets of its fields, in bytes from its start.
 *
 * <p>Threads: stateless.
 */
public final class DccpHeader {
    /** The header's length in words of four bytes. */
    public static final int DATA_OFFSET = 4;
    /** The checksum's coverage, in the lower 4 bits. */
    public static final int COVERAGE = 5;

    public static final int CHECKSUM = 6;
    /** One past the checksum: the parser lets shorter packets pass as DCCP. */
    public static final int CHECKSUM_END = 8;
    /** The X bit in the lowest place: sequence numbers have 48 bits, not 24. */
    public static final int EXTENDED = 8;

    public static final int MIN_BYTES = 12;
    public static final int EXTENDED_MIN_BYTES = 16;

    private DccpHeader() {}
}
