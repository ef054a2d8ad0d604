package io.turnstile.offload;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Names paths. A path is found by its id where its connection's are: the lower half is the connection's slot, the upper
 * a number that comes again after two billion paths. Ids are positive, as those of connections are.
 *
 * <p>Threads: any.
 */
final class PathIds {
    private static final long NUMBER_MASK = Integer.MAX_VALUE;

    private final AtomicLong last;

    /** @param last the number that comes before the first */
    PathIds(long last) {
        this.last = new AtomicLong(last);
    }

    long next(long connectionId) {
        long number;
        do {
            number = last.incrementAndGet() & NUMBER_MASK;
        } while (number == 0);
        return number << Integer.SIZE | SlotTable.slotOf(connectionId);
    }
}
