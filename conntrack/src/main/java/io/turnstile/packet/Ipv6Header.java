package io.turnstile.packet;

/**
 * The IPv6 header and its extension headers (RFC 8200 §3 and §4): offsets of their fields, in bytes from the start of
 * each.
 *
 * <p>Threads: stateless.
 */
public final class Ipv6Header {
    public static final int PAYLOAD_LENGTH = 4;
    public static final int NEXT_HEADER = 6;
    public static final int HOP_LIMIT = 7;
    public static final int SOURCE = 8;
    public static final int DESTINATION = 24;
    public static final int BYTES = PacketParser.IPV6_BYTES;
    /** An address's lower half, from its start. */
    public static final int ADDRESS_LOW = 8;

    /** Of an extension header: what follows it. */
    public static final int EXTENSION_NEXT_HEADER = 0;
    /** Of an extension header other than a fragment header: its length, see {@link #extensionBytes}. */
    public static final int EXTENSION_LENGTH = 1;
    /** The least that an extension header occupies. */
    public static final int EXTENSION_MIN_BYTES = 8;
    /** Of a routing header (§4.4). */
    public static final int ROUTING_SEGMENTS_LEFT = 3;
    /** Of a fragment header (§4.5): offset in bytes, two reserved bits, "more". */
    public static final int FRAGMENT_OFFSET_AND_MORE = 2;

    public static final int FRAGMENT_IDENTIFICATION = 4;
    public static final int FRAGMENT_BYTES = 8;

    /** The offset's bits of {@link #FRAGMENT_OFFSET_AND_MORE}. */
    public static final int OFFSET_MASK = 0xfff8;
    /** The bit of {@link #FRAGMENT_OFFSET_AND_MORE} that more fragments follow. */
    public static final int MORE_FRAGMENTS = 1;

    private static final int VERSION = 6;

    private Ipv6Header() {}

    /** Whether the first octet at {@code l3} says IPv6. */
    public static boolean isVersion(Packet packet, int l3) {
        return packet.u8(l3) >> 4 == VERSION;
    }

    /** How long the extension header at {@code offset} is, which is of that kind and no fragment header. */
    public static int extensionBytes(Packet packet, int offset, int kind) {
        int length = packet.u8(offset + EXTENSION_LENGTH);
        // RFC 4302 §2.2: the authentication header counts in words of four bytes, less two.
        return kind == IpProtocols.AUTHENTICATION ? (length + 2) * 4 : (length + 1) * 8;
    }
}
