package io.turnstile.offload;

import io.turnstile.offload.spi.OffloadOperation.OfConnection;
import io.turnstile.offload.spi.OffloadResult;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.BiConsumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A shard's items whose result a provider has deferred: they wait here, out of any batch, until it is there.
 *
 * <p>Threads: under the shard's lock; completions come from any, {@link #oldestNs} is for any.
 */
final class Deferrals {
    /** An operation whose result is there; null from a provider that completes with null. */
    record Completion(
            WorkItem item, OfConnection operation, @Nullable OffloadResult result) {}

    private static final long NONE = Long.MAX_VALUE;

    private final LongSupplier stopwatchNs;
    private final Runnable wake;
    private final Map<Integer, Aside> asides = new LinkedHashMap<>(); // by slot, oldest first
    private final Queue<Completion> completed = new ConcurrentLinkedQueue<>();
    private volatile long oldestSinceNs = NONE;
    private volatile int count;

    private record Aside(WorkItem item, OfConnection operation, long sinceNs) {}

    /** @param wake is called when a result is there */
    Deferrals(LongSupplier stopwatchNs, Runnable wake) {
        this.stopwatchNs = stopwatchNs;
        this.wake = wake;
    }

    boolean isEmpty() {
        return asides.isEmpty();
    }

    /** A result is there that nobody has taken yet. Threads: any. */
    boolean hasCompleted() {
        return !completed.isEmpty();
    }

    void putAside(WorkItem item, OfConnection operation, OffloadResult.Deferred deferred) {
        item.aside = true;
        asides.put(item.slot, new Aside(item, operation, stopwatchNs.getAsLong()));
        noteOldest();
        deferred.result().whenComplete((result, failure) -> {
            completed.add(new Completion(item, operation, result));
            wake.run();
        });
    }

    /** The item that has this slot and waits; null if there is none. */
    @Nullable
    WorkItem of(int slot) {
        Aside aside = asides.isEmpty() ? null : asides.get(slot);
        return aside == null ? null : aside.item;
    }

    /** Takes the next item whose result is there; null if there is none. */
    @Nullable
    Completion poll() {
        Completion next = completed.poll();
        if (next != null) {
            asides.remove(next.item().slot);
            next.item().aside = false;
            noteOldest();
        }
        return next;
    }

    /** Visits the items that are given up: what they were to do may have been done or not. */
    void forEach(BiConsumer<WorkItem, OfConnection> visitor) {
        asides.values().forEach(aside -> visitor.accept(aside.item, aside.operation));
    }

    private void noteOldest() {
        count = asides.size();
        oldestSinceNs = asides.isEmpty() ? NONE : asides.values().iterator().next().sinceNs;
    }

    /** How many wait. Threads: any. */
    int count() {
        return count;
    }

    /** How long the longest has waited; 0 if none does. Threads: any. */
    long oldestNs() {
        long since = oldestSinceNs;
        return since == NONE ? 0 : Math.max(0, stopwatchNs.getAsLong() - since);
    }
}
