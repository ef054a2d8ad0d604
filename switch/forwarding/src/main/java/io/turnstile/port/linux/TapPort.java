package io.turnstile.port.linux;

import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.port.GsoSegmenter;
import io.turnstile.port.PortStatistics;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A port whose other end is this host's own network stack (types {@code internal} and {@code tap}): a TAP device
 * (Documentation/networking/tuntap.rst), made when the port opens and gone when it closes. What the host leaves undone,
 * checksums and segmentation, is passed on undone ({@link VirtioNetHeader}).
 *
 * <p>The kernel has no call that moves several frames of a TAP device, so each costs one read or write.
 *
 * <p>Threads: as {@link DevicePort} says.
 */
public final class TapPort extends DevicePort {
    private static final String CONTROL = "/dev/net/tun";
    private static final int O_RDWR_NONBLOCK_CLOEXEC = 2 | 0x800 | 0x80000;
    // linux/if_tun.h
    private static final long TUNSETIFF = 0x400454caL;
    private static final long TUNSETOFFLOAD = 0x400454d0L;
    private static final int IFF_TAP_NO_PI_VNET_HDR = 0x2 | 0x1000 | 0x4000;
    /** TUN_F_CSUM, TSO4, TSO6, TSO_ECN: what we take unfinished from the host. */
    private static final long OFFLOADS = 0xf;

    private static final int IFREQ_FLAGS_OFFSET = 16;

    private final String type;
    // Written with the lock of their side held, read by any thread (approximately).
    private long receiveDrops;
    private long transmitDrops;

    private TapPort(String name, String type, int ifIndex, int fd) {
        super(name, ifIndex, fd, Links.query(ifIndex, name));
        this.type = type;
    }

    /**
     * Makes the device; it is down, as in Open vSwitch, until somebody sets it up.
     *
     * @param type {@code internal} or {@code tap}, reported back by {@link #type}
     * @throws io.turnstile.port.PortException if the name is taken or there is no right to make devices
     */
    public static TapPort open(String device, String type) {
        int fd = LibC.open(CONTROL, O_RDWR_NONBLOCK_CLOEXEC);
        if (fd < 0) {
            throw SystemCallFailure.onOpen(device, fd);
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = Links.request(arena, device);
            request.set(ValueLayout.JAVA_SHORT, IFREQ_FLAGS_OFFSET, (short) IFF_TAP_NO_PI_VNET_HDR);
            int result = LibC.ioctl(fd, TUNSETIFF, request);
            if (result < 0) {
                throw SystemCallFailure.onOpen(device, result);
            }
            SystemCallFailure.check(LibC.ioctl(fd, TUNSETOFFLOAD, MemorySegment.ofAddress(OFFLOADS)), device);
            return new TapPort(device, type, Links.requireIndex(device), fd);
        } catch (RuntimeException e) {
            LibC.close(fd);
            throw e;
        }
    }

    @Override
    public String type() {
        return type;
    }

    @Override
    public int receive(Packet[] pool, PacketBatch into) {
        receiveLock.lock();
        try {
            int before = into.length();
            while (!closed && !into.isFull()) {
                Packet packet = pool[into.length()];
                packet.reset(0);
                long start = packet.frameStart() - (long) VirtioNetHeader.SIZE_BYTES;
                int got = LibC.read(fd, packet.buffer(), start, packet.buffer().byteSize() - start);
                if (got < 0) {
                    break; // Nothing there, or the device was deleted.
                }
                packet.reset(got - VirtioNetHeader.SIZE_BYTES);
                if (VirtioNetHeader.apply(packet.buffer(), start, packet)) {
                    into.add(packet);
                } else {
                    receiveDrops++;
                }
            }
            return into.length() - before;
        } finally {
            receiveLock.unlock();
        }
    }

    /** The frame is with the host when this returns. */
    @Override
    public void send(Packet packet) {
        transmitLock.lock();
        try {
            if (closed) {
                return;
            }
            if (VirtioNetHeader.canSay(packet)) {
                write(packet);
            } else {
                GsoSegmenter.forEachSegment(packet, this::write);
            }
        } finally {
            transmitLock.unlock();
        }
    }

    private void write(Packet packet) {
        long start = packet.frameStart() - (long) VirtioNetHeader.SIZE_BYTES;
        if (start < 0) {
            transmitDrops++;
            return;
        }
        VirtioNetHeader.write(packet.buffer(), start, packet);
        long size = VirtioNetHeader.SIZE_BYTES + (long) packet.lengthBytes();
        if (LibC.write(fd, packet.buffer(), start, size) < 0) {
            transmitDrops++;
        }
    }

    @Override
    public void flush() {}

    /** Seen from the switch: what the host sends, its device's transmit side, is received here. */
    @Override
    public PortStatistics statistics() {
        PortStatistics host = Links.statistics(ifIndex, name);
        return new PortStatistics(
                host.txPackets(),
                host.txBytes(),
                host.txDropped() + receiveDrops,
                host.txErrors(),
                host.rxPackets(),
                host.rxBytes(),
                host.rxDropped() + transmitDrops,
                host.rxErrors(),
                host.collisions(),
                0,
                0,
                0,
                0,
                host.rxMulticastPackets());
    }

    @Override
    void release() {
        LibC.close(fd);
    }
}
