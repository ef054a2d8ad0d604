package io.turnstile.datapath;

import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.port.LinkStatus;
import io.turnstile.port.Port;
import io.turnstile.port.PortStatistics;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * A port whose frames the test lays out once and reads again and again; allocates nothing unless told to remember what
 * was sent.
 */
final class MemoryPort implements Port {
    private final String name;
    private byte[][] frames = {};
    private int next;
    private boolean endless;
    private boolean remembering = true;
    final List<byte[]> sent = new ArrayList<>();
    long sentCount;
    int flushes;
    RuntimeException failure;
    Runnable beforeReceive;

    MemoryPort(String name) {
        this.name = name;
    }

    MemoryPort delivering(byte[]... frames) {
        this.frames = frames;
        this.next = 0;
        return this;
    }

    /** Delivers its frames for ever, a full batch each time, and only counts what is sent. */
    MemoryPort endless() {
        endless = true;
        remembering = false;
        return this;
    }

    @Override
    public int receive(Packet[] pool, PacketBatch into) {
        if (beforeReceive != null) {
            beforeReceive.run();
        }
        int received = 0;
        while (!into.isFull() && (endless || next < frames.length)) {
            byte[] frame = frames[next++ % frames.length];
            Packet packet = pool[into.length()];
            packet.reset(frame.length);
            MemorySegment.copy(frame, 0, packet.buffer(), ValueLayout.JAVA_BYTE, packet.frameStart(), frame.length);
            into.add(packet);
            received++;
        }
        next = endless ? next % frames.length : next;
        return received;
    }

    @Override
    public void send(Packet packet) {
        if (failure != null) {
            throw failure;
        }
        sentCount++;
        if (remembering) {
            sent.add(packet.toBytes());
        }
    }

    @Override
    public void flush() {
        flushes++;
        if (failure != null) {
            throw failure;
        }
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String type() {
        return "memory";
    }

    @Override
    public int pollDescriptor() {
        return -1;
    }

    @Override
    public PortStatistics statistics() {
        throw new UnsupportedOperationException();
    }

    @Override
    public LinkStatus linkStatus() {
        throw new UnsupportedOperationException();
    }

    @Override
    public void setAdminUp(boolean up) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void close() {}
}
