package io.turnstile.bpf;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A walk over all entries of a map, many by each system call. Entries that come or go meanwhile may or may not be seen;
 * in a hash, one that stays is seen exactly once. For one thread.
 */
public final class MapCursor {
    private final BpfMap map;
    private final Command command;
    /** Where the kernel stopped: the number of a hash's bucket or the last key, which only it understands. */
    private final MemorySegment position;

    private boolean hasBegun;
    private boolean hasEnded;

    MapCursor(BpfMap map, Command command) {
        this.map = map;
        this.command = command;
        position = Arena.ofAuto().allocate(Math.max(map.definition().keyBytes(), Integer.BYTES), Long.BYTES);
    }

    /**
     * Copies the next entries, {@code room} at most.
     *
     * @return how many; 0 once all have been seen
     * @throws BpfException {@link Errno#ENOSPC} if so many entries share a bucket of a hash that they have no room;
     *     more room helps
     */
    public int next(MemorySegment keys, MemorySegment values, int room) throws BpfException {
        if (hasEnded) {
            return 0;
        }
        try (BatchCall batch = new BatchCall(map, map.requireKeys(keys, room), room)) {
            batch.values(map.requireValues(values, room)).walk(position, !hasBegun);
            BatchResult result = batch.run(command);
            BpfException failure = result.failure();
            if (failure != null) {
                if (!failure.is(Errno.ENOENT)) {
                    throw failure;
                }
                hasEnded = true;
            }
            hasBegun = true;
            return result.done();
        }
    }
}
