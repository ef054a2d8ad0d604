package io.turnstile.ovsdb.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.turnstile.ovsdb.data.DataSnapshot;
import io.turnstile.ovsdb.data.OvsdbException;
import io.turnstile.ovsdb.schema.DatabaseSchema;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * One database: its present rows, its file, who follows it, and transactions that wait.
 *
 * <p>Threads: the server's event loop.
 */
final class Database implements AutoCloseable {
    /** How many past transactions monitor_cond_since can go on from. */
    private static final int HISTORY_LENGTH = 100;
    /** A client may wait as long as a 64-bit number says; it is looked at every now and then. */
    private static final long LONGEST_SLEEP_MS = 3_600_000;

    private final DatabaseSchema schema;
    /** Null for a database in memory. */
    private final @Nullable DatabaseFile file;

    private final Scheduler scheduler;
    private DataSnapshot snapshot;
    private UUID lastTransaction = UUID.randomUUID();
    private final Deque<Past> history = new ArrayDeque<>();
    private final Map<Object, Follower> followers = new LinkedHashMap<>();
    private final List<Pending> pending = new ArrayList<>();

    /** Runs a task later on the server's event loop. Any thread may call. */
    interface Scheduler {
        void after(long delayMs, Runnable task);
    }

    /** Is told of each commit. */
    interface Follower {
        void committed(UUID transaction, Map<String, Map<UUID, Monitor.RowChange>> changes);
    }

    private record Past(UUID transaction, Map<String, Map<UUID, Monitor.RowChange>> changes) {}

    /** A transaction whose wait is not met. */
    private static final class Pending {
        final List<JsonNode> operations;
        final Predicate<String> ownsLock;
        final Consumer<@Nullable ArrayNode> reply;
        final long sinceNs = System.nanoTime();
        final Object owner;
        final JsonNode id;

        Pending(
                List<JsonNode> operations,
                Predicate<String> ownsLock,
                Consumer<@Nullable ArrayNode> reply,
                Object owner,
                JsonNode id) {
            this.operations = operations;
            this.ownsLock = ownsLock;
            this.reply = reply;
            this.owner = owner;
            this.id = id;
        }

        long elapsedMs() {
            return (System.nanoTime() - sinceNs) / 1_000_000;
        }
    }

    private Database(DatabaseSchema schema, @Nullable DatabaseFile file, DataSnapshot snapshot, Scheduler scheduler) {
        this.schema = schema;
        this.file = file;
        this.snapshot = snapshot;
        this.scheduler = scheduler;
    }

    /** A database that lives in memory only. */
    static Database inMemory(DatabaseSchema schema, Scheduler scheduler) {
        return new Database(schema, null, DataSnapshot.empty(schema), scheduler);
    }

    /** Opens a file, or makes it with that schema. A file keeps the schema that it has. */
    static Database open(Path path, DatabaseSchema schemaIfNew, Scheduler scheduler) throws IOException {
        DatabaseFile file = DatabaseFile.open(path, schemaIfNew, task -> scheduler.after(0, task), System::nanoTime);
        file.compactIfWorthwhile();
        return new Database(file.schema(), file, file.snapshot(), scheduler);
    }

    DatabaseSchema schema() {
        return schema;
    }

    DataSnapshot snapshot() {
        return snapshot;
    }

    UUID lastTransaction() {
        return lastTransaction;
    }

    // ---- transactions ----

    /**
     * Runs a transaction; the reply comes at once, or when its wait is met or over.
     *
     * @param owner whose transaction it is, and {@code id} which of his, for {@link #cancel}
     * @param reply takes the replies; null if the transaction is cancelled
     */
    void transact(
            List<JsonNode> operations,
            Predicate<String> ownsLock,
            Object owner,
            JsonNode id,
            Consumer<@Nullable ArrayNode> reply) {
        attempt(new Pending(operations, ownsLock, reply, owner, id));
    }

    /**
     * The server's own rows, which clients may not write. {@link IllegalArgumentException} if they break the schema.
     */
    void fill(List<JsonNode> operations) throws IOException {
        if (!(Transaction.run(snapshot, operations, lock -> false, 0, false) instanceof Transaction.Done done)
                || done.changes() == null) {
            throw new IllegalArgumentException("refused by the schema: " + operations);
        }
        commit(done.changes(), done.comment());
    }

    /** True if that request of the owner's still waits. */
    boolean isPending(Object owner, JsonNode id) {
        return pending.stream().anyMatch(request -> request.owner.equals(owner) && request.id.equals(id));
    }

