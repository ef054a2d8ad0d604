package io.turnstile.conntrack;

import java.lang.foreign.MemorySegment;

/**
 * Memory beside the heap for what grows with the number of connections: the collector neither copies it nor looks at
 * it, and the kernel gives it page by page as it is first written.
 *
 * <p>Threads: any.
 */
public final class LazyMemory {
    private LazyMemory() {}

    /**
     * All zero at first, on a cache line's boundary, for any thread; freed once the segment and its slices are garbage.
     *
     * @throws OutOfMemoryError the system gives no such piece
     */
    public static MemorySegment reserve(long sizeBytes) {
        return OffHeap.reserve(sizeBytes, false).memory();
    }
}
