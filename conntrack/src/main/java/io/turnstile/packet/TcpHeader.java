package io.turnstile.packet;

/**
 * The TCP header (RFC 9293 §3.1): offsets of its fields, in bytes from its start.
 *
 * <p>Threads: stateless.
 */
public final class TcpHeader {
    public static final int SEQUENCE = 4;
    public static final int ACKNOWLEDGEMENT = 8;
    /** The header's length in words of four bytes, in the upper 4 bits. */
    public static final int DATA_OFFSET = 12;

    public static final int FLAGS = 13;
    public static final int WINDOW = 14;
    public static final int CHECKSUM = 16;
    public static final int MIN_BYTES = PacketParser.TCP_MIN_BYTES;

    private TcpHeader() {}

    /** How long the header at {@code l4} is with its options, as it says itself. */
    public static int headerBytes(Packet packet, int l4) {
        return (packet.u8(l4 + DATA_OFFSET) >>> 4) * 4;
    }
}
