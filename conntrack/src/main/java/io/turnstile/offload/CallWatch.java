package io.turnstile.offload;

import io.turnstile.offload.spi.OffloadOperation;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * One thread's calls into a provider, as seen by who watches over it: since when it has been away, and whether somebody
 * has given it up meanwhile.
 *
 * <p>Threads: {@link #begin} and {@link #end} the one that calls; everything else any.
 */
final class CallWatch {
    private static final long GIVEN_UP = -1;

    private final LongSupplier stopwatchNs;
    /** Even: not in a call; odd: in a call, each with a number of its own. */
    private final AtomicLong number = new AtomicLong();

    private volatile long startedNs;
    private volatile Supplier<String> what = () -> "nothing";

    CallWatch(LongSupplier stopwatchNs) {
        this.stopwatchNs = stopwatchNs;
    }

    /** Begins a call; {@code what} says which, if somebody has to know. */
    void begin(Supplier<String> what) {
        this.what = what;
        startedNs = stopwatchNs.getAsLong();
        number.incrementAndGet();
    }

    /** Ends the call; false: it was given up, and others have taken over what the caller had at hand. */
    boolean end() {
        long call = number.get();
        return call != GIVEN_UP && number.compareAndSet(call, call + 1);
    }

    /** How long the call has taken that is under way or was last. */
    long durationNs() {
        return stopwatchNs.getAsLong() - startedNs;
    }

    /** The call that is under way, or was last: {@code add}, {@code established/update}, {@code portAdded}. */
    String what() {
        return what.get();
    }

    /** The kinds of operations of a call. */
    static String kindsOf(List<OffloadOperation> batch) {
        return batch.stream()
                .map(operation -> OffloadEvent.Kind.of(operation).toString())
                .distinct()
                .collect(Collectors.joining("/"));
    }

    /** Gives up a call that has taken longer than this. */
    boolean giveUp(long limitNs) {
        long call = number.get();
        return (call & 1) != 0 && call != GIVEN_UP && durationNs() > limitNs && number.compareAndSet(call, GIVEN_UP);
    }
}
