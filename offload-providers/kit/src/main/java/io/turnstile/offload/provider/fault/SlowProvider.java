package io.turnstile.offload.provider.fault;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * The provider does everything right, but takes its time. How time passes is given: by default the calling thread
 * really waits; a test with a hand-driven clock gives {@code clock::advance}, and the call has taken that long without
 * any waiting.
 */
public final class SlowProvider extends HoldingProvider {
    private final Consumer<Duration> sleeper;
    private final Map<Callback, Duration> delays = new ConcurrentHashMap<>();

    /** Waits in real time. Nothing is slow until {@link #slowDown} says so. */
    public SlowProvider(String name) {
        this(name, SlowProvider::park);
    }

    /** Lets {@code sleeper} pass the time; it is called on whatever thread calls the provider. */
    public SlowProvider(String name, Consumer<Duration> sleeper) {
        super(name);
        this.sleeper = sleeper;
    }

    /**
     * Makes the callback take so long from now on; {@link Duration#ZERO} makes it quick again. Returns this provider.
     */
    public SlowProvider slowDown(Callback callback, Duration delay) {
        delays.put(callback, delay);
        return this;
    }

    @Override
    protected void meet(Callback callback) {
        Duration delay = delays.getOrDefault(callback, Duration.ZERO);
        if (delay.isPositive()) {
            sleeper.accept(delay);
        }
    }

    /** Interrupts do not shorten it: a device that is slow stays slow. */
    private static void park(Duration delay) {
        boolean interrupted = false;
        long endNs = System.nanoTime() + delay.toNanos();
        for (long leftNs = delay.toNanos(); leftNs > 0; leftNs = endNs - System.nanoTime()) {
            LockSupport.parkNanos(leftNs);
            interrupted |= Thread.interrupted();
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
