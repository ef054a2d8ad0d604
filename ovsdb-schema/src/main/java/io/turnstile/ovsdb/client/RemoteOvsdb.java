package io.turnstile.ovsdb.client;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.vmware.ovsdb.exception.OvsdbClientException;
import com.vmware.ovsdb.protocol.methods.MonitorRequest;
import com.vmware.ovsdb.protocol.methods.MonitorRequests;
import com.vmware.ovsdb.protocol.methods.RowUpdate;
import com.vmware.ovsdb.protocol.methods.TableUpdates;
import com.vmware.ovsdb.protocol.operation.Operation;
import com.vmware.ovsdb.protocol.operation.notation.Row;
import com.vmware.ovsdb.protocol.operation.result.ErrorResult;
import com.vmware.ovsdb.protocol.operation.result.OperationResult;
import com.vmware.ovsdb.service.OvsdbClient;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.turnstile.ovsdb.data.Atoms;
import io.turnstile.ovsdb.data.DataRow;
import io.turnstile.ovsdb.data.DataSnapshot;
import io.turnstile.ovsdb.data.DatabaseSnapshot;
import io.turnstile.ovsdb.data.Datum;
import io.turnstile.ovsdb.data.OvsdbBackend;
import io.turnstile.ovsdb.data.OvsdbException;
import io.turnstile.ovsdb.data.SnapshotPublisher;
import io.turnstile.ovsdb.data.TransactOps;
import io.turnstile.ovsdb.schema.ColumnSchema;
import io.turnstile.ovsdb.schema.DatabaseSchema;
import io.turnstile.ovsdb.schema.SchemaNotation;
import io.turnstile.ovsdb.schema.TableSchema;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A real ovsdb-server as the switch's database, through the ovsdb-java client library. Follows every column of
 * Open_vSwitch that both the server and we know; after a lost connection it tries again (1 s, doubling to 8 s) and
 * hands out a fresh snapshot.
 *
 * <p>Threads: any may call; everything of the connection runs on one thread, in the order in which the server sent it.
 */
public final class RemoteOvsdb implements OvsdbBackend {
    private static final Logger LOG = LoggerFactory.getLogger(RemoteOvsdb.class);
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String NAME = "Open_vSwitch";
    private static final long FIRST_BACKOFF_MS = 1000;
    private static final long MAX_BACKOFF_MS = 8000;
    private static final int STOP_SECONDS = 2;

