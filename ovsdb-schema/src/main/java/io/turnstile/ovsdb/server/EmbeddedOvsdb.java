package io.turnstile.ovsdb.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.netty.channel.Channel;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.turnstile.ovsdb.data.DatabaseSnapshot;
import io.turnstile.ovsdb.data.OvsdbBackend;
import io.turnstile.ovsdb.data.OvsdbException;
import io.turnstile.ovsdb.data.Row;
import io.turnstile.ovsdb.data.SnapshotPublisher;
import io.turnstile.ovsdb.data.TransactOps;
import io.turnstile.ovsdb.schema.SchemaNotation;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import javax.net.ssl.SSLEngine;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The OVSDB server inside this process: the Open_vSwitch database in a file (or in memory), served on sockets to
 * ovs-vsctl and ovsdb-client, and followed by the switch itself without a socket.
 *
 * <p>Threads: any may call; everything runs on one event loop.
 */
public final class EmbeddedOvsdb implements OvsdbBackend {
    private static final Logger LOG = LoggerFactory.getLogger(EmbeddedOvsdb.class);
    private static final String NAME = "Open_vSwitch";
    private static final int STOP_SECONDS = 5;

    private final EventLoopGroup loop =
            new MultiThreadIoEventLoopGroup(1, new DefaultThreadFactory("ovsdb", true), NioIoHandler.newFactory());
    private final Map<String, Database> databases = new LinkedHashMap<>();
    private final Database database;
    private final Locks locks = new Locks();
    private final UUID serverId = UUID.randomUUID();
    private final OvsdbListener listener;
    private final Map<String, Channel> remotes = new HashMap<>();
    private final List<SnapshotPublisher> publishers = new ArrayList<>();
    private final Object self = new Object();

    /**
     * Opens (or makes) the database file and listens.
     *
     * @param databaseFile null for a database in memory
     * @param remotes {@code punix:PATH}, {@code ptcp:[PORT][:IP]}, {@code pssl:[PORT][:IP]}
     * @param tls makes what encrypts a connection that is accepted; throws, with words for people, while that cannot be
     * @throws UncheckedIOException if the file or a socket cannot be had; the message is for people
     */
    public EmbeddedOvsdb(@Nullable Path databaseFile, List<String> remotes, Callable<SSLEngine> tls) {
        this(databaseFile, remotes, tls, ServerLimits.ofThisProcess());
    }

    /** The same without encryption. */
    public EmbeddedOvsdb(@Nullable Path databaseFile, List<String> remotes) {
        this(databaseFile, remotes, ServerLimits.ofThisProcess());
    }

    EmbeddedOvsdb(@Nullable Path databaseFile, List<String> remotes, ServerLimits limits) {
        this(
                databaseFile,
                remotes,
                () -> {
                    throw new IOException("SSL is not configured");
                },
                limits);
    }

    private EmbeddedOvsdb(
            @Nullable Path databaseFile, List<String> remotes, Callable<SSLEngine> tls, ServerLimits limits) {
        listener = new OvsdbListener(
                loop,
                limits,
                tls,
                peer -> new OvsdbSession(databases, locks, serverId, limits, peer),
                row -> databases.values().stream().anyMatch(database -> database.holds(row)),
                this::probeIntervalMs);
        Database.Scheduler scheduler = (delayMs, task) -> {
            var _ = loop.schedule(task, delayMs, TimeUnit.MILLISECONDS);
        };
        try {
            database = databaseFile == null
                    ? Database.inMemory(SchemaNotation.openVswitch(), scheduler)
                    : Database.open(databaseFile, SchemaNotation.openVswitch(), scheduler);
            Database server = Database.inMemory(SchemaNotation.server(), scheduler);
            database.limitTo(limits);
            databases.put(NAME, database);
            databases.put("_Server", server);
            onLoop(() -> {
                describeDatabases(server);
                return null;
            });
            for (String remote : remotes) {
                addRemote(remote);
            }
        } catch (IOException e) {
            close();
            throw new UncheckedIOException(e);
        }
    }

    /** What ovsdb-server(5) says of each database in {@code _Server}. */
    private void describeDatabases(Database server) throws IOException {
        List<JsonNode> inserts = new ArrayList<>();
        databases.forEach((name, database) -> {
            ObjectNode insert =
                    JsonNodeFactory.instance.objectNode().put("op", "insert").put("table", "Database");
            insert.putObject("row")
                    .put("name", name)
                    .put("connected", true)
                    .put("leader", true)
                    .put("model", "standalone")
                    .put("schema", schemaText(database));
            inserts.add(insert);
        });
        server.fill(inserts);
    }

