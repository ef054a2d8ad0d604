package io.turnstile.conntrack.fragment;

import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import org.jspecify.annotations.Nullable;

/**
 * The datagrams that the fragments of one batch completed: at most one for each packet of it. Made once and used again.
 *
 * <p>Threads: one.
 */
public final class CompletedDatagrams {
    private final FragmentedDatagram[] datagrams = new FragmentedDatagram[PacketBatch.CAPACITY];
    private int length;

    public boolean isEmpty() {
        return length == 0;
    }

    public int length() {
        return length;
    }

    public FragmentedDatagram get(int index) {
        return datagrams[index];
    }

    /** The datagram of which that packet is the whole; null if it is an ordinary packet. */
    public @Nullable FragmentedDatagram of(Packet packet) {
        for (int i = 0; i < length; i++) {
            if (datagrams[i].whole() == packet) {
                return datagrams[i];
            }
        }
        return null;
    }

    void add(FragmentedDatagram datagram) {
        datagrams[length++] = datagram;
    }

    void clear() {
        for (int i = 0; i < length; i++) {
            datagrams[i] = null;
        }
        length = 0;
    }
}
