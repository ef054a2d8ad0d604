package io.turnstile.packet;

/**
 * The Network Service Header (RFC 8300 §2) over a packet. Owns no bytes: offsets are counted from the start of the
 * header.
 *
 * <p>Threads: stateless.
 */
public final class NshHeader {
    public static final int BASE_BYTES = 8;
    /** With the four context headers of fixed length (RFC 8300 §2.4). */
    public static final int MD1_BYTES = 24;
    /** As long as its length can say. */
    public static final int MAX_BYTES = 252;

    public static final int MD_TYPE = 2;
    public static final int NEXT_PROTOCOL = 3;
    public static final int PATH = 4;
    public static final int CONTEXT = 8;

    public static final int MD_TYPE_1 = 1;
    public static final int MD_TYPE_2 = 2;

    /** Next protocols (RFC 8300 §9.1.6). */
    public static final int IPV4 = 1;

    public static final int IPV6 = 2;
    public static final int ETHERNET = 3;
    public static final int NSH = 4;

    private static final int VERSION_SHIFT = 14;
    private static final int FLAGS_SHIFT = 12;
    private static final int FLAGS_MASK = 3;
    private static final int TTL_SHIFT = 6;
    private static final int TTL_MASK = 0x3f;
    private static final int LENGTH_MASK = 0x3f;

    private NshHeader() {}

    /**
     * Whether a header that can be understood stands there, whole: of version 0, with a length that its type of
     * metadata may have.
     */
    public static boolean isWhole(Packet packet, int start) {
        if (packet.lengthBytes() < start + BASE_BYTES || packet.u16(start) >>> VERSION_SHIFT != 0) {
            return false;
        }
        int bytes = lengthBytes(packet, start);
        return start + bytes <= packet.lengthBytes()
                && switch (packet.u8(start + MD_TYPE)) {
                    case MD_TYPE_1 -> bytes == MD1_BYTES;
                    default -> bytes >= BASE_BYTES;
                };
    }

    public static int lengthBytes(Packet packet, int start) {
        return (packet.u16(start) & LENGTH_MASK) * Integer.BYTES;
    }

    /** The two bits behind the version, of which the first is reserved and the other one means OAM. */
    public static int flags(Packet packet, int start) {
        return packet.u16(start) >>> FLAGS_SHIFT & FLAGS_MASK;
    }

    public static int ttl(Packet packet, int start) {
        return packet.u16(start) >>> TTL_SHIFT & TTL_MASK;
    }

    /** The first word of a header: version 0, and the rest. Bits that have no place are cut off. */
    public static int firstWord(int flags, int ttl, int lengthBytes) {
        return (flags & FLAGS_MASK) << FLAGS_SHIFT | (ttl & TTL_MASK) << TTL_SHIFT | lengthBytes / Integer.BYTES;
    }
}
