package io.turnstile.port;

import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A way in and out of the switch. Types: {@code system} (AF_PACKET on an existing device), {@code internal} and
 * {@code tap} (TAP), {@code dummy} (in memory). Patch ports are not here: the pipeline walks through them without a
 * port.
 *
 * <p>Threads: {@link #receive} by the one forwarding thread that owns the port; {@link #send} and {@link #flush} by any
 * forwarding thread (an implementation guards its transmit side); the rest by any thread.
 */
public interface Port extends AutoCloseable {

    /** The device's name: {@code Interface:name}. */
    String name();

    /** {@code Interface:type} as dpctl/show prints it: {@code system}, {@code internal}, {@code tap}, {@code dummy}. */
    String type();

    /**
     * A file descriptor that polls readable when {@link #receive} would find frames; -1 if the port wakes by callback.
     */
    int pollDescriptor();

    /**
     * Names the callback of a port without a descriptor: called by any thread after frames arrived, perhaps more often
     * than needed. Ports with a descriptor ignore it.
     */
    default void onReadable(Runnable wakeup) {}

    /** Whether a port without a descriptor holds frames now; ports with one answer by polling it. */
    default boolean hasPending() {
        return false;
    }

    /**
     * Takes frames that have arrived: fills packets of {@code pool} in order and adds them to {@code into} until it is
     * full or nothing is left. Does not block and does not parse. Packets are reset, with bytes, length and checksum
     * state set.
     *
     * @param pool at least {@link PacketBatch#CAPACITY} packets that belong to the calling thread
     * @return how many were added
     */
    int receive(Packet[] pool, PacketBatch into);

    /**
     * Queues the frame for sending. The bytes have been read when this returns: the caller may change the packet. A
     * frame that cannot be queued is counted as a transmit drop. Checksums left {@code PARTIAL} are completed here.
     */
    void send(Packet packet);

    /** Hands what {@link #send} queued to the kernel or the receiver: once a batch, not once a packet. */
    void flush();

    /** The port's counters, read without stopping anything. */
    PortStatistics statistics();

    /** What it counts beyond those, by name. */
    default Map<String, Long> customCounters() {
        return Map.of();
    }

    /** Its transmit queues by number, as far as OpenFlow is told of them. */
    default List<PortQueue> queues() {
        return List.of();
    }

    /** Present link and address state, read from the device. */
    LinkStatus linkStatus();

    /**
     * What {@link #linkStatus} answered last, at once and without asking the device. Who hears that a device has
     * changed asks {@link #linkStatus}, and so renews this.
     */
    default LinkStatus lastLinkStatus() {
        return linkStatus();
    }

    /** Sets the device administratively up or down. Errors are {@link PortException}. */
    void setAdminUp(boolean up);

    /** Sets the device's address, 48 bits. Errors are {@link PortException}. */
    default void setMacAddress(long macAddress) {
        throw new PortException(name() + ": cannot set address (Operation not supported)");
    }

    /** Sets the largest layer-3 packet. Errors are {@link PortException}. */
    default void setMtu(int mtuBytes) {
        throw new PortException(name() + ": cannot set MTU (Operation not supported)");
    }

    /**
     * Has a BPF program of the kind {@code SOCKET_FILTER} decide which of the received frames {@link #receive} gets:
     * those for which it returns 0 it does not. It stays until {@link #stopFiltering} or {@link #close}.
     *
     * @param programFd of the loaded program; may be closed afterwards
     * @return null if it does now, else why not, for people
     */
    default @Nullable String filterReceived(int programFd) {
        return "not read by sockets";
    }

    /** Takes that program off again; nothing happens if there is none. */
    default void stopFiltering() {}

    @Override
    void close();
}
