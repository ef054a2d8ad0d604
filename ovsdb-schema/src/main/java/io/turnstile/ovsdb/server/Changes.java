package io.turnstile.ovsdb.server;

import io.turnstile.ovsdb.data.DataRow;
import io.turnstile.ovsdb.data.DataSnapshot;
import io.turnstile.ovsdb.data.OvsdbException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What a transaction has made of the database so far: rows written over a snapshot, null for deleted ones.
 *
 * <p>Belongs to one transaction; read-only after the commit.
 */
final class Changes {
    private final DataSnapshot before;
    private final Map<String, Map<UUID, @Nullable DataRow>> written = new LinkedHashMap<>();

    private final long maxBytes;
    private long sizeBytes;

    /**
     * Changes to a snapshot, none yet.
     *
     * @param maxBytes what the database may grow to
     */
    Changes(DataSnapshot before, long maxBytes) {
        this.before = before;
        this.maxBytes = maxBytes;
        this.sizeBytes = before.sizeBytes();
    }

    DataSnapshot before() {
        return before;
    }

    /** The row as it stands now, null if there is none. */
    @Nullable
    DataRow row(String table, UUID uuid) {
        Map<UUID, @Nullable DataRow> rows = written.get(table);
        return rows != null && rows.containsKey(uuid)
                ? rows.get(uuid)
                : before.rows(table).get(uuid);
    }

    /** True if the transaction wrote or deleted the row. */
    boolean isWritten(String table, UUID uuid) {
        return written.getOrDefault(table, Map.of()).containsKey(uuid);
    }

    /** Writes a row; {@link OvsdbException} if the database would grow too large with it. */
    void put(DataRow row) {
        DataRow old = row(row.schema().name(), row.uuid());
        long growthBytes = row.sizeBytes() - (old == null ? 0 : old.sizeBytes());
        if (growthBytes > 0 && sizeBytes + growthBytes > maxBytes) {
            throw new OvsdbException(
                    "resources exhausted",
                    "The database would take more than %d MiB of memory.".formatted(maxBytes >> 20));
        }
        sizeBytes += growthBytes;
        written.computeIfAbsent(row.schema().name(), t -> new LinkedHashMap<>()).put(row.uuid(), row);
    }

    void delete(DataRow row) {
        DataRow old = row(row.schema().name(), row.uuid());
        sizeBytes -= old == null ? 0 : old.sizeBytes();
        written.computeIfAbsent(row.schema().name(), t -> new LinkedHashMap<>()).put(row.uuid(), null);
    }

    /** Every row as it stands now. The table may be written meanwhile. */
    void forEach(String table, Consumer<DataRow> visitor) {
        Map<UUID, @Nullable DataRow> here = written.get(table);
        if (here == null) {
            before.rows(table).values().forEach(visitor);
            return;
        }
        Map<UUID, @Nullable DataRow> changed = new HashMap<>(here);
        before.rows(table).forEach((uuid, row) -> {
            if (!changed.containsKey(uuid)) {
                visitor.accept(row);
            }
        });
        changed.values().forEach(row -> {
            if (row != null) {
                visitor.accept(row);
            }
        });
    }

    int count(String table) {
        int[] count = {0};
        forEach(table, row -> count[0]++);
        return count[0];
    }

    Map<String, Map<UUID, @Nullable DataRow>> written() {
        return written;
    }

    /** Drops what ended as it began, so that nobody is told of it. */
    void dropUnchanged() {
        written.forEach((table, rows) -> rows.entrySet().removeIf(entry -> {
            DataRow old = before.rows(table).get(entry.getKey());
            DataRow row = entry.getValue();
            return old == null ? row == null : row != null && row.sameData(old);
        }));
        written.values().removeIf(Map::isEmpty);
    }

    boolean isEmpty() {
        return written.isEmpty();
    }

    DataSnapshot after() {
        return before.with(written);
    }
}
