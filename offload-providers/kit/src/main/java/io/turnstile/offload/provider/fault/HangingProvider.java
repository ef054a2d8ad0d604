package io.turnstile.offload.provider.fault;

import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;

/**
 * Whoever calls a chosen callback stays in it until {@link #release}; then the callback does its work and returns. An
 * interrupt frees nobody (it is kept for afterwards): a driver that waits for its device does not care either.
 *
 * <p>A test that uses it releases it in the end, or its threads stay.
 */
public final class HangingProvider extends HoldingProvider {
    private static final long NS_PER_MS = 1_000_000;

    private final Object door = new Object();
    private Set<Callback> hanging = EnumSet.noneOf(Callback.class); // guarded by door
    private long releases; // guarded by door
    private int stuck; // guarded by door

    public HangingProvider(String name, Set<Callback> hanging) {
        super(name);
        hangIn(hanging);
    }

    /**
     * Makes calls to exactly these not return from now on. Threads that are stuck already stay so until
     * {@link #release}.
     */
    public void hangIn(Set<Callback> callbacks) {
        EnumSet<Callback> chosen = EnumSet.noneOf(Callback.class);
        chosen.addAll(callbacks);
        synchronized (door) {
            hanging = chosen;
        }
    }

    /** Frees all threads, and nothing hangs any more until {@link #hangIn}. */
    public void release() {
        synchronized (door) {
            hanging = EnumSet.noneOf(Callback.class);
            releases++;
            door.notifyAll();
        }
    }

    /** How many threads are stuck in it. */
    public int stuck() {
        synchronized (door) {
            return stuck;
        }
    }

    /** Waits until at least one thread is stuck. Returns whether one is; real time. */
    public boolean awaitStuck(Duration timeout) throws InterruptedException {
        return await(timeout, true);
    }

    /** Waits until no thread is stuck. Returns whether none is; real time. */
    public boolean awaitFree(Duration timeout) throws InterruptedException {
        return await(timeout, false);
    }

    private boolean await(Duration timeout, boolean someStuck) throws InterruptedException {
        long endNs = System.nanoTime() + timeout.toNanos();
        synchronized (door) {
            while (someStuck != (stuck > 0)) {
                long leftMs = (endNs - System.nanoTime()) / NS_PER_MS;
                if (leftMs <= 0) {
                    return false;
                }
                door.wait(leftMs);
            }
            return true;
        }
    }

    @Override
    protected void meet(Callback callback) {
        boolean interrupted = false;
        synchronized (door) {
            if (!hanging.contains(callback)) {
                return;
            }
            stuck++;
            letDeletesMiss(); // who gave the call up does not know what has become of it
            door.notifyAll();
            for (long mine = releases; mine == releases; ) {
                try {
                    door.wait();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            stuck--;
            door.notifyAll();
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
