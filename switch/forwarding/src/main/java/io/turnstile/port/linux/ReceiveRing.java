package io.turnstile.port.linux;

import static java.nio.ByteOrder.nativeOrder;

import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * The memory that an AF_PACKET socket shares with the kernel for received frames: PACKET_RX_RING, TPACKET_V2
 * (Documentation/networking/packet_mmap.rst). Version 2 shows each frame at once; version 3 would hold frames back
 * until a block is full or its timer, of at least a millisecond, runs out.
 *
 * <p>A slot holds a frame of the device's MTU. What is longer (super-frames, see {@link VirtioNetHeader}) the kernel
 * cuts in the ring and queues whole on the socket, in the same order; such a frame costs one system call.
 *
 * <p>Threads: one at a time.
 */
final class ReceiveRing {
    /** Slots are not a power of two apart: frames would all start in the same few sets of the cache. */
    private static final int SLOT_SKEW_BYTES = 64;

    private static final int BLOCK_BYTES = 256 << 10;
    private static final int RING_BYTES = 2 << 20;
    private static final int SLOT_ALIGNMENT_BYTES = 64;
    /**
     * From a slot's start to the frame: struct tpacket2_hdr, sockaddr_ll, virtio header, alignment and two VLAN tags.
     */
    private static final int SLOT_OVERHEAD_BYTES = 128;

    private static final int MIN_SLOT_FRAME_BYTES = 2048 - SLOT_OVERHEAD_BYTES;
    private static final int MAP_SHARED_POPULATE = 0x8001;
    private static final int MSG_DONTWAIT = 0x40;

    // struct tpacket2_hdr and its status bits (linux/if_packet.h)
    private static final int LENGTH_OFFSET = 4;
    private static final int SNAP_LENGTH_OFFSET = 8;
    private static final int MAC_OFFSET = 12;
    private static final int VLAN_TCI_OFFSET = 24;
    private static final int VLAN_TPID_OFFSET = 26;
    private static final int TP_STATUS_KERNEL = 0;
    private static final int TP_STATUS_USER = 1;
    private static final int TP_STATUS_COPY = 2;
    private static final int TP_STATUS_VLAN_VALID = 0x10;
    private static final int TP_STATUS_VLAN_TPID_VALID = 0x40;
    private static final int TP_STATUS_CSUM_VALID = 0x80;
    private static final int VLAN_TAG_BYTES = 4;
    private static final int VLAN_TAG_AT = 12;

    private static final VarHandle STATUS =
            ValueLayout.JAVA_INT.withOrder(nativeOrder()).varHandle();
    private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfShort U16 = ValueLayout.JAVA_SHORT_UNALIGNED;

    private final int fd;
    private final MemorySegment ring;
    private final int slotBytes;
    private final int slotsPerBlock;
    private final int blocks;

    // Written by the receiving thread.
    private int block;
    private int slotInBlock;
    private long head;
    private long tooLong;
    // Guarded by this.
    private long noSlot;
    private boolean closed;

    /** Sets the ring up on a socket that is not bound yet. */
    ReceiveRing(int fd, int mtuBytes, String device) {
        this.fd = fd;
        slotBytes = slotBytes(mtuBytes);
        slotsPerBlock = BLOCK_BYTES / slotBytes;
        blocks = Math.max(RING_BYTES / BLOCK_BYTES, 1);
        try (Arena arena = Arena.ofConfined()) {
            // struct tpacket_req: block size, blocks, frame size, frames
            MemorySegment request =
                    arena.allocateFrom(ValueLayout.JAVA_INT, BLOCK_BYTES, blocks, slotBytes, slotsPerBlock * blocks);
            SystemCallFailure.check(
                    LibC.setsockopt(fd, PacketSocket.SOL_PACKET, PacketSocket.PACKET_RX_RING, request),
                    device + ": cannot make a receive ring");
        }
        long sizeBytes = (long) BLOCK_BYTES * blocks;
        long address = LibC.mmap(fd, sizeBytes, MAP_SHARED_POPULATE);
        if (address < 0) {
            throw SystemCallFailure.of(device + ": cannot map the receive ring", address);
        }
        ring = MemorySegment.ofAddress(address).reinterpret(sizeBytes);
    }

    static int slotBytes(int mtuBytes) {
        int frameBytes = Math.max(mtuBytes + 14, MIN_SLOT_FRAME_BYTES);
        int lines = (frameBytes + SLOT_OVERHEAD_BYTES + SLOT_ALIGNMENT_BYTES - 1) / SLOT_ALIGNMENT_BYTES;
        return Math.min(lines * SLOT_ALIGNMENT_BYTES + SLOT_SKEW_BYTES, BLOCK_BYTES);
    }

