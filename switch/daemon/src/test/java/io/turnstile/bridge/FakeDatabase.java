package io.turnstile.bridge;

import io.turnstile.ovsdb.data.DataRow;
import io.turnstile.ovsdb.data.DataSnapshot;
import io.turnstile.ovsdb.data.DatabaseSnapshot;
import io.turnstile.ovsdb.data.Datum;
import io.turnstile.ovsdb.data.OvsdbBackend;
import io.turnstile.ovsdb.data.OvsdbException;
import io.turnstile.ovsdb.data.Row;
import io.turnstile.ovsdb.schema.DatabaseSchema;
import io.turnstile.ovsdb.schema.SchemaNotation;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Predicate;

/** The Open_vSwitch database in memory, written to as ovs-vsctl would: every change raises {@code next_cfg}. */
final class FakeDatabase implements OvsdbBackend {
    private static final long PATIENCE_SECONDS = 20;

    private final DatabaseSchema schema = SchemaNotation.openVswitch();
    private final ExecutorService follower = Executors.newSingleThreadExecutor();
    private final List<Predicate<DatabaseSnapshot>> refusals = new ArrayList<>();
    private DataSnapshot content = DataSnapshot.empty(schema);
    private Consumer<DatabaseSnapshot> onChange = snapshot -> {};

    FakeDatabase() {
        insert("Open_vSwitch", Map.of());
    }

    // ---- as the user ----

    /** Adds a bridge with its own port, as {@code ovs-vsctl add-br} does. */
    synchronized UUID addBridge(String name, Map<String, Object> columns) {
        Map<String, Object> all = new HashMap<>(Map.of("name", name, "datapath_type", "netdev"));
        all.putAll(columns);
        UUID bridge = insert("Bridge", all);
        addReference("Open_vSwitch", rootUuid(), "bridges", bridge);
        addPort(name, name, Map.of("type", "internal"));
        return bridge;
    }

    /** Makes a Port with one Interface, whose row it returns. */
    synchronized UUID addPort(String bridge, String name, Map<String, Object> interfaceColumns) {
        Map<String, Object> all = new HashMap<>(Map.of("name", name));
        all.putAll(interfaceColumns);
        UUID made = insert("Interface", all);
        addPortOf(bridge, name, List.of(made));
        return made;
    }

    /** Makes a Port of interfaces that are there, and returns its row. */
    synchronized UUID addPortOf(String bridge, String name, List<UUID> interfaces) {
        UUID port = insert("Port", Map.of("name", name, "interfaces", interfaces));
        addReference("Bridge", find("Bridge", bridge), "ports", port);
        return port;
    }

    /** Deletes a Port and leaves its interfaces. */
    synchronized void deletePortOnly(String bridge, String name) {
        removeReference("Bridge", find("Bridge", bridge), "ports", find("Port", name));
        delete("Port", find("Port", name));
    }

    synchronized void deletePort(String bridge, String name) {
        deletePortOnly(bridge, name);
        delete("Interface", find("Interface", name));
    }

    synchronized void deleteBridge(String name) {
        removeReference("Open_vSwitch", rootUuid(), "bridges", find("Bridge", name));
        delete("Bridge", find("Bridge", name));
    }

    synchronized UUID insert(String table, Map<String, Object> columns) {
        UUID uuid = UUID.randomUUID();
        put(table, DataRow.fresh(schema.table(table), uuid));
        set(table, uuid, columns);
        return uuid;
    }

    synchronized void set(String table, UUID uuid, Map<String, Object> columns) {
        put(table, changed(content.rows(table).get(uuid), columns));
    }

    /** Tells the follower and waits until {@code cur_cfg} has come up with {@code next_cfg}. */
    void commit() throws Exception {
        long next;
        synchronized (this) {
            next = root().integer("next_cfg").orElse(0L) + 1;
            set("Open_vSwitch", rootUuid(), Map.of("next_cfg", next));
        }
        publish();
        await("cur_cfg " + next, () -> root().integer("cur_cfg").orElse(0L) >= next);
    }

    /** Who follows is told of what was set when this returns; what comes of it is not waited for. */
    void announce() throws Exception {
        publish();
        follower.submit(() -> {}).get();
    }

    // ---- as the reader ----

    synchronized Row root() {
        return content.row("Open_vSwitch", rootUuid());
    }

    synchronized Row named(String table, String name) {
        return content.row(table, find(table, name));
    }

    synchronized Row row(String table, UUID uuid) {
        return content.row(table, uuid);
    }

    synchronized UUID rootUuid() {
        return content.rows("Open_vSwitch").keySet().iterator().next();
    }

    /** Waits, woken by each change, until {@code condition} holds. */
    synchronized void await(String what, java.util.function.BooleanSupplier condition) throws Exception {
        long endNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (!condition.getAsBoolean()) {
            long leftMs = TimeUnit.NANOSECONDS.toMillis(endNs - System.nanoTime());
            if (leftMs <= 0) {
                throw new TimeoutException("waited in vain for " + what);
            }
            wait(leftMs);
        }
    }

    /** From now on an update that would lead to such a snapshot is refused. */
    synchronized void refuse(Predicate<DatabaseSnapshot> refused) {
        refusals.add(refused);
    }

    // ---- as the backend ----

    @Override
    public synchronized void follow(Consumer<DatabaseSnapshot> consumer) {
        onChange = consumer;
        publish();
    }

    @Override
    public synchronized CompletableFuture<Void> update(List<ColumnUpdate> updates) {
        DataSnapshot before = content;
        for (ColumnUpdate update : updates) {
            if (content.rows(update.table()).containsKey(update.row())) {
                set(update.table(), update.row(), update.columns());
            }
        }
        if (refusals.stream().anyMatch(refusal -> refusal.test(content))) {
            content = before;
            return CompletableFuture.failedFuture(new OvsdbException("constraint violation", "refused by the test"));
        }
        publish();
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public CompletableFuture<Void> ensureRoot() {
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public boolean isConnected() {
        return true;
    }

    @Override
    public void close() {
        follower.shutdownNow();
    }

    private synchronized void publish() {
        DataSnapshot now = content;
        Consumer<DatabaseSnapshot> told = onChange;
        notifyAll();
        follower.execute(() -> told.accept(now));
    }

    // ---- rows ----

    private DataRow changed(DataRow row, Map<String, Object> columns) {
        Map<Integer, Datum> data = new HashMap<>();
        columns.forEach(
                (column, value) -> data.put(row.schema().columns().get(column).index(), Datum.ofJava(value)));
        return row.with(data);
    }

    private void put(String table, DataRow row) {
        content = content.with(Map.of(table, Map.of(row.uuid(), row)));
    }

    private void delete(String table, UUID uuid) {
        Map<UUID, DataRow> gone = new HashMap<>();
        gone.put(uuid, null);
        content = content.with(Map.of(table, gone));
    }

    private UUID find(String table, String name) {
        return content.rows(table).values().stream()
                .filter(row -> row.string("name").orElse("").equals(name))
                .map(DataRow::uuid)
                .findFirst()
                .orElseThrow(() -> new AssertionError("no " + table + " " + name));
    }

    private void addReference(String table, UUID row, String column, UUID target) {
        Set<Object> references = new LinkedHashSet<>(content.row(table, row).set(column));
        references.add(target);
        set(table, row, Map.of(column, references));
    }

    private void removeReference(String table, UUID row, String column, UUID target) {
        Set<Object> references = new LinkedHashSet<>(content.row(table, row).set(column));
        references.remove(target);
        set(table, row, Map.of(column, references));
    }
}
