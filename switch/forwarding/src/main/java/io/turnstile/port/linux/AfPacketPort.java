package io.turnstile.port.linux;

import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.port.GsoSegmenter;
import io.turnstile.port.PortException;
import io.turnstile.port.PortStatistics;
import java.lang.foreign.Arena;
import org.jspecify.annotations.Nullable;

/**
 * A port on a device that exists already (type {@code system}): an AF_PACKET socket that takes every frame that the
 * device receives, from memory shared with the kernel, and sends by one system call a batch.
 *
 * <p>Checksums and segmentation that a local sender left to its hardware are left to the next one: neither is done in
 * software unless a real wire asks for it, and then the kernel does it.
 *
 * <p>Threads: as {@link DevicePort} says.
 */
public final class AfPacketPort extends DevicePort {
    private final Arena arena = Arena.ofShared();
    private final ReceiveRing receiveRing;
    private final TransmitQueue transmitQueue;
    private final @Nullable ReceiveOffloadNotes notes;
    /** Set once, before the port is handed out. */
    private boolean receiveOffloadChanged;
    /** Whether a program decides what the socket gets. Guarded by the receive lock. */
    private boolean filtered;

    private AfPacketPort(String name, int ifIndex, int fd, LinkMessage link, @Nullable ReceiveOffloadNotes notes) {
        super(name, ifIndex, fd, link);
        this.notes = notes;
        this.receiveRing = new ReceiveRing(fd, link.mtuBytes(), name);
        this.transmitQueue = new TransmitQueue(fd, arena);
    }

    /**
     * Opens the device, which becomes promiscuous while the port is open.
     *
     * @param joinSegments a veth device joins the TCP segments of a burst while the port is open (GRO, which a physical
     *     device does from the start), so that one super-frame walks through the switch, not 40 frames
     * @throws PortException if there is no such device, or no right to use it; or it is the loopback device
     */
    public static AfPacketPort open(String device, boolean joinSegments) {
        return open(device, joinSegments, null);
    }

    /** The same, with word left of what is changed about the device. */
    static AfPacketPort open(String device, boolean joinSegments, @Nullable ReceiveOffloadNotes notes) {
        int ifIndex = Links.requireIndex(device);
        LinkMessage link = Links.query(ifIndex, device);
        if (link.isLoopback()) { // What is sent there comes back to the host, and what the host sends is seen twice.
            throw new PortException("could not add network device " + device + " to ofproto (Invalid argument)");
        }
        int fd = PacketSocket.open(device);
        AfPacketPort port;
        try {
            port = new AfPacketPort(device, ifIndex, fd, link, notes);
        } catch (RuntimeException e) {
            LibC.close(fd);
            throw e;
        }
        try {
            PacketSocket.bind(fd, ifIndex, device);
            if (joinSegments) {
                port.joinSegments();
            }
            return port;
        } catch (RuntimeException e) {
            port.close();
            throw e;
        }
    }

    /** Only for veth, whose GRO is off because nobody asked; off elsewhere, it is off because somebody did. */
    private void joinSegments() {
        if (Links.driver(name).name().equals("veth") && !Links.receiveOffload(name)) {
            if (notes != null) {
                notes.add(name, ifIndex);
            }
            receiveOffloadChanged = Links.setReceiveOffload(name, true);
            if (!receiveOffloadChanged && notes != null) {
                notes.remove(name);
            }
        }
    }

    @Override
    public String type() {
        return "system";
    }

    @Override
    public int receive(Packet[] pool, PacketBatch into) {
        receiveLock.lock();
        try {
            return closed ? 0 : receiveRing.receive(pool, into);
        } finally {
            receiveLock.unlock();
        }
    }

    @Override
    public void send(Packet packet) {
        transmitLock.lock();
        try {
            if (!closed) {
                if (VirtioNetHeader.canSay(packet)) {
                    transmitQueue.add(packet);
                } else {
                    GsoSegmenter.forEachSegment(packet, transmitQueue::add);
                }
            }
        } finally {
            transmitLock.unlock();
        }
    }

    @Override
    public void flush() {
        transmitLock.lock();
        try {
            if (!closed) {
                transmitQueue.flush();
            }
        } finally {
            transmitLock.unlock();
        }
    }

    @Override
    public @Nullable String filterReceived(int programFd) {
        receiveLock.lock();
        try {
            if (closed) {
                return "the port is closed";
            }
            if (filtered) {
                return "it is filtered already";
            }
            int result = PacketSocket.attachFilter(fd, programFd);
            filtered = result >= 0;
            return filtered ? null : "attaching a program to its socket: " + SystemCallFailure.text(result);
        } finally {
            receiveLock.unlock();
        }
    }

    @Override
    public void stopFiltering() {
        receiveLock.lock();
        try {
            if (filtered && !closed) {
                PacketSocket.detachFilter(fd);
            }
            filtered = false;
        } finally {
            receiveLock.unlock();
        }
    }

    @Override
    public PortStatistics statistics() {
        PortStatistics device = Links.statistics(ifIndex, name);
        return new PortStatistics(
                device.rxPackets(),
                device.rxBytes(),
                device.rxDropped() + receiveRing.drops(),
                device.rxErrors(),
                device.txPackets(),
                device.txBytes(),
                device.txDropped() + transmitQueue.drops(),
                device.txErrors(),
                device.collisions(),
                device.rxFrameErrors(),
                device.rxOverErrors(),
                device.rxCrcErrors(),
                device.rxMissedErrors(),
                device.rxMulticastPackets());
    }

    @Override
    void release() {
        if (receiveOffloadChanged) {
            // It may have another name by now, and another device its name; if it is gone, nothing is to be restored.
            Links.presentName(ifIndex).ifPresent(present -> Links.setReceiveOffload(present, false));
            if (notes != null) {
                notes.remove(name);
            }
        }
        receiveRing.close();
        LibC.close(fd);
        arena.close();
    }
}
