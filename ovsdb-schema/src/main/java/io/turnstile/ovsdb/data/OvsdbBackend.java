package io.turnstile.ovsdb.data;

import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * Where the switch's configuration lives: the embedded server in this process, or a real ovsdb-server reached by the
 * client library. Both look the same from here.
 */
public interface OvsdbBackend extends AutoCloseable {

    /**
     * Starts following the Open_vSwitch database. The consumer gets a snapshot at once and after every change; changes
     * may be merged. Called on one thread of the backend's, never twice at once. While a remote server is unreachable
     * nothing is called; after reconnection a fresh snapshot is.
     */
    void follow(Consumer<DatabaseSnapshot> onChange);

    /**
     * Writes columns back in one transaction. Values are Java's: atoms as in {@link Row}, {@link java.util.Collection}
     * for sets (empty: absent), {@link Map} for maps. Rows that are gone meanwhile are passed over.
     *
     * @return completes once the transaction is durable; exceptionally with {@link OvsdbException} if it is refused
     */
    CompletableFuture<Void> update(List<ColumnUpdate> updates);

    /** Inserts one Open_vSwitch root row if there is none yet, as {@code ovs-vsctl init} does. */
    CompletableFuture<Void> ensureRoot();

    /** True while the database can be reached. */
    boolean isConnected();

    @Override
    void close();

    record ColumnUpdate(String table, UUID row, Map<String, Object> columns) {}
}
