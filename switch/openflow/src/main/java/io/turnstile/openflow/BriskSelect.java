package io.turnstile.openflow;

import io.netty.channel.SelectStrategy;
import io.netty.util.IntSupplier;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Goes on looking for a moment before the loop's thread goes to sleep, if its last sleep was hardly one. Who sends one
 * request after the other and waits for each answer, as {@code ovs-ofctl add-flows} does, mostly has the next one there
 * before a core would have been put to sleep and woken. Where requests come more slowly, the thread sleeps as ever.
 *
 * <p>Threads: the loop's.
 */
final class BriskSelect implements SelectStrategy {
    /** For so long it looks: as long as a client's thread may take to wake up and to ask again. */
    static final long LOOKING_NS = TimeUnit.MICROSECONDS.toNanos(100);
    /** A sleep that looking would have saved, and this thread's own waking up. */
    static final long SHORT_SLEEP_NS = LOOKING_NS + TimeUnit.MICROSECONDS.toNanos(70);

    private final LongSupplier clockNs;
    private long sleepsSinceNs;
    private boolean sleeps;
    private boolean isBrisk;

    /** @param clockNs as {@code System.nanoTime} */
    BriskSelect(LongSupplier clockNs) {
        this.clockNs = clockNs;
    }

    @Override
    public int calculateStrategy(IntSupplier selectNow, boolean hasTasks) throws Exception {
        int ready = selectNow.get();
        long beganNs = clockNs.getAsLong();
        if (sleeps) {
            isBrisk = beganNs - sleepsSinceNs < SHORT_SLEEP_NS;
            sleeps = false;
        }
        if (hasTasks) {
            return ready;
        }
        long nowNs = beganNs;
        while (ready == 0 && isBrisk && nowNs - beganNs < LOOKING_NS) {
            Thread.onSpinWait();
            ready = selectNow.get();
            nowNs = clockNs.getAsLong();
        }
        if (ready > 0) {
            return ready;
        }
        sleeps = true;
        sleepsSinceNs = nowNs;
        return SELECT;
    }
}