    private void attempt(Pending request) {
        boolean reserved = schema.name().startsWith("_");
        switch (Transaction.run(snapshot, request.operations, request.ownsLock, request.elapsedMs(), reserved)) {
            case Transaction.Blocked blocked -> {
                pending.add(request);
                if (blocked.untilMs() >= 0) {
                    long restMs = Math.clamp(blocked.untilMs() - request.elapsedMs(), 0, LONGEST_SLEEP_MS);
                    scheduler.after(restMs + 1, () -> retry(request));
                }
            }
            case Transaction.Done done -> {
                ArrayNode replies = done.replies();
                if (done.changes() != null) {
                    try {
                        commit(done.changes(), done.comment());
                    } catch (IOException e) {
                        replies.add(ioError(e));
                    }
                }
                request.reply.accept(replies);
                if (done.changes() != null && !done.changes().isEmpty()) {
                    retryAll();
                }
            }
        }
    }

    /** What ovsdb-server answers if a transaction does not get to disk; the file has logged it. */
    private static ObjectNode ioError(IOException failure) {
        return failure instanceof FileTrouble trouble
                ? Transaction.error(new OvsdbException("I/O error", trouble.what()))
                        .put("io-error", trouble.reason())
                : Transaction.error(new OvsdbException("I/O error", String.valueOf(failure.getMessage())));
    }

    private void retry(Pending request) {
        if (pending.remove(request)) {
            attempt(request);
        }
    }

    private void retryAll() {
        List.copyOf(pending).forEach(this::retry);
    }

    /**
     * Gives up a waiting transaction (RFC 7047 §4.1.4); its reply is the error "canceled". Null id: all of the owner's,
     * unanswered.
     */
    void cancel(Object owner, @Nullable JsonNode id) {
        for (Pending request : List.copyOf(pending)) {
            if (request.owner.equals(owner) && (id == null || request.id.equals(id))) {
                pending.remove(request);
                if (id != null) {
                    request.reply.accept(null);
                }
            }
        }
    }

    private void commit(Changes changes, String comment) throws IOException {
        if (changes.isEmpty()) {
            return;
        }
        DataSnapshot after = changes.after();
        if (file != null) {
            file.commit(changes, after, comment);
        }
        snapshot = after;
        lastTransaction = UUID.randomUUID();
        Past past = new Past(lastTransaction, rowChanges(changes));
        history.addLast(past);
        if (history.size() > HISTORY_LENGTH) {
            history.removeFirst();
        }
        for (Follower follower : List.copyOf(followers.values())) {
            follower.committed(lastTransaction, past.changes);
        }
    }

    private static Map<String, Map<UUID, Monitor.RowChange>> rowChanges(Changes changes) {
        Map<String, Map<UUID, Monitor.RowChange>> all = new HashMap<>();
        changes.written().forEach((table, rows) -> {
            Map<UUID, Monitor.RowChange> byRow = new HashMap<>();
            rows.forEach((uuid, row) -> byRow.put(
                    uuid, new Monitor.RowChange(changes.before().rows(table).get(uuid), row)));
            all.put(table, byRow);
        });
        return all;
    }

    /** Writes the file anew with nothing but what is there now; {@code done} is told of the outcome. */
    void compact(Consumer<@Nullable IOException> done) {
        if (file == null) {
            done.accept(null);
        } else {
            file.compact(done);
        }
    }

    // ---- followers ----

    void follow(Object key, Follower follower) {
        followers.put(key, follower);
    }

    boolean unfollow(Object key) {
        return followers.remove(key) != null;
    }

    boolean isFollowed(Object key) {
        return followers.containsKey(key);
    }

    /**
     * Everything since a transaction, row by row: what it was then and what it is now.
     *
     * @return null if the transaction is not remembered
     */
    @Nullable
    Map<String, Map<UUID, Monitor.RowChange>> changesSince(UUID transaction) {
        if (transaction.equals(lastTransaction)) {
            return Map.of();
        }
        boolean found = false;
        Map<String, Map<UUID, Monitor.RowChange>> all = new HashMap<>();
        for (Past past : history) {
            if (found) {
                past.changes.forEach((table, rows) -> rows.forEach((uuid, change) -> all.computeIfAbsent(
                                table, t -> new HashMap<>())
                        .merge(uuid, change, (first, last) -> new Monitor.RowChange(first.before(), last.after()))));
            }
            found |= past.transaction.equals(transaction);
        }
        return found ? all : null;
    }

    @Override
    public void close() throws IOException {
        if (file != null) {
            file.close();
        }
    }
}
