package io.turnstile.conntrack;

import io.turnstile.packet.HeaderRewrite;
import io.turnstile.packet.Packet;
import io.turnstile.packet.TcpHeader;

/**
 * The skew keeps a TCP connection's ends in step after payload was made longer or shorter on its way. Per direction:
 * until which sequence number the payload went through as it was sent, and by how much the numbers are shifted before
 * and after that. The ends' numbers are those of each sender; only what goes to the other end is shifted, and
 * acknowledgements back.
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

    private static final int POSITION = 0;
    private static final int BEFORE = 4;
    private static final int AFTER = 8;
    private static final int OPTION_END = 0;
    private static final int OPTION_NOTHING = 1;
    private static final int OPTION_SACK = 5;

    private SequenceSkew() {}

    /**
     * The payload of a packet was changed. A packet sent again is changed again, but counts once.
     *
     * @param direction 0 if the packet travels the original way, 1 the reply way
     * @param sequence the packet's sequence number as its sender gave it
     * @param byBytes how much longer the payload is now
     */
    static void changed(long skew, int direction, int sequence, int byBytes) {
        long at = skew + (long) direction * DIRECTION_BYTES;
        int after = OffHeap.getInt(at + AFTER);
        boolean sentBefore = OffHeap.getInt(at + BEFORE) != after && sequence - OffHeap.getInt(at + POSITION) <= 0;
        if (byBytes != 0 && !sentBefore) {
            OffHeap.putInt(at + POSITION, sequence);
            OffHeap.putInt(at + BEFORE, after);
            OffHeap.putInt(at + AFTER, after + byBytes);
        }
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
        int shift = OffHeap.getInt(at + (sequence - OffHeap.getInt(at + POSITION) > 0 ? AFTER : BEFORE));
        HeaderRewrite.putTransport32(packet, l4 + TcpHeader.SEQUENCE, sequence + shift);
    }

    private static boolean isNone(long at) {
        return (OffHeap.getInt(at + BEFORE) | OffHeap.getInt(at + AFTER)) == 0;
    }

    private static int restored(int number, long sender) {
        int before = OffHeap.getInt(sender + BEFORE);
        boolean isAfter = number - before - OffHeap.getInt(sender + POSITION) > 0;
        return number - (isAfter ? OffHeap.getInt(sender + AFTER) : before);
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
