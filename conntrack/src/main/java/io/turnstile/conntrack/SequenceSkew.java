package io.turnstile.conntrack;

import io.turnstile.packet.HeaderRewrite;
import io.turnstile.packet.Packet;
import io.turnstile.packet.TcpHeader;

/**
 * The skew keeps a TCP connection's ends in step after payload was made longer or shorter on its way. Per direction:
 * until which sequence number the payload went through as it was sent, and by how much the numbers are shifted before
 * and after that. The ends' numbers are those of each sender; only what goes to the other end is shifted, and
 * acknowledgements back. Several changes in one segment count as one, at the place of the first.
 *
 * <p>Unlike Open vSwitch, which keeps one shift for a connection, both directions may be changed, and what was sent
 * before the last change and is sent again is shifted as it was the first time.
 *
 * <p>What is kept are {@value #SIZE_BYTES} bytes off-heap, zero at first; every method is given their address.
 * Allocates nothing.
 *
 * <p>Threads: stateless; the bytes are those of whoever holds the connection.
 */
final class SequenceSkew {
    static final int SIZE_BYTES = 24;

    /** One direction's record: 12 bytes. */
    private static final int DIRECTION_BYTES = 12;

    /** Where in the stream the last changed segment was changed first. */
    private static final int POSITION = 0;
    /** By how much numbers are shifted behind that. */
    private static final int AFTER = 4;
    /** By how much more than before that. */
    private static final int CHANGE = 8;
    /** How far behind the position the segment was changed last. */
    private static final int SPAN = 10;

    private static final int MAX_SPAN = 0xffff;
    private static final int OPTION_END = 0;
    private static final int OPTION_NOTHING = 1;
    private static final int OPTION_SACK = 5;

    private SequenceSkew() {}

    /**
     * The payload of a packet was changed. A packet sent again is changed again, but counts once.
     *
     * @param direction 0 if the packet travels the original way, 1 the reply way
     * @param first where in the stream, as the sender counts it, the packet was changed first
     * @param position where it is changed now
     * @param byBytes how much longer the payload is now
     */
    static void changed(long skew, int direction, int first, int position, int byBytes) {
        long at = skew + (long) direction * DIRECTION_BYTES;
        int start = OffHeap.getInt(at + POSITION);
        int last = start + OffHeap.getUnsignedShort(at + SPAN);
        boolean any = !isNone(at);
        if (byBytes == 0 || any && position - last <= 0) {
            return;
        }
        // A segment that grew when it was sent again is still the one that was changed there.
        boolean sameSegment = any && first - last <= 0 && position - start <= MAX_SPAN;
        OffHeap.putInt(at + POSITION, sameSegment ? start : position);
        OffHeap.putShort(at + SPAN, sameSegment ? position - start : 0);
        OffHeap.putShort(at + CHANGE, sameSegment ? change(at) + byBytes : byBytes);
        OffHeap.putInt(at + AFTER, OffHeap.getInt(at + AFTER) + byBytes);
    }

    private static int change(long at) {
        return (short) OffHeap.getUnsignedShort(at + CHANGE);
    }

    /** By how much numbers are shifted at a place in the stream. */
    private static int shift(long at, boolean isAfter) {
        return OffHeap.getInt(at + AFTER) - (isAfter ? 0 : change(at));
    }

    /**
     * Turns what the packet acknowledges into the numbers of who sent that: the acknowledgement and the edges of
     * selective ones (RFC 2018). To be called before the packet is tracked.
     */
    static void restoreAcknowledged(long skew, Packet packet, int direction) {
        long sender = skew + (long) (direction ^ 1) * DIRECTION_BYTES;
        int l4 = packet.l4Offset();
        if (isNone(sender) || (packet.u8(l4 + TcpHeader.FLAGS) & TcpHeader.ACK) == 0) {
            return;
        }
        HeaderRewrite.closeForeignChecksum(packet);
        int acknowledged = packet.u32(l4 + TcpHeader.ACKNOWLEDGEMENT);
        HeaderRewrite.putTransport32(packet, l4 + TcpHeader.ACKNOWLEDGEMENT, restored(acknowledged, sender));
        restoreSelective(packet, l4, sender);
    }

    /**
     * Turns the packet's sequence number into what the other end expects. To be called after the packet was tracked.
     */
    static void shiftSequence(long skew, Packet packet, int direction) {
        long at = skew + (long) direction * DIRECTION_BYTES;
        if (isNone(at)) {
            return;
        }
        HeaderRewrite.closeForeignChecksum(packet);
        int l4 = packet.l4Offset();
        int sequence = packet.u32(l4 + TcpHeader.SEQUENCE);
        int shift = shift(at, sequence - OffHeap.getInt(at + POSITION) > 0);
        HeaderRewrite.putTransport32(packet, l4 + TcpHeader.SEQUENCE, sequence + shift);
    }

    private static boolean isNone(long at) {
        return (OffHeap.getInt(at + AFTER) | change(at)) == 0;
    }

    private static int restored(int number, long sender) {
        boolean isAfter = number - shift(sender, false) - OffHeap.getInt(sender + POSITION) > 0;
        return number - shift(sender, isAfter);
    }

    private static void restoreSelective(Packet packet, int l4, long sender) {
        int end = Math.min(l4 + TcpHeader.headerBytes(packet, l4), packet.l3EndOffset());
        int at = l4 + TcpHeader.MIN_BYTES;
        while (at < end && packet.u8(at) != OPTION_END) {
            if (packet.u8(at) == OPTION_NOTHING) {
                at++;
                continue;
            }
            int optionBytes = at + 1 < end ? packet.u8(at + 1) : 0;
            if (optionBytes < 2 || at + optionBytes > end) {
                return; // Not options any more.
            }
            if (packet.u8(at) == OPTION_SACK) {
                for (int edge = at + 2; edge + 4 <= at + optionBytes; edge += 4) {
                    putUnaligned32(packet, edge, restored(packet.u32(edge), sender));
                }
            }
            at += optionBytes;
        }
    }

    private static void putUnaligned32(Packet packet, int offset, int value) {
        for (int i = 0; i < 4; i++) {
            HeaderRewrite.putTransport8(packet, offset + i, value >>> 24 - 8 * i & 0xff);
        }
    }
}
