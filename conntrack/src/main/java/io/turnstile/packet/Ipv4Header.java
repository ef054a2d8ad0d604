package io.turnstile.packet;

/**
 * The IPv4 header (RFC 791 §3.1): offsets of its fields, in bytes from its start, and what is packed into them.
 *
 * <p>Threads: stateless.
 */
public final class Ipv4Header {
    public static final int TOTAL_LENGTH = 2;
    public static final int IDENTIFICATION = 4;
    /** Flags in the upper 3 bits, then the fragment's offset in units of {@link #FRAGMENT_UNIT_BYTES}. */
    public static final int FLAGS_AND_OFFSET = 6;

    public static final int TTL = 8;
    public static final int PROTOCOL = 9;
    public static final int CHECKSUM = 10;
    public static final int SOURCE = 12;
    public static final int DESTINATION = 16;
    public static final int MIN_BYTES = PacketParser.IPV4_MIN_BYTES;

    /** The offset's bits of {@link #FLAGS_AND_OFFSET}. */
    public static final int OFFSET_MASK = 0x1fff;
    /** The flag of {@link #FLAGS_AND_OFFSET} that more fragments follow. */
    public static final int MORE_FRAGMENTS = 0x2000;
    /** What fragment offsets count. */
    public static final int FRAGMENT_UNIT_BYTES = 8;

    private static final int VERSION = 4;

    private Ipv4Header() {}

    /** Whether the first octet at {@code l3} says IPv4. */
    public static boolean isVersion(Packet packet, int l3) {
        return packet.u8(l3) >> 4 == VERSION;
    }

    /** How long the header at {@code l3} is with its options, as it says itself. */
    public static int headerBytes(Packet packet, int l3) {
        return (packet.u8(l3) & 0xf) * 4;
    }
}
