package io.turnstile.packet;

/**
 * The TCP header (RFC 9293 §3.1): offsets of its fields, in bytes from its start, and the flags as they stand in the
 * byte at {@link #FLAGS}.
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

    public static final int FIN = 0x01;
    public static final int SYN = 0x02;
    public static final int RST = 0x04;
    public static final int PSH = 0x08;
    public static final int ACK = 0x10;
    public static final int URG = 0x20;
    /** "The window is reduced", of the sender of what follows (RFC 3168 §6.1.2). */
    public static final int CWR = 0x80;

    private TcpHeader() {}

    /** How long the header at {@code l4} is with its options, as it says itself. */
    public static int headerBytes(Packet packet, int l4) {
        return (packet.u8(l4 + DATA_OFFSET) >>> 4) * 4;
    }
}
