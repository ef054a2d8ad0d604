package io.turnstile.conntrack.fragment;

import io.turnstile.packet.Ipv6Header;
import io.turnstile.packet.Packet;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Packets for held fragments, in three sizes, and for whole datagrams. They are made when first needed and then used
 * again; how many there can be of each size is bounded, about 64 MiB in all. The memory goes with this object.
 *
 * <p>Threads: one at a time (the reassembler's lock).
 */
final class FragmentBuffers {
    private static final int ALIGNMENT = 64;
    private static final int LINK_BYTES = 22;
    private static final int WHOLE_BYTES = Packet.HEADROOM_BYTES
            + LINK_BYTES
            + Ipv6Header.BYTES
            + FragmentHeader.MAX_LENGTH_FIELD
            + Ipv6Header.FRAGMENT_BYTES;

    private final Pool[] pools = {
        new Pool(2048, 32, FragmentReassembler.MOST_FRAGMENTS), // a link of 1500 bytes
        new Pool(10_240, 8, 2000), // a link of 9000 bytes
        new Pool(Packet.HEADROOM_BYTES + Packet.MAX_FRAME_BYTES, 1, 500),
    };
    /**
     * Packets for wholes: as many as there are threads that complete datagrams at the same time, times how many a batch
     * completes.
     */
    private final Pool wholes = new Pool(WHOLE_BYTES, 1, Integer.MAX_VALUE);

    /** Packets of one size. */
    private static final class Pool {
        private final int bufferBytes;
        private final int slabLength;
        private final int limit;
        private final ArrayDeque<Packet> free = new ArrayDeque<>();
        private int allocated;

        Pool(int bufferBytes, int slabLength, int limit) {
            this.bufferBytes = (bufferBytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
            this.slabLength = slabLength;
            this.limit = limit;
        }

        @Nullable
        Packet take() {
            if (free.isEmpty() && allocated < limit) {
                MemorySegment slab = Arena.ofAuto().allocate((long) bufferBytes * slabLength, ALIGNMENT);
                for (int i = 0; i < slabLength && allocated < limit; i++, allocated++) {
                    free.add(new Packet(slab.asSlice((long) bufferBytes * i, bufferBytes)));
                }
            }
            return free.pollLast();
        }
    }

    /** A packet that takes a frame of that length; null if too many of that size are in use. */
    @Nullable
    Packet take(int frameBytes) {
        for (Pool pool : pools) {
            if (Packet.HEADROOM_BYTES + frameBytes <= pool.bufferBytes) {
                return pool.take();
            }
        }
        return null;
    }

    void give(Packet packet) {
        for (Pool pool : pools) {
            if (packet.buffer().byteSize() == pool.bufferBytes) {
                pool.free.add(packet);
                return;
            }
        }
        throw new IllegalArgumentException("not one of these packets");
    }

    Packet takeWhole() {
        return Objects.requireNonNull(wholes.take(), "there is no limit to the wholes");
    }

    void giveWhole(Packet packet) {
        wholes.free.add(packet);
    }
}
