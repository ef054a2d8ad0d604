package io.turnstile.conntrack;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * What stands where in a connection's 128 bytes: two cache lines. The first is what a lookup compares and every packet of
 * a stateless protocol touches; the second is what TCP, labels and the wheel need.
 *
 * <pre>
 *   0 word       generation (32 bits) | lock bit | life (2 bits)
 *   8 src port   32 bits: a port, or ICMP id and type (see {@link TupleKey})
 *  12 dst port
 *  16 source address      high, low
 *  32 destination address high, low
 *  48 kind       zone (16 bits) | protocol (8 bits) | IPv6 (1 bit)
 *  52 mark
 *  56 deadline   ns
 *  64 TCP peer of the original side: sequence low, high, largest window
 *  76 TCP peer of the reply side
 *  88 states     original state, reply state, original scale, reply scale: one byte each
 *  92 flags      see {@code FLAG_…}; bits 8–15 timeout kind, bits 16–31 wheel bucket + 1
 *  96 label      high, low
 * 112 in_port of the commit
 * 116 in_port of the first reply
 * 120 wheel: next slot + 1 (also next free slot + 1)
 * 124 wheel: previous slot + 1
 * </pre>
 *
 * <p>Everything but the word is written while the word's lock bit is held, except the two wheel links, which the wheel's own
 * lock guards, and {@code flags}, of which the wheel uses its own two bytes. Addresses, ports and kind do not change while
 * the life is not {@link #FREE}.
 */
final class EntryLayout {
    static final int SIZE_BYTES = 128;

    static final int WORD = 0;
    static final int SOURCE_PORT = 8;
    static final int DESTINATION_PORT = 12;
    static final int SOURCE_HIGH = 16;
    static final int SOURCE_LOW = 24;
    static final int DESTINATION_HIGH = 32;
    static final int DESTINATION_LOW = 40;
    static final int KIND = 48;
    static final int MARK = 52;
    static final int DEADLINE = 56;
    static final int PEER = 64;
    static final int PEER_BYTES = 12;
    static final int PEER_SEQUENCE_LOW = 0;
    static final int PEER_SEQUENCE_HIGH = 4;
    static final int PEER_LARGEST_WINDOW = 8;
    static final int STATE = 88;
    static final int SCALE = 90;
    static final int FLAGS = 92;
    static final int TIMEOUT_KIND = 93;
    static final int WHEEL_BUCKET = 94;
    static final int LABEL_HIGH = 96;
    static final int LABEL_LOW = 104;
    static final int ORIGINAL_IN_PORT = 112;
    static final int REPLY_IN_PORT = 116;
    static final int NEXT = 120;
    static final int PREVIOUS = 124;

    /** A reply-direction packet was seen. */
    static final int FLAG_REPLY_SEEN = 1;
    /** The listener wants no more {@link ConnectionListener#onReply}. */
    static final int FLAG_REPLY_REPORTED = 2;
    /** The listener was asked about the present deadline. */
    static final int FLAG_ASKED = 4;
    /** The window check is lenient until the original side was seen; shifted by the direction. */
    static final int FLAG_LENIENT = 8;
    /** A thread is just telling the listener of a reply. */
    static final int FLAG_REPLY_REPORTING = 32;
    static final int FLAGS_LENIENT = FLAG_LENIENT | FLAG_LENIENT << 1;

    static final int FREE = 0;
    static final int ALIVE = 1;
    /** Not in the table any more, but readable until released. */
    static final int REMOVED = 2;
    static final int LIFE_MASK = 3;
    static final int LOCKED = 4;

    static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT;
    static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
    static final VarHandle LONGS = LONG.varHandle();
    static final VarHandle INTS = INT.varHandle();

    private EntryLayout() {
    }

    static int generation(long word) {
        return (int) (word >>> 32);
    }

    static int life(long word) {
        return (int) word & LIFE_MASK;
    }

    static int kind(int zone, int protocol, boolean ipv6) {
        return zone << 16 | protocol << 8 | (ipv6 ? 1 : 0);
    }

    static int zone(int kind) {
        return kind >>> 16;
    }

    static int protocol(int kind) {
        return kind >>> 8 & 0xff;
    }

    static boolean ipv6(int kind) {
        return (kind & 1) != 0;
    }

    /** Base of one side's TCP peer; direction 0 is original. */
    static long peer(long base, int direction) {
        return base + PEER + (long) direction * PEER_BYTES;
    }

    static int flags(MemorySegment chunk, long base) {
        return chunk.get(BYTE, base + FLAGS);
    }

    static void setFlags(MemorySegment chunk, long base, int flags) {
        chunk.set(BYTE, base + FLAGS, (byte) flags);
    }
}