    private static String schemaText(Database database) {
        try {
            return new ObjectMapper().writeValueAsString(database.schema().toJson());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    // ---- sockets ----

    /** The inactivity_probe of the Manager that names this remote; -1 if there is none. */
    private long probeIntervalMs(String remote) {
        for (Row manager : database.snapshot().table("Manager").values()) {
            if (manager.has("inactivity_probe")
                    && manager.string("target").orElse("").equals(remote)) {
                return manager.integer("inactivity_probe").orElse(-1L);
            }
        }
        return -1;
    }

    /** Listens on one more socket; listening twice on one is once. {@link IOException} says what is wrong. */
    public void addRemote(String remote) throws IOException {
        synchronized (remotes) {
            if (!remotes.containsKey(remote)) {
                remotes.put(remote, listener.listen(remote));
                LOG.info("{}: listening", RareLog.printable(remote)); // It may be a client's row that names it.
            }
        }
    }

    public void removeRemote(String remote) {
        synchronized (remotes) {
            Channel channel = remotes.remove(remote);
            if (channel != null) {
                channel.close().awaitUninterruptibly();
                deleteSocketFile(remote);
            }
        }
    }

    private static void deleteSocketFile(String remote) {
        if (remote.startsWith("punix:")) {
            try {
                RemoteSocketFile.remove(Path.of(remote.substring("punix:".length())));
            } catch (IOException e) {
                LOG.warn("{}: cannot remove: {}", RareLog.printable(remote), RareLog.printable("" + e.getMessage()));
            }
        }
    }

    // ---- OvsdbBackend ----

    @Override
    public void follow(Consumer<DatabaseSnapshot> onChange) {
        SnapshotPublisher publisher = new SnapshotPublisher(onChange);
        loop.execute(() -> {
            publishers.add(publisher);
            database.follow(publisher, (transaction, changes) -> publisher.publish(database.snapshot()));
            publisher.publish(database.snapshot());
        });
    }

    @Override
    public CompletableFuture<Void> update(List<ColumnUpdate> updates) {
        return transact(TransactOps.updates(updates, database.schema()));
    }

    @Override
    public CompletableFuture<Void> ensureRoot() {
        return transact(TransactOps.ensureRoot()).exceptionally(failure -> {
            if (failure.getCause() instanceof OvsdbException e && e.error().equals("timed out")
                    || failure instanceof OvsdbException direct
                            && direct.error().equals("timed out")) {
                return null; // There is one already.
            }
            throw new CompletionException(failure);
        });
    }

    /** Runs RFC 7047 operations on the Open_vSwitch database, as a client would. */
    public CompletableFuture<Void> transact(List<JsonNode> operations) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        loop.execute(() -> database.transactUnlimited(operations, self, replies -> {
            for (JsonNode reply : replies) {
                if (reply.has("error")) {
                    done.completeExceptionally(new OvsdbException(
                            reply.get("error").asText(), reply.path("details").asText()));
                    return;
                }
            }
            done.complete(null);
        }));
        return done;
    }

    /**
     * Writes the database file anew ({@code ovsdb-server/compact}): done once what was there when it was asked for is
     * on disk in the new file, or failed with an {@link IOException} whose message is for people.
     */
    public CompletableFuture<Void> compact() {
        CompletableFuture<Void> done = new CompletableFuture<>();
        loop.execute(() -> database.compact(failure -> {
            if (failure == null) {
                done.complete(null);
            } else {
                done.completeExceptionally(failure);
            }
        }));
        return done;
    }

    private <T> T onLoop(Callable<T> body) throws IOException {
        try {
            return loop.submit(body).get();
        } catch (ExecutionException e) {
            throw e.getCause() instanceof IOException cause ? cause : new IOException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    @Override
    public boolean isConnected() {
        return true;
    }

    @Override
    public void close() {
        synchronized (remotes) {
            Set.copyOf(remotes.keySet()).forEach(this::removeRemote);
        }
        listener.close();
        try {
            onLoop(() -> {
                publishers.forEach(SnapshotPublisher::close);
                for (Database database : databases.values()) {
                    database.close();
                }
                return null;
            });
        } catch (IOException e) {
            LOG.warn("closing the database: {}", e.getMessage());
        }
        loop.shutdownGracefully(0, STOP_SECONDS, TimeUnit.SECONDS).awaitUninterruptibly();
    }
}
