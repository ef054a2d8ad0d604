package io.turnstile.datapath;

import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import java.util.Arrays;

/**
 * Packets that wait for their next turn, as many as there are: copies that recirculate can be more than a batch holds. Grows and
 * keeps its size, so that it allocates nothing once warm.
 *
 * <p>Threads: one at a time.
 */
final class PacketQueue {
    private Packet[] packets = new Packet[PacketBatch.CAPACITY];
    private int length;

    int length() {
        return length;
    }

    boolean isEmpty() {
        return length == 0;
    }

    void add(Packet packet) {
        if (length == packets.length) {
            packets = Arrays.copyOf(packets, length * 2);
        }
        packets[length++] = packet;
    }

    /** Fills {@code into} with the packets from a position on, as many as fit. */
    void slice(int from, PacketBatch into) {
        into.clear();
        for (int i = from; i < length && !into.isFull(); i++) {
            into.add(packets[i]);
        }
    }

    void clear() {
        length = 0;
    }
}
