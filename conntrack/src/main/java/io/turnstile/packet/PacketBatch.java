package io.turnstile.packet;

/**
 * Up to {@link #CAPACITY} packets that travel together. Holds references only; who made the packets owns them.
 *
 * <p>Threads: one at a time.
 */
public final class PacketBatch {
    /**
     * How many packets a batch holds, as in Open vSwitch: large enough to amortise, small enough to stay in the first
     * cache levels.
     */
    public static final int CAPACITY = 32;

    private final Packet[] packets = new Packet[CAPACITY];
    private int length;

    public int length() {
        return length;
    }

    public boolean isFull() {
        return length == CAPACITY;
    }

    public boolean isEmpty() {
        return length == 0;
    }

    public Packet get(int index) {
        return packets[index];
    }

    /** Appends; an overflow is a bug of the caller and throws {@link ArrayIndexOutOfBoundsException}. */
    public void add(Packet packet) {
        packets[length++] = packet;
    }

    /**
     * Replaces the packet at a position below {@link #length()}; with {@link #shorten} a caller takes packets out in
     * place.
     */
    public void set(int index, Packet packet) {
        packets[index] = packet;
    }

    /** Keeps only the first packets. */
    public void shorten(int length) {
        this.length = length;
    }

    public void clear() {
        length = 0;
    }
}
