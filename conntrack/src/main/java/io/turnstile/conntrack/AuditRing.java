package io.turnstile.conntrack;

import static io.turnstile.conntrack.EntryLayout.SIZE_BYTES;
import static io.turnstile.conntrack.EntryLayout.WORD;

import io.turnstile.conntrack.OffHeap.Region;
import java.lang.invoke.VarHandle;

/**
 * The ring keeps the last records of one kind. A record is laid out as an {@linkplain EntryLayout entry}, of which some
 * fields mean something else ({@link AuditTrail}), with the head of an extension beside it, if the connection had one.
 *
 * <p>The record's word says what stands in it: 0 nothing yet; {@code 2 × ticket + 1} that ticket is being written;
 * {@code 2 × ticket + 2} it is whole. Tickets count the records from 0. Who finds another one at a record, a whole
 * round behind or ahead, lets its own record go and counts it as lost: no record is ever two.
 *
 * <p>Threads: any, without locks: a writer is one atomic addition, one atomic exchange and plain stores. A reader who
 * finds the same whole word before and after has read one record.
 */
final class AuditRing {
    /** {@link #begin} has no room for this one. */
    static final long NONE = 0;

    private final Region recordMemory;
    private final Region extensionMemory;
    private final Region headMemory;
    private final long records;
    private final long extensions;
    /** Address of the next ticket; a cache line of its own. */
    private final long head;
    /** How many records were let go of. */
    private final long lost;

    private final int capacity;

    /** @param capacity a power of two */
    AuditRing(int capacity) {
        this.capacity = capacity;
        recordMemory = OffHeap.reserve((long) capacity * SIZE_BYTES, false);
        extensionMemory = OffHeap.reserve((long) capacity * AuditTrail.EXTENSION_BYTES, false);
        headMemory = OffHeap.reserve(2 * SIZE_BYTES, false);
        records = recordMemory.address();
        extensions = extensionMemory.address();
        head = headMemory.address();
        lost = head + SIZE_BYTES;
    }

    int capacity() {
        return capacity;
    }

    /** The number of the next record. */
    long end() {
        return OffHeap.getAcquire(head);
    }

    /** The next record's number, taken. */
    long take() {
        return OffHeap.getAndAdd(head, 1);
    }

    /** The address to write the record of that number to; {@link #NONE} if somebody else is there. */
    long begin(long ticket) {
        long record = record(ticket);
        long before = OffHeap.getAcquire(record + WORD);
        boolean free = (before & 1) == 0 && before <= 2 * ticket;
        if (!free || !OffHeap.compareAndSet(record + WORD, before, 2 * ticket + 1)) {
            OffHeap.getAndAdd(lost, 1);
            return NONE;
        }
        VarHandle.storeStoreFence(); // Nothing of the record is seen before the word says that it is being written.
        return record;
    }

    void end(long ticket, long record) {
        OffHeap.putRelease(record + WORD, 2 * ticket + 2);
    }

    long record(long ticket) {
        return records + (ticket & capacity - 1) * SIZE_BYTES;
    }

    long extension(long ticket) {
        return extensions + (ticket & capacity - 1) * AuditTrail.EXTENSION_BYTES;
    }

    /** The record of that number is there, and whole. */
    boolean isWhole(long ticket) {
        return OffHeap.getAcquire(record(ticket) + WORD) == 2 * ticket + 2;
    }

    /** What was read since {@link #isWhole} belongs to that record. */
    boolean isStillWhole(long ticket) {
        VarHandle.loadLoadFence();
        return isWhole(ticket);
    }

    long lost() {
        return OffHeap.getAcquire(lost);
    }
}
