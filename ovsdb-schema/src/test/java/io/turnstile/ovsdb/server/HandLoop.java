package io.turnstile.ovsdb.server;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A database's event loop that the test turns by hand. Threads: any may add, the test's runs. */
final class HandLoop implements Database.Scheduler {
    private static final int PATIENCE_SECONDS = 20;

    private final BlockingQueue<Runnable> tasks = new LinkedBlockingQueue<>();

    @Override
    public void after(long delayMs, Runnable task) {
        tasks.add(task);
    }

    /** Waits for the next task without running it. */
    Runnable next() {
        try {
            Runnable task = tasks.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
            if (task == null) {
                throw new AssertionError("nothing comes");
            }
            return task;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    boolean isEmpty() {
        return tasks.isEmpty();
    }
}