    /** See {@link io.turnstile.port.Port#receive}. */
    int receive(Packet[] pool, PacketBatch into) {
        int before = into.length();
        while (!into.isFull()) {
            int status = (int) STATUS.getAcquire(ring, head);
            if ((status & TP_STATUS_USER) == 0) {
                break;
            }
            Packet packet = pool[into.length()];
            if (take(status, packet)) {
                into.add(packet);
            } else {
                tooLong++;
            }
            STATUS.setRelease(ring, head, TP_STATUS_KERNEL);
            advance();
        }
        return into.length() - before;
    }

    private boolean take(int status, Packet packet) {
        int lengthBytes = ring.get(U32, head + LENGTH_OFFSET);
        boolean fits = lengthBytes + Packet.HEADROOM_BYTES <= packet.buffer().byteSize();
        if ((status & TP_STATUS_COPY) != 0) {
            if (!takeFromQueue(packet, lengthBytes, fits)) {
                return false;
            }
        } else if (!fits || ring.get(U32, head + SNAP_LENGTH_OFFSET) < lengthBytes) {
            return false;
        } else {
            packet.reset(lengthBytes);
            long frame = head + (ring.get(U16, head + MAC_OFFSET) & 0xffff);
            MemorySegment.copy(ring, frame, packet.buffer(), packet.frameStart(), lengthBytes);
            if (!VirtioNetHeader.apply(ring, frame - VirtioNetHeader.SIZE_BYTES, packet)) {
                return false;
            }
        }
        if ((status & TP_STATUS_CSUM_VALID) != 0 && packet.checksumState() == Packet.ChecksumState.UNVERIFIED) {
            packet.setChecksumState(Packet.ChecksumState.GOOD);
        }
        if ((status & TP_STATUS_VLAN_VALID) != 0) {
            restoreVlanTag(
                    packet,
                    ring.get(U16, head + VLAN_TCI_OFFSET) & 0xffff,
                    (status & TP_STATUS_VLAN_TPID_VALID) != 0
                            ? ring.get(U16, head + VLAN_TPID_OFFSET) & 0xffff
                            : EtherTypes.VLAN);
        }
        return true;
    }

    /** The frame did not fit its slot: it waits on the socket, and must be taken off even if we have no room for it. */
    private boolean takeFromQueue(Packet packet, int lengthBytes, boolean fits) {
        packet.reset(0);
        long start = packet.frameStart() - (long) VirtioNetHeader.SIZE_BYTES;
        long room = fits ? VirtioNetHeader.SIZE_BYTES + (long) lengthBytes : VirtioNetHeader.SIZE_BYTES;
        int got = LibC.recv(fd, packet.buffer().asSlice(start, room), MSG_DONTWAIT);
        if (!fits || got != room) {
            return false;
        }
        packet.reset(lengthBytes);
        return VirtioNetHeader.apply(packet.buffer(), start, packet);
    }

    /** The kernel took the outer tag out of the frame; flows and receivers want it back where it was. */
    static void restoreVlanTag(Packet packet, int tci, int tpid) {
        packet.insertBytes(VLAN_TAG_AT, VLAN_TAG_BYTES);
        packet.putU16(VLAN_TAG_AT, tpid);
        packet.putU16(VLAN_TAG_AT + 2, tci);
    }

    private void advance() {
        if (++slotInBlock < slotsPerBlock) {
            head += slotBytes;
            return;
        }
        slotInBlock = 0;
        block = block + 1 == blocks ? 0 : block + 1;
        head = (long) block * BLOCK_BYTES;
    }

    /** Frames that the kernel found no slot for, or that fitted neither slot nor buffer. Any thread. */
    synchronized long drops() {
        try (Arena arena = Arena.ofConfined()) {
            // struct tpacket_stats: packets, drops; the kernel counts from zero again after each reading.
            MemorySegment statistics = arena.allocate(8, 4);
            if (!closed
                    && LibC.getsockopt(fd, PacketSocket.SOL_PACKET, PacketSocket.PACKET_STATISTICS, statistics) >= 0) {
                noSlot += statistics.get(ValueLayout.JAVA_INT, 4) & 0xffff_ffffL;
            }
        }
        return noSlot + tooLong;
    }

    /** No frame may be received during or after this. */
    synchronized void close() {
        closed = true;
        LibC.munmap(ring);
    }
}
