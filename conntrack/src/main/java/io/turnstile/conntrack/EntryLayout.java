package io.turnstile.conntrack;

/**
 * What stands where in a connection. Three records carry it, so that the usual packet touches one cache line:
 *
 * <p><b>The entry</b>, 64 bytes, one cache line: what a lookup compares and what every packet changes.
 *
 * <pre>
 *   0 word       generation (32 bits) | version (24) | holds (5) | lock bit | life (2 bits)
 *   8 addresses  source | destination, 32 bits each: IPv4 addresses, or folded IPv6 ones (see {@link TupleKey})
 *  16 ports      source | destination, 16 bits each; for ICMP both are the identifier
 *  20 kind       zone (16 bits) | protocol (8) | ICMP question class (3) | IPv6 (1)
 *  24 deadline   ns
 *  32 mark
 *  36 extension  index + 1, 0 if there is none
 *  40 states     original side, reply side: one byte each, scale (high 4 bits) | state (low 4 bits)
 *  42 flags      see {@code FLAG_…}; timeout kind in the upper 4 bits
 *  44 TCP: sequence low, high of the original side, then of the reply side; largest windows (16 bits each)
 *     SCTP: the two verification tags, the two that are offered, a spare one; its one state leaves the reply side's
 *     free for notes (see {@link SctpTracking})
 * </pre>
 *
 * <b>The side record</b>, 24 bytes, found by the same slot: what only the life's beginning and end need.
 *
 * <pre>
 *   0 wheel: next slot + 1
 *   4 wheel: previous slot + 1
 *   8 in_port of the original direction, -1 if it is gone (also next free slot + 1)
 *  12 in_port of the reply direction, -1 if it is gone or no reply was seen
 *  16 wheel: bucket + 1
 *  18 timeout policy
 *  20 helper (8 bits)
 *  21 whether it is a helper's control connection (8)
 * </pre>
 *
 * <b>The extension</b>, 168 bytes, for IPv6, NAT, labels, helpers and related connections only.
 *
 * <pre>
 *   0 original tuple's addresses: source high, low, destination high, low (also next free extension + 1)
 *  32 reply tuple's addresses, as long as it is not the original one turned round
 *  64 reply tuple's ports
 *  68 NAT_…
 *  72 label high, low
 *  88 by how much sequence numbers were shifted (see {@link SequenceSkew})
 * 112 parent: id, source high, low, destination high, low, ports, kind
 * </pre>
 *
 * <p>Everything but the word is written while the word's lock bit is held; its version changes with each unlocking, so
 * that a reader without the lock learns whether what it read belongs together. The wheel's links and bucket are guarded
 * by the wheel's own lock instead. Tuples and kind do not change while the life is not {@link #FREE}.
 */
final class EntryLayout {
    static final int SIZE_BYTES = 64;
    static final int WORD = 0;
    static final int ADDRESSES = 8;
    static final int PORTS = 16;
    static final int KIND = 20;
    static final int DEADLINE = 24;
    static final int MARK = 32;
    static final int EXTENSION = 36;
    static final int STATE = 40;
    static final int FLAGS = 42;
    static final int PEER = 44;
    static final int PEER_BYTES = 8;
    static final int PEER_SEQUENCE_LOW = 0;
    static final int PEER_SEQUENCE_HIGH = 4;
    static final int LARGEST_WINDOW = 60;

    static final int SIDE_BYTES = 24;
    static final int NEXT = 0;
    static final int PREVIOUS = 4;
    static final int NEXT_FREE = 8;
    static final int ORIGINAL_IN_PORT = 8;
    static final int REPLY_IN_PORT = 12;
    static final int WHEEL_BUCKET = 16;
    static final int POLICY = 18;
    static final int ALG = 20;
    static final int CONTROL = 21;

    static final int EXTENSION_BYTES = 168;
    static final int SOURCE_HIGH = 0;
    static final int SOURCE_LOW = 8;
    static final int DESTINATION_HIGH = 16;
    static final int DESTINATION_LOW = 24;
    static final int REPLY = 32;
    static final int REPLY_PORTS = 64;
    static final int NAT = 68;
    static final int LABEL_HIGH = 72;
    static final int LABEL_LOW = 80;
    static final int SKEW = 88;
    static final int PARENT_ID = 112;
    static final int PARENT = 120;
    static final int PARENT_PORTS = 152;
    static final int PARENT_KIND = 156;
    static final int NEXT_EXTENSION = 160;

    /** A reply-direction packet was seen. */
    static final int FLAG_REPLY_SEEN = 1;
    /** The listener was told that the connection is established. */
    static final int FLAG_ESTABLISHED_REPORTED = 1 << 1;
    /** The listener was asked about the deadline, which has passed. */
    static final int FLAG_ASKED = 1 << 2;
    /** Somebody else carries packets of the connection: the word counts holds. */
    static final int FLAG_HELD = 1 << 3;
    /**
     * TCP: the window check is lenient until the original side was seen; shifted by the direction. What it means of
     * sequence numbers stands at {@link TcpTracking}.
     */
    static final int FLAG_LENIENT = 1 << 4;