    private final String target;
    private final SocketAddress address;
    private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread worker = new Thread(task, "ovsdb-client");
        worker.setDaemon(true);
        return worker;
    });

    private final EventLoopGroup loop =
            new MultiThreadIoEventLoopGroup(1, new DefaultThreadFactory("ovsdb", true), NioIoHandler.newFactory());

    // The thread's own.
    private long backoffMs = FIRST_BACKOFF_MS;
    private @Nullable ServerConnection connection;
    /** What the server and we know; all that we know while there was no server yet. */
    private DatabaseSchema schema = SchemaNotation.openVswitch();

    private DataSnapshot snapshot = DataSnapshot.empty(schema);
    private @Nullable SnapshotPublisher publisher;

    private volatile @Nullable OvsdbClient client;
    private volatile boolean closed;

    /**
     * Begins to connect.
     *
     * @param target {@code unix:PATH} or {@code tcp:IP:PORT}; anything else is an {@link IllegalArgumentException}
     */
    public RemoteOvsdb(String target) {
        this.target = target;
        this.address = parse(target);
        thread.execute(this::connect);
    }

    private static SocketAddress parse(String target) {
        if (target.startsWith("unix:")) {
            return UnixDomainSocketAddress.of(target.substring("unix:".length()));
        }
        int colon = target.lastIndexOf(':');
        if (target.startsWith("tcp:") && colon > "tcp:".length()) {
            return new InetSocketAddress(
                    target.substring("tcp:".length(), colon).replaceAll("[\\[\\]]", ""),
                    Integer.parseInt(target.substring(colon + 1)));
        }
        throw new IllegalArgumentException(target + ": unsupported database (unix:PATH or tcp:IP:PORT)");
    }

    // ---- connection ----

    private void connect() {
        if (closed) {
            return;
        }
        try {
            ServerConnection attempt = ServerConnection.connect(loop, address, thread, () -> later(this::lost));
            connection = attempt;
            readSchema(attempt, attempt.client());
        } catch (IOException | RuntimeException e) { // contained: nothing may keep it from trying again
            LOG.warn("{}: connection attempt failed ({})", target, e.getMessage());
            retry();
        }
    }

    private void fail(ServerConnection attempt, Throwable failure) {
        LOG.warn("{}: {}", target, failure.toString());
        attempt.close(); // Brings us to lost().
    }

    private void readSchema(ServerConnection attempt, OvsdbClient connected) {
        try {
            var _ = connected
                    .getSchema(NAME)
                    .whenCompleteAsync(
                            (theirs, failure) -> {
                                if (failure != null) {
                                    fail(attempt, failure);
                                    return;
                                }
                                Map<String, List<String>> columns = new HashMap<>();
                                theirs.getTables()
                                        .forEach((table, of) -> columns.put(
                                                table,
                                                List.copyOf(of.getColumns().keySet())));
                                schema = common(SchemaNotation.openVswitch(), columns);
                                follow(attempt, connected);
                            },
                            thread);
        } catch (OvsdbClientException e) {
            fail(attempt, e);
        }
    }

    /** Our schema without the tables and columns that the server does not have. */
    private static DatabaseSchema common(DatabaseSchema ours, Map<String, List<String>> theirs) {
        Map<String, TableSchema> tables = new HashMap<>();
        ours.tables().values().stream()
                .filter(table -> theirs.containsKey(table.name()))
                .forEach(table -> {
                    Map<String, ColumnSchema> columns = new LinkedHashMap<>();
                    table.columns().values().stream()
                            .filter(column ->
                                    theirs.getOrDefault(table.name(), List.of()).contains(column.name()))
                            .forEach(column -> columns.put(
                                    column.name(),
                                    new ColumnSchema(
                                            column.name(),
                                            column.key(),
                                            column.value(),
                                            column.min(),
                                            column.max(),
                                            column.ephemeral(),
                                            column.mutable(),
                                            columns.size())));
                    tables.put(
                            table.name(),
                            new TableSchema(table.name(), columns, table.root(), table.maxRows(), table.indexes()));
                });
        return new DatabaseSchema(ours.name(), ours.version(), "", tables);
    }

    private void follow(ServerConnection attempt, OvsdbClient connected) {
        Map<String, MonitorRequest> requests = new HashMap<>();
        schema.tables()
                .values()
                .forEach(table -> requests.put(
                        table.name(),
                        new MonitorRequest(new ArrayList<>(table.columns().keySet()))));
        try {
            var _ = connected
                    .monitor(NAME, "turnstile", new MonitorRequests(requests), this::apply)
                    .whenComplete(
                            (initial, failure) -> { // On the library's callback, which is our thread: keeps the order.
                                if (failure != null) {
                                    fail(attempt, failure);
                                    return;
                                }
                                LOG.info("{}: connected", target);
                                backoffMs = FIRST_BACKOFF_MS;
                                snapshot = DataSnapshot.empty(schema);
                                client = connected;
                                apply(initial);
                            });
        } catch (OvsdbClientException e) {
            fail(attempt, e);
        }
    }

    private void lost() {
        if (connection == null) {
            return;
        }
        OvsdbClient lost = client;
        client = null;
        connection = null;
        if (lost != null) {
            lost.shutdown();
            LOG.warn("{}: connection lost", target);
        }
        retry();
    }

    private void retry() {
        if (!closed) {
            var _ = thread.schedule(this::connect, backoffMs, TimeUnit.MILLISECONDS);
            backoffMs = Math.min(MAX_BACKOFF_MS, backoffMs * 2);
        }
    }

    private void later(Runnable task) {
        if (!thread.isShutdown()) {
            thread.execute(task);
        }
    }

    // ---- rows ----

    private void apply(TableUpdates updates) {
        Map<String, Map<UUID, @Nullable DataRow>> written = new HashMap<>();
        updates.getTableUpdates().forEach((table, rows) -> {
            Map<UUID, @Nullable DataRow> changed = written.computeIfAbsent(table, t -> new HashMap<>());
            rows.getRowUpdates().forEach((uuid, update) -> changed.put(uuid, row(schema.known(table), uuid, update)));
        });
        snapshot = snapshot.with(written);
        if (publisher != null) {
            publisher.publish(snapshot);
        }
    }

    private @Nullable DataRow row(TableSchema table, UUID uuid, RowUpdate update) {
        Row present = update.getNew();
        if (present == null) {
            return null;
        }
        JsonNode columns = JSON.valueToTree(present);
        Map<Integer, Datum> data = new HashMap<>();
        columns.properties().forEach(entry -> {
            ColumnSchema column = table.column(entry.getKey());
            if (column != null) {
                data.put(
                        column.index(),
                        Datum.fromJson(entry.getValue(), column, Atoms.NamedUuids.NONE, 0, ColumnSchema.UNLIMITED));
            }
        });
        return DataRow.fresh(table, uuid).with(data);
    }

    // ---- OvsdbBackend ----

    @Override
    public void follow(Consumer<DatabaseSnapshot> onChange) {
        thread.execute(() -> {
            publisher = new SnapshotPublisher(onChange);
            if (client != null) {
                publisher.publish(snapshot);
            }
        });
    }

    @Override
    public CompletableFuture<Void> update(List<ColumnUpdate> updates) {
        return CompletableFuture.supplyAsync(() -> TransactOps.updates(updates, schema), thread)
                .thenCompose(this::transact);
    }

    @Override
    public CompletableFuture<Void> ensureRoot() {
        return transact(TransactOps.ensureRoot()).exceptionally(failure -> {
            Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
            if (cause instanceof OvsdbException e && e.error().equals("timed out")) {
                return null; // There is one already.
            }
            throw new CompletionException(cause);
        });
    }

    private CompletableFuture<Void> transact(List<JsonNode> operations) {
        OvsdbClient connected = client;
        if (connected == null) {
            return CompletableFuture.failedFuture(new OvsdbException("not connected", target));
        }
        try {
            List<Operation> raw = new ArrayList<>();
            operations.forEach(operation -> raw.add(new RawOperation(operation)));
            return connected.transact(NAME, raw).thenAccept(RemoteOvsdb::check);
        } catch (OvsdbClientException e) {
            return CompletableFuture.failedFuture(new OvsdbException("not connected", String.valueOf(e.getMessage())));
        }
    }

    private static void check(OperationResult[] results) {
        for (OperationResult result : results) {
            if (result instanceof ErrorResult error) {
                throw new OvsdbException(error.getError(), error.getDetails());
            }
        }
    }

    @Override
    public boolean isConnected() {
        return client != null;
    }

    @Override
    public void close() {
        closed = true;
        thread.execute(() -> {
            if (connection != null) {
                connection.close();
            }
            if (publisher != null) {
                publisher.close();
            }
        });
        thread.shutdown();
        loop.shutdownGracefully(0, STOP_SECONDS, TimeUnit.SECONDS).awaitUninterruptibly();
    }
}
