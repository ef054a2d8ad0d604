package io.turnstile.packet;

/**
 * The SCTP common header and the head of a chunk (RFC 9260 §3): offsets of their fields, in bytes from the start of
 * each.
 *
 * <p>Threads: stateless.
 */
public final class SctpHeader {
    public static final int VERIFICATION_TAG = 4;
    public static final int CHECKSUM = 8;
    public static final int BYTES = 12;

    public static final int CHUNK_TYPE = 0;
    public static final int CHUNK_FLAGS = 1;
    /** The chunk's length with its head, without padding. */
    public static final int CHUNK_LENGTH = 2;

    public static final int CHUNK_BYTES = 4;
    /** Of INIT and INIT ACK (§3.3.2). */
    public static final int INITIATE_TAG = 4;

    /** An INIT or INIT ACK as far as its parameters (§3.3.2). */
    public static final int INIT_BYTES = 20;

    public static final int PARAMETER_TYPE = 0;
    /** The parameter's length with its head, without padding. */
    public static final int PARAMETER_LENGTH = 2;

    public static final int PARAMETER_BYTES = 4;

    private SctpHeader() {}

    /** How many bytes a chunk or parameter of that length occupies: each is padded to four (§3.2). */
    public static int padded(int lengthBytes) {
        return lengthBytes + 3 & ~3;
    }
}
