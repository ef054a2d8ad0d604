package io.turnstile.ovsdb.server;

import io.turnstile.ovsdb.data.DataSnapshot;
import io.turnstile.ovsdb.schema.DatabaseSchema;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A database's file: its log, and when that is written anew. A log that is several times as long as what it adds up to
 * is compacted: when it is opened, and whenever it has grown to that. The new file is written by a thread of its own
 * while transactions go on ({@link Rewrite}).
 *
 * <p>Threads: the database's.
 */
final class DatabaseFile implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DatabaseFile.class);
    /** A log shorter than this is not worth the trouble. */
    static final long COMPACT_FROM_BYTES = 1 << 20;

    static final int COMPACT_FACTOR = 4;
    /** An octet that is escaped takes six. */
    private static final double MAX_ESTIMATE_FACTOR = 6;
    /** After a compaction that failed. */
    private static final long RETRY_NS = TimeUnit.MINUTES.toNanos(1);

    private static final long PATIENCE_MS = 5_000;

    private final DatabaseLog log;
    private final DatabaseSchema schema;
    private final Consumer<Runnable> loop;
    private final LongSupplier clockNs;
    private final RareLog trouble;
    private final List<Consumer<@Nullable IOException>> waiting = new ArrayList<>();
    private DataSnapshot snapshot;
    /** Of the compacted file, by what schema and rows hold. */
    private long estimatedBytes;
    /** By how much the last compacted file was longer than that: text may be written in escapes. */
    private double estimateFactor = 1;

    private long retryNs;
    private @Nullable Compaction running;

    /** A new file being written. */
    private final class Compaction {
        final Rewrite rewrite;
        final Thread thread;
        final long estimatedBytes = DatabaseFile.this.estimatedBytes;
        final long beginNs = clockNs.getAsLong();
        final long logBytes = log.sizeBytes();
        final List<Consumer<@Nullable IOException>> askers = List.copyOf(waiting);

        Compaction(Rewrite rewrite, List<RecordWriter.Body> content) {
            this.rewrite = rewrite;
            this.thread = Thread.ofPlatform().daemon().name("ovsdb-compact").unstarted(() -> write(content));
        }

        private void write(List<RecordWriter.Body> content) {
            @Nullable IOException failure = null;
            try {
                rewrite.write(content);
            } catch (IOException e) {
                failure = e;
            } catch (RuntimeException | OutOfMemoryError e) {
                failure = new IOException("compaction: " + e, e);
            }
            IOException outcome = failure;
            try {
                loop.accept(() -> ended(this, outcome));
            } catch (RejectedExecutionException e) {
                // The database is being closed, and drops the new file.
            }
        }
    }

    private DatabaseFile(DatabaseLog log, Replay replay, Consumer<Runnable> loop, LongSupplier clockNs) {
        this.log = log;
        this.schema = replay.schema();
        this.snapshot = replay.snapshot();
        this.loop = loop;
        this.clockNs = clockNs;
        trouble = new RareLog(LOG, clockNs);
        retryNs = clockNs.getAsLong();
        estimatedBytes = schema.toJson().toString().length();
        for (String table : schema.tables().keySet()) {
            snapshot.rows(table).values().forEach(row -> estimatedBytes += FileRecords.sizeBytes(row));
        }
    }

    /**
     * Opens a file, or makes it with that schema. A file keeps the schema that it has.
     *
     * @param loop runs a task on the database's thread; may be called by any thread
     */
    static DatabaseFile open(Path file, DatabaseSchema schemaIfNew, Consumer<Runnable> loop, LongSupplier clockNs)
            throws IOException {
        Replay replay = new Replay(schemaIfNew.name(), Runtime.getRuntime().maxMemory() / 2);
        DatabaseLog log = DatabaseLog.open(file, json -> json.writeTree(schemaIfNew.toJson()), replay);
        return new DatabaseFile(log, replay, loop, clockNs);
    }

    DatabaseSchema schema() {
        return schema;
    }

    /** The rows that are on disk. */
    DataSnapshot snapshot() {
        return snapshot;
    }

    /** Puts a transaction on disk, after which the database is {@code after}; if that fails, nothing has changed. */
    void commit(Changes changes, DataSnapshot after, String comment) throws IOException {
        RecordWriter.Body record = FileRecords.ofChanges(changes, comment, System.currentTimeMillis());
        if (record != null) {
            try {
                log.append(record);
            } catch (IOException e) {
                trouble.warn("write", String.valueOf(e.getMessage()));
                throw e;
            }
            estimatedBytes += FileRecords.growthBytes(changes);
        }
        snapshot = after;
        compactIfWorthwhile();
    }

    // ---- compaction ----

    /** Begins to write the file anew if it is much longer than what it holds. */
    void compactIfWorthwhile() {
        if (running == null
                && log.sizeBytes() > COMPACT_FROM_BYTES
                && log.sizeBytes() > COMPACT_FACTOR * estimateFactor * estimatedBytes
                && clockNs.getAsLong() - retryNs >= 0) {
            begin();
        }
    }

    /**
     * Writes the file anew with nothing but what is there now; {@code done} is told once that is on disk, or why not.
     */
    void compact(Consumer<@Nullable IOException> done) {
        waiting.add(done);
        if (running == null) {
            begin(); // Otherwise after what runs, which may have begun before the asker's transactions.
        }
    }

    private void begin() {
        List<RecordWriter.Body> content = List.of(
                json -> json.writeTree(schema.toJson()), FileRecords.ofSnapshot(snapshot, System.currentTimeMillis()));
        List<Consumer<@Nullable IOException>> askers = List.copyOf(waiting);
        try {
            start(new Compaction(Rewrite.begin(log), content));
            waiting.clear();
        } catch (IOException e) {
            waiting.clear();
            failed(e, askers);
        }
    }

    /** A transaction that is on disk may be what this is called by: nothing else is thrown. */
    private void start(Compaction compaction) throws IOException {
        running = compaction;
        try {
            compaction.thread.start();
        } catch (RuntimeException | OutOfMemoryError e) { // there are no more threads
            running = null;
            compaction.rewrite.drop();
            throw new IOException("no thread for it: " + e.getMessage(), e);
        }
    }

    private void ended(Compaction compaction, @Nullable IOException failure) {
        if (running != compaction) {
            return; // Closed meanwhile.
        }
        running = null;
        @Nullable IOException outcome = failure;
        if (outcome == null) {
            try {
                compaction.rewrite.takePlace();
            } catch (IOException e) {
                outcome = e;
            }
        }
        if (outcome == null) {
            estimateFactor = Math.clamp(
                    compaction.rewrite.contentBytes() / (double) compaction.estimatedBytes, 1, MAX_ESTIMATE_FACTOR);
            LOG.info(
                    "{}: compacted from {} to {} bytes in {} ms",
                    log.file(),
                    compaction.logBytes,
                    compaction.rewrite.contentBytes(),
                    TimeUnit.NANOSECONDS.toMillis(clockNs.getAsLong() - compaction.beginNs));
            compaction.askers.forEach(asker -> asker.accept(null));
        } else {
            compaction.rewrite.drop();
            failed(outcome, compaction.askers);
        }
        if (!waiting.isEmpty()) {
            begin();
        }
    }

    /** Transactions are on disk all the same: that the file stays long is no failure of theirs. */
    private void failed(IOException failure, List<Consumer<@Nullable IOException>> askers) {
        retryNs = clockNs.getAsLong() + RETRY_NS;
        trouble.warn("compact", "cannot compact: " + failure.getMessage());
        askers.forEach(asker -> asker.accept(failure));
    }

    @Override
    public void close() throws IOException {
        Compaction compaction = running;
        if (compaction != null) {
            running = null;
            compaction.thread.interrupt();
            try {
                compaction.thread.join(PATIENCE_MS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            compaction.rewrite.drop();
            compaction.askers.forEach(asker -> asker.accept(new IOException("the database is being closed")));
        }
        log.close();
    }
}
