package io.turnstile.pipeline;

import io.turnstile.datapath.Datapath;
import io.turnstile.datapath.DatapathFlow;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The change lock, the table lock and the generation of the pipeline; what they are for is in the package's
 * description.
 *
 * <p>A change of many flows holds the table lock for a slice at a time. Both locks are fair: translations that wait get
 * the table lock before the change has it again, and of those who change things each gets its turn.
 *
 * <p>Threads: any.
 */
final class Changes {
    private static final long SLICE_NS = 500_000;
    /** How many steps of a change pass between two looks at the clock. */
    private static final int STEPS_PER_LOOK = 8;
    /** Longer than an ordinary change takes. */
    private static final long PATIENCE_MS = 20;

    private final Datapath datapath;
    private final ReentrantLock changeLock = new ReentrantLock(true);
    private final ReentrantReadWriteLock tableLock = new ReentrantReadWriteLock(true);
    private final AtomicLong generation = new AtomicLong();

    // Guarded by the change lock.
    private long sliceNs = SLICE_NS;
    private long sliceBeganNs;
    private int stepsPerLook = STEPS_PER_LOOK;
    private int steps;

    Changes(Datapath datapath) {
        this.datapath = datapath;
    }

    /** Something that changes tables or ports; what it touches goes into the effects. */
    interface Change<E extends Exception> {
        void make(Effects effects) throws E;
    }

    /** A look at tables or ports that may be refused. */
    interface Reading<T, E extends Exception> {
        T read() throws E;
    }

    /** How long a change may hold the table lock at a time; 0: for one step, and all steps are looked at. */
    void setSliceNs(long sliceNs) {
        changeLock.lock();
        try {
            this.sliceNs = sliceNs;
            stepsPerLook = sliceNs == 0 ? 1 : STEPS_PER_LOOK;
        } finally {
            changeLock.unlock();
        }
    }

    /**
     * Makes a change and returns once no packet is forwarded by what it replaced. If it throws, nothing has changed.
     */
    <E extends Exception> void make(Change<E> change) throws E {
        changeLock.lock();
        try {
            makeAlone(change, true);
        } finally {
            changeLock.unlock();
        }
    }

    /** The same for what can be left for another time: returns false if a long change is being made. */
    <E extends Exception> boolean makeUnlessBusy(Change<E> change) throws E {
        boolean locked = false;
        try {
            locked = changeLock.tryLock(PATIENCE_MS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return locked && makeAndUnlock(change);
    }

    /** The same for those who must not wait: returns false if a change is being made. */
    <E extends Exception> boolean makeAtOnce(Change<E> change) throws E {
        return changeLock.tryLock() && makeAndUnlock(change);
    }

    /**
     * The same from inside a batch: packets that are under way may still be forwarded by what was replaced when this
     * returns.
     */
    <E extends Exception> boolean makeWithoutWaiting(Change<E> change) throws E {
        if (!changeLock.tryLock()) {
            return false;
        }
        try {
            makeAlone(change, false);
        } finally {
            changeLock.unlock();
        }
        return true;
    }

    private <E extends Exception> boolean makeAndUnlock(Change<E> change) throws E {
        try {
            makeAlone(change, true);
        } finally {
            changeLock.unlock();
        }
        return true;
    }

    private <E extends Exception> void makeAlone(Change<E> change, boolean waits) throws E {
        Effects effects = new Effects(this::breathe);
        boolean concerns;
        Collection<DatapathFlow> killed = List.of();
        beginSlice();
        try {
            prepare(change, effects);
            concerns = effects.concernsFlows();
            effects.takeEffect();
            if (concerns) {
                generation.incrementAndGet();
                killed = datapath.kill(effects::concernedFlows);
            }
            effects.cleanUp();
        } finally {
            tableLock.writeLock().unlock();
        }
        if (concerns) {
            datapath.bury(killed);
            if (waits) {
                datapath.awaitQuiescence();
            }
        }
        effects.runAfterwards();
    }

    private static <E extends Exception> void prepare(Change<E> change, Effects effects) throws E {
        boolean prepared = false;
        try {
            change.make(effects);
            effects.completePreparation();
            prepared = true;
        } finally {
            if (!prepared) {
                effects.undo();
            }
        }
    }

    private void beginSlice() {
        tableLock.writeLock().lock();
        sliceBeganNs = System.nanoTime();
        steps = 0;
    }

    /** Ends the slice if it was long enough, and begins another once those who wait have had the lock. */
    private void breathe() {
        if (++steps % stepsPerLook == 0 && System.nanoTime() - sliceBeganNs >= sliceNs) {
            tableLock.writeLock().unlock();
            beginSlice();
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

    /** The same of what may be refused. */
    <T, E extends Exception> T readOrRefuse(Reading<T, E> reading) throws E {
        tableLock.readLock().lock();
        try {
            return reading.read();
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
