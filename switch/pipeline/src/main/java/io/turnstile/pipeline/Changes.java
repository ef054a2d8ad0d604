package io.turnstile.pipeline;

import io.turnstile.datapath.Datapath;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The change lock, the table lock and the generation of the pipeline; what they are for is in the package's
 * description.
 *
 * <p>Threads: any.
 */
final class Changes {
    private final Datapath datapath;
    private final ReentrantLock changeLock = new ReentrantLock();
    private final ReentrantReadWriteLock tableLock = new ReentrantReadWriteLock();
    private final AtomicLong generation = new AtomicLong();

    Changes(Datapath datapath) {
        this.datapath = datapath;
    }

    /** Something that changes tables or ports; what it touches goes into the effects. */
    interface Change<E extends Exception> {
        void make(Effects effects) throws E;
    }

    /**
     * Makes a change and returns once no packet is forwarded by what it replaced. If it throws, nothing has changed.
     */
    <E extends Exception> void make(Change<E> change) throws E {
        changeLock.lock();
        try {
            Effects effects = new Effects();
            tableLock.writeLock().lock();
            try {
                change.make(effects);
                if (effects.concernsFlows()) {
                    generation.incrementAndGet();
                    datapath.invalidate(effects::concernedFlows);
                }
            } finally {
                tableLock.writeLock().unlock();
            }
            if (effects.concernsFlows()) {
                datapath.awaitQuiescence();
            }
            effects.runAfterwards();
        } finally {
            changeLock.unlock();
        }
    }

    /** Reads tables and ports while nobody changes them. */
    <T extends @Nullable Object> T read(Supplier<T> reading) {
        tableLock.readLock().lock();
        try {
            return reading.get();
        } finally {
            tableLock.readLock().unlock();
        }
    }

    long generation() {
        return generation.get();
    }

    /** Something changed that needs no lock. */
    void advance() {
        generation.incrementAndGet();
    }

    /** The same; returns false if the generation was another one already, because something else changed too. */
    boolean advanceFrom(long expected) {
        boolean alone = generation.compareAndSet(expected, expected + 1);
        if (!alone) {
            generation.incrementAndGet();
        }
        return alone;
    }
}
