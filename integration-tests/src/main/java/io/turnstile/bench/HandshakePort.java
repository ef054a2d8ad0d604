package io.turnstile.bench;

import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.port.LinkStatus;
import io.turnstile.port.Port;
import io.turnstile.port.PortStatistics;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A port in memory that costs as little as one can: frames are copied in from where {@link Handshakes} has put them,
 * and out to a place that nobody reads. Unlike {@link io.turnstile.port.DummyPort} it fills batches, takes no lock and
 * allocates nothing.
 *
 * <p>Threads: {@link #receive} and {@link #send} by the one forwarding thread; the rest by any.
 */
final class HandshakePort implements Port {
    private static final int MTU_BYTES = 1500;

    private final String name;
    private final MemorySegment wire = Arena.ofAuto().allocate(Packet.MAX_FRAME_BYTES, 64);
    private final Consumer<Packet> onSent;
    private volatile Runnable wakeup = () -> {};
    private final AtomicReference<@Nullable Source> source = new AtomicReference<>();
    private long sent;

    /** Where frames come from. Threads: the forwarding thread. */
    interface Source {
        /** Fills packets and adds them, as {@link Port#receive}; 0 means that this was the last one's end. */
        int receive(Packet[] pool, PacketBatch into);
    }

    /** @param onSent is shown every frame that the switch sends, before that goes on */
    HandshakePort(String name, Consumer<Packet> onSent) {
        this.name = name;
        this.onSent = onSent;
    }

    /** From now on frames come from there, until it has no more. */
    void feed(Source source) {
        this.source.set(source);
        wakeup.run();
    }

    /** Frames that the switch has sent; for the forwarding thread, or when it rests. */
    long sent() {
        return sent;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String type() {
        return "dummy";
    }

    @Override
    public int pollDescriptor() {
        return -1;
    }

    @Override
    public void onReadable(Runnable wakeup) {
        this.wakeup = wakeup;
    }

    @Override
    public boolean hasPending() {
        return source.get() != null;
    }

    @Override
    public int receive(Packet[] pool, PacketBatch into) {
        Source present = source.get();
        int received = present == null ? 0 : present.receive(pool, into);
        if (received == 0) {
            source.compareAndSet(present, null); // whoever heard of its end may have brought the next one
        }
        return received;
    }

    @Override
    public void send(Packet packet) {
        MemorySegment.copy(packet.buffer(), packet.frameStart(), wire, 0, packet.lengthBytes());
        sent++;
        onSent.accept(packet);
    }

    @Override
    public void flush() {}

    @Override
    public PortStatistics statistics() {
        long unknown = PortStatistics.UNKNOWN;
        return new PortStatistics(
                unknown, unknown, unknown, unknown, sent, unknown, unknown, unknown, unknown, unknown, unknown, unknown,
                unknown, unknown);
    }

    @Override
    public LinkStatus linkStatus() {
        return new LinkStatus(true, true, 0, MTU_BYTES, 0, 0, 0);
    }

    @Override
    public void setAdminUp(boolean up) {
        // It is up.
    }

    @Override
    public void close() {}
}
