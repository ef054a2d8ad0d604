package io.turnstile.port.linux;

import io.turnstile.packet.Packet;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Frames on their way into an AF_PACKET socket: copied into slots by {@link #add}, handed over by one sendmmsg(2) in
 * {@link #flush}. Frames longer than a slot go at once, after those that wait.
 *
 * <p>Threads: one at a time (the port locks).
 */
final class TransmitQueue {
    private static final int SLOTS = 64;
    /** Slots are not a power of two apart, for the cache's sake. */
    private static final int SLOT_BYTES = 2048 + 64;

    private static final int MSG_DONTWAIT = 0x40;
    // struct mmsghdr, struct msghdr, struct iovec (bits/socket.h, 64 bit)
    private static final int MMSGHDR_BYTES = 64;
    private static final int MSG_IOV_OFFSET = 16;
    private static final int MSG_IOVLEN_OFFSET = 24;
    private static final int IOVEC_BYTES = 16;
    private static final int IOV_LEN_OFFSET = 8;
    /** After so many refusals in a row the device is gone, down or full: the rest of the queue goes the same way. */
    private static final int MAX_REFUSALS = 4;

    private final int fd;
    private final MemorySegment slots;
    private final MemorySegment messages;
    private final MemorySegment vectors;
    private int length;
    private long drops;

    TransmitQueue(int fd, Arena arena) {
        this.fd = fd;
        slots = arena.allocate((long) SLOTS * SLOT_BYTES, 64);
        messages = arena.allocate((long) SLOTS * MMSGHDR_BYTES, 64);
        vectors = arena.allocate((long) SLOTS * IOVEC_BYTES, 64);
        for (int i = 0; i < SLOTS; i++) {
            vectors.set(ValueLayout.JAVA_LONG, (long) i * IOVEC_BYTES, slots.address() + (long) i * SLOT_BYTES);
            messages.set(
                    ValueLayout.JAVA_LONG,
                    (long) i * MMSGHDR_BYTES + MSG_IOV_OFFSET,
                    vectors.address() + (long) i * IOVEC_BYTES);
            messages.set(ValueLayout.JAVA_LONG, (long) i * MMSGHDR_BYTES + MSG_IOVLEN_OFFSET, 1);
        }
    }

    void add(Packet packet) {
        int frameBytes = packet.lengthBytes();
        if (frameBytes > SLOT_BYTES - VirtioNetHeader.SIZE_BYTES) {
            flush();
            sendAtOnce(packet);
            return;
        }
        long slot = (long) length * SLOT_BYTES;
        VirtioNetHeader.write(slots, slot, packet);
        MemorySegment.copy(packet.buffer(), packet.frameStart(), slots, slot + VirtioNetHeader.SIZE_BYTES, frameBytes);
        vectors.set(
                ValueLayout.JAVA_LONG,
                (long) length * IOVEC_BYTES + IOV_LEN_OFFSET,
                VirtioNetHeader.SIZE_BYTES + (long) frameBytes);
        if (++length == SLOTS) {
            flush();
        }
    }

    void flush() {
        int next = 0;
        int refusals = 0;
        while (next < length && refusals < MAX_REFUSALS) {
            int sent = LibC.sendmmsg(fd, messages.asSlice((long) next * MMSGHDR_BYTES), length - next, MSG_DONTWAIT);
            if (sent > 0) {
                next += sent;
            } else if (sent != -LibC.EINTR) {
                // The first one was refused (longer than the MTU, device down, no buffers): the others may still go.
                next++;
                drops++;
                refusals++;
            }
        }
        drops += length - next;
        length = 0;
    }

    /** The virtio header is written into the packet's headroom: header and frame must lie side by side. */
    private void sendAtOnce(Packet packet) {
        long start = packet.frameStart() - (long) VirtioNetHeader.SIZE_BYTES;
        if (start < 0) {
            drops++;
            return;
        }
        VirtioNetHeader.write(packet.buffer(), start, packet);
        MemorySegment frame = packet.buffer().asSlice(start, VirtioNetHeader.SIZE_BYTES + (long) packet.lengthBytes());
        if (LibC.send(fd, frame, MSG_DONTWAIT) < 0) {
            drops++;
        }
    }

    /** Frames that the kernel refused; written under the port's lock, read by any thread (approximately). */
    long drops() {
        return drops;
    }
}
