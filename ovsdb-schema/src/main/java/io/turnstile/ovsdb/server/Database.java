package io.turnstile.ovsdb.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.turnstile.ovsdb.data.DataRow;
import io.turnstile.ovsdb.data.DataSnapshot;
import io.turnstile.ovsdb.data.OvsdbException;
import io.turnstile.ovsdb.schema.DatabaseSchema;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
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
    private final JsonNode schemaJson;
    /** Null for a database in memory. */
    private final @Nullable DatabaseFile file;

    private final Scheduler scheduler;
    private DataSnapshot snapshot;
    private UUID lastTransaction = UUID.randomUUID();
    private final Deque<Past> history = new ArrayDeque<>();
    private final Map<Object, Follower> followers = new LinkedHashMap<>();
    private final List<Pending> pending = new ArrayList<>();
    private ServerLimits limits = ServerLimits.ofThisProcess();
    private long historyBytes;
    private boolean retrying;
    /** Since those that wait were tried last. */
    private final Set<String> changedTables = new HashSet<>();

    private final long startNs = System.nanoTime();
    /** When {@link #scheduler} will have the deadlines looked at, in milliseconds since the start. */
    private final TreeSet<Long> wakeUpsMs = new TreeSet<>();

    /** Runs a task later on the server's event loop. Any thread may call. */
    interface Scheduler {
        void after(long delayMs, Runnable task);
    }

    /** Is told of each commit. */
    interface Follower {
        void committed(UUID transaction, Map<String, Map<UUID, Monitor.RowChange>> changes);
    }

    private record Past(UUID transaction, Map<String, Map<UUID, Monitor.RowChange>> changes, long sizeBytes) {}

    /** A transaction whose wait is not met. */
    private static final class Pending {
        final List<JsonNode> operations;
        final Predicate<String> ownsLock;
        final Reply reply;
        final long sinceNs = System.nanoTime();
        final Object owner;
        final JsonNode id;
        final long maxBytes;
        /** Those that the operations name: nothing else can make a difference to them. */
        private final Set<String> tables = new HashSet<>();
        /** Since the request came; -1: it waits for ever. */
        long untilMs = -1;

        Pending(
                List<JsonNode> operations,
                Predicate<String> ownsLock,
                Reply reply,
                Object owner,
                JsonNode id,
                long maxBytes) {
            this.operations = operations;
            this.ownsLock = ownsLock;
            this.reply = reply;
            this.owner = owner;
            this.id = id;
            this.maxBytes = maxBytes;
        }

        void block(long untilMs) {
            this.untilMs = untilMs;
            if (tables.isEmpty()) {
                operations.forEach(
                        operation -> tables.add(operation.path("table").asText()));
            }
        }

        boolean looksAt(Set<String> changedTables) {
            return !Collections.disjoint(tables, changedTables);
        }

        long elapsedMs() {
            return (System.nanoTime() - sinceNs) / 1_000_000;
        }

        boolean isOver() {
            return untilMs >= 0 && elapsedMs() >= untilMs;
        }

        long restMs() {
            return untilMs < 0 ? Long.MAX_VALUE : Math.max(0, untilMs - elapsedMs());
        }
    }

    /** Takes what a transaction is answered. */
    interface Reply {
        /**
         * The answer is there.
         *
         * @param replies null if the transaction is cancelled; may hold an {@link Unfolding}
         * @param rows of which it unfolds
         */
        void accept(@Nullable ArrayNode replies, RowsHeld rows);
    }

    private Database(DatabaseSchema schema, @Nullable DatabaseFile file, DataSnapshot snapshot, Scheduler scheduler) {
        this.schema = schema;
        this.schemaJson = schema.toJson();
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

    /** Other limits than those of this process. */
    void limitTo(ServerLimits limits) {
        this.limits = limits;
    }

    DatabaseSchema schema() {
        return schema;
    }

    /** The schema for clients: one tree for all of them, not to be changed. */
    JsonNode schemaJson() {
        return schemaJson;
    }

    /** True if the row stands in the database as it is. */
    boolean holds(DataRow row) {
        DataRow present = snapshot.rows(row.schema().name()).get(row.uuid());
        return present != null && present.version().equals(row.version());
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
        transactUnfolding(operations, ownsLock, owner, id, (replies, rows) -> reply.accept(replies));
    }

    /** As above, for answers that are written row by row. */
    void transactUnfolding(
            List<JsonNode> operations, Predicate<String> ownsLock, Object owner, JsonNode id, Reply reply) {
        attempt(new Pending(operations, ownsLock, reply, owner, id, limits.databaseBytes()));
    }

    /** A transaction of the switch's own, which has to say what it does however full clients made the database. */
    void transactUnlimited(List<JsonNode> operations, Object owner, Consumer<@Nullable ArrayNode> reply) {
        attempt(new Pending(
                operations,
                lock -> false,
                (replies, rows) -> reply.accept(replies),
                owner,
                NullNode.instance,
                Long.MAX_VALUE));
    }

    /**
     * The server's own rows, which clients may not write. {@link IllegalArgumentException} if they break the schema.
     */
    void fill(List<JsonNode> operations) throws IOException {
        if (!(Transaction.run(snapshot, operations, lock -> false, 0, false, Long.MAX_VALUE, 0)
                        instanceof Transaction.Done done)
                || done.changes() == null) {
            throw new IllegalArgumentException("refused by the schema: " + operations);
        }
        commit(done.changes(), done.comment());
    }

    /** True if that request of the owner's still waits. */
    boolean isPending(Object owner, JsonNode id) {
        return pending.stream().anyMatch(request -> request.owner.equals(owner) && request.id.equals(id));
    }

    /** How many transactions wait. */
    int waiting() {
        return pending.size();
    }

    private void attempt(Pending request) {
        boolean reserved = schema.name().startsWith("_");
        switch (Transaction.run(
                snapshot,
                request.operations,
                request.ownsLock,
                request.elapsedMs(),
                reserved,
                request.maxBytes,
                limits.replyRows())) {
            case Transaction.Blocked blocked -> {
                request.block(blocked.untilMs());
                pending.add(request);
                wakeUpFor(request);
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
                request.reply.accept(replies, done.rows());
                if (done.changes() != null && !done.changes().isEmpty()) {
                    retryAfter(done.changes().written().keySet());
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

    /** Tries what waits for a table that has changed, until nothing of it changes anything any more. */
    private void retryAfter(Set<String> tables) {
        changedTables.addAll(tables);
        if (retrying) {
            return; // One of those that are tried has changed something.
        }
        retrying = true;
        try {
            while (!changedTables.isEmpty()) {
                Set<String> changed = Set.copyOf(changedTables);
                changedTables.clear();
                pending.stream()
                        .filter(request -> request.looksAt(changed))
                        .toList()
                        .forEach(this::retry);
            }
        } finally {
            retrying = false;
        }
    }

    /**
     * Has the deadlines looked at in time. Sleeps are powers of two, and one is begun only if it ends before all that
     * are under way: no two of those are of one length then, so there are a score of them at most, whatever clients ask
     * for and cancel.
     */
    private void wakeUpFor(Pending request) {
        if (request.untilMs < 0) {
            return;
        }
        long sleepMs = Long.highestOneBit(Math.clamp(request.restMs(), 1, LONGEST_SLEEP_MS));
        long atMs = (System.nanoTime() - startNs) / 1_000_000 + sleepMs;
        if (wakeUpsMs.isEmpty() || atMs < wakeUpsMs.first()) {
            wakeUpsMs.add(atMs);
            scheduler.after(sleepMs, () -> wakeUp(atMs));
        }
    }

    private void wakeUp(long atMs) {
        wakeUpsMs.remove(atMs);
        List.copyOf(pending).stream().filter(Pending::isOver).forEach(this::retry);
        pending.stream().min(Comparator.comparingLong(Pending::restMs)).ifPresent(this::wakeUpFor);
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
                    request.reply.accept(null, RowsHeld.NONE);
                }
            }
        }
    }

    /** Gives up a waiting transaction, unanswered. */
    void forget(Object owner, JsonNode id) {
        pending.removeIf(request -> request.owner.equals(owner) && request.id.equals(id));
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
        Map<String, Map<UUID, Monitor.RowChange>> rowChanges = rowChanges(changes);
        RowsHeld held = RowsHeld.of(rowChanges);
        Past past = new Past(lastTransaction, rowChanges, held.rowBytes() + held.placeBytes());
        remember(past);
        for (Follower follower : List.copyOf(followers.values())) {
            follower.committed(lastTransaction, past.changes);
        }
    }

    private void remember(Past past) {
        history.addLast(past);
        historyBytes += past.sizeBytes;
        while (history.size() > HISTORY_LENGTH || historyBytes > limits.historyBytes()) {
            historyBytes -= history.removeFirst().sizeBytes;
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

    int followers() {
        return followers.size();
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