    static final int FLAGS_LENIENT = FLAG_LENIENT | FLAG_LENIENT << 1;
    /** TCP: the original side's SYN carried a window scale; shifted by the direction. */
    static final int FLAG_SCALE_KNOWN = 1 << 6;
    /** TCP: the handshake was not seen. */
    static final int FLAG_SCALE_UNKNOWN = 1 << 8;
    /** A direction's port has gone, and none of its packets has come in by another since. */
    static final int FLAG_PORT_GONE = 1 << 9;
    /** The reply tuple stands in the extension. */
    static final int FLAG_NAT = 1 << 10;
    /** The side record names a timeout policy or a helper, or the extension a parent. */
    static final int FLAG_SPECIAL = 1 << 11;

    static final int TIMEOUT_SHIFT = 12;
    static final int FLAGS_MASK = (1 << TIMEOUT_SHIFT) - 1;

    static final int FREE = 0;
    static final int ALIVE = 1;
    /** Not in the table any more, but readable until released. */
    static final int REMOVED = 2;

    static final int LIFE_MASK = 3;
    static final int LOCKED = 4;

    static final long HOLD_ONE = 1L << 3;
    static final long HOLDS_MASK = 31 * HOLD_ONE;
    static final long GENERATION_MASK = 0xffff_ffff_0000_0000L;
    static final long VERSION_ONE = 1L << 8;
    static final long VERSION_MASK = 0xffff_ff00L;

    private static final int ICMP_CLASS_SHIFT = 1;
    private static final int ICMP_CLASS_MASK = 7 << ICMP_CLASS_SHIFT;

    private EntryLayout() {}

    static int life(long word) {
        return (int) word & LIFE_MASK;
    }

    /** @param icmpClass see {@link IcmpTypes#classOf}; 0 for other protocols */
    static int kind(int zone, int protocol, int icmpClass, boolean ipv6) {
        return zone << 16 | protocol << 8 | icmpClass << ICMP_CLASS_SHIFT | (ipv6 ? 1 : 0);
    }

    static int zone(int kind) {
        return kind >>> 16;
    }

    static int protocol(int kind) {
        return kind >>> 8 & 0xff;
    }

    static int icmpClass(int kind) {
        return (kind & ICMP_CLASS_MASK) >>> ICMP_CLASS_SHIFT;
    }

    static boolean ipv6(int kind) {
        return (kind & 1) != 0;
    }

    /** The kind of the other direction's packets: an answer for a question. */
    static int reversed(int kind) {
        // Classes go in pairs from 1 on, so a class's partner is found without a branch: 1↔2, 3↔4, 5↔6, 0↔0.
        int icmpClass = icmpClass(kind);
        int partner = icmpClass == 0 ? 0 : (icmpClass - 1 ^ 1) + 1;
        return kind & ~ICMP_CLASS_MASK | partner << ICMP_CLASS_SHIFT;
    }

    /** Source and destination change places. */
    static long reversedAddresses(long addresses) {
        return Long.rotateLeft(addresses, 32);
    }

    static int reversedPorts(int ports) {
        return Integer.rotateLeft(ports, 16);
    }

    /** One side's TCP peer; direction 0 is original. */
    static long peer(long entry, int direction) {
        return entry + PEER + (long) direction * PEER_BYTES;
    }

    static int flags(long entry) {
        return OffHeap.getUnsignedShort(entry + FLAGS) & FLAGS_MASK;
    }

    static void setFlags(long entry, int flags) {
        OffHeap.putShort(entry + FLAGS, OffHeap.getUnsignedShort(entry + FLAGS) & ~FLAGS_MASK | flags);
    }

    /** Ordinal of {@link Timeout}. */
    static int timeoutKind(long entry) {
        return OffHeap.getUnsignedShort(entry + FLAGS) >>> TIMEOUT_SHIFT;
    }

    /** Sets the flags and what the deadline is from, which share a word, with one store. */
    static void setTimeout(long entry, int flags, Timeout timeout) {
        OffHeap.putShort(entry + FLAGS, flags | timeout.ordinal() << TIMEOUT_SHIFT);
    }

    static int state(long entry, int direction) {
        return OffHeap.getUnsignedByte(entry + STATE + direction) & 0xf;
    }

    static void setState(long entry, int direction, int state) {
        long at = entry + STATE + direction;
        OffHeap.putByte(at, OffHeap.getUnsignedByte(at) & 0xf0 | state);
    }

    /** Both sides' states as one number. */
    static int states(long entry) {
        return OffHeap.getUnsignedShort(entry + STATE) & 0x0f0f;
    }

    static int scale(long entry, int direction) {
        return OffHeap.getUnsignedByte(entry + STATE + direction) >>> 4;
    }

    static void setScale(long entry, int direction, int scale) {
        long at = entry + STATE + direction;
        OffHeap.putByte(at, OffHeap.getUnsignedByte(at) & 0xf | scale << 4);
    }
}
