package io.turnstile.ovsdb.data;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The publisher hands snapshots to one consumer on a thread of its own; while the consumer is busy only the newest
 * waits.
 *
 * <p>Threads: {@link #publish} by one thread at a time.
 */
public final class SnapshotPublisher implements AutoCloseable {
    private final AtomicReference<@Nullable DatabaseSnapshot> newest = new AtomicReference<>();
    private final Consumer<DatabaseSnapshot> consumer;
    private final ExecutorService thread = Executors.newSingleThreadExecutor(task -> {
        Thread worker = new Thread(task, "ovsdb-changes");
        worker.setDaemon(true);
        return worker;
    });

    public SnapshotPublisher(Consumer<DatabaseSnapshot> consumer) {
        this.consumer = consumer;
    }

    public void publish(DatabaseSnapshot snapshot) {
        if (newest.getAndSet(snapshot) == null) {
            try {
                thread.execute(() -> consumer.accept(newest.getAndSet(null)));
            } catch (RejectedExecutionException e) {
                // Closed meanwhile: nobody is interested any more.
            }
        }
    }

    @Override
    public void close() {
        thread.shutdown();
    }
}
