package io.turnstile.ovsdb.data;

import com.fasterxml.jackson.databind.JsonNode;
import io.turnstile.ovsdb.schema.ColumnSchema;
import io.turnstile.ovsdb.schema.TableSchema;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/**
 * A {@link Row} of a known table: one {@link Datum} a column.
 *
 * <p>Immutable: a change makes a new row with a new version.
 */
public final class DataRow implements Row {
    /** The two columns that every table has (RFC 7047 §3.2). */
    public static final String UUID_COLUMN = "_uuid";

    public static final String VERSION_COLUMN = "_version";

    private final TableSchema schema;
    private final UUID uuid;
    private final UUID version;
    /** What a row takes beside its values: itself, its two UUIDs, its place in a table. */
    private static final int ROW_BYTES = 200;

    private final Datum[] data;
    private final long sizeBytes;

    private DataRow(TableSchema schema, UUID uuid, UUID version, Datum[] data, long sizeBytes) {
        this.schema = schema;
        this.uuid = uuid;
        this.version = version;
        this.data = data;
        this.sizeBytes = sizeBytes;
    }

    /** A row with every column at its default. */
    public static DataRow fresh(TableSchema schema, UUID uuid) {
        Datum[] data = schema.columns().values().stream().map(Datum::defaultOf).toArray(Datum[]::new);
        return new DataRow(schema, uuid, UUID.randomUUID(), data, ROW_BYTES + sizeBytes(data));
    }

    private static long sizeBytes(Datum[] data) {
        long sizeBytes = (long) data.length * Integer.BYTES;
        for (Datum datum : data) {
            sizeBytes += datum.sizeBytes();
        }
        return sizeBytes;
    }

    /** This row with some columns replaced; columns are named by {@link ColumnSchema#index}. */
    public DataRow with(Map<Integer, Datum> changes) {
        Datum[] changed = data.clone();
        long changedBytes = sizeBytes;
        for (Map.Entry<Integer, Datum> change : changes.entrySet()) {
            changedBytes += change.getValue().sizeBytes() - data[change.getKey()].sizeBytes();
            changed[change.getKey()] = change.getValue();
        }
        return new DataRow(schema, uuid, UUID.randomUUID(), changed, changedBytes);
    }

    /** About how much memory the row takes. */
    public long sizeBytes() {
        return sizeBytes;
    }

    public TableSchema schema() {
        return schema;
    }

    @Override
    public UUID uuid() {
        return uuid;
    }

    public UUID version() {
        return version;
    }

    public Datum datum(ColumnSchema column) {
        return data[column.index()];
    }

    /** The value of a column by name, {@code _uuid} and {@code _version} included. */
    public Datum datum(String column) {
        return switch (column) {
            case UUID_COLUMN -> Datum.of(uuid);
            case VERSION_COLUMN -> Datum.of(version);
            default -> data[schema.known(column).index()];
        };
    }

    /** The column's value as RFC 7047 writes it. */
    public JsonNode json(String column) {
        return switch (column) {
            case UUID_COLUMN -> Atoms.toJson(uuid);
            case VERSION_COLUMN -> Atoms.toJson(version);
            default -> datum(column).toJson(schema.known(column));
        };
    }

    public boolean sameData(DataRow other) {
        return Arrays.equals(data, other.data);
    }

    // ---- Row ----

    @Override
    public boolean has(String column) {
        return schema.column(column) != null;
    }

    @Override
    public Optional<Object> atom(String column) {
        Datum datum = datum(column);
        return datum.isEmpty() ? Optional.empty() : Optional.of(datum.key(0));
    }

    @Override
    public List<Object> set(String column) {
        return datum(column).keys();
    }

    @Override
    public Map<String, String> stringMap(String column) {
        return map(column, String.class, String.class);
    }

    @Override
    public Map<String, Long> integerMap(String column) {
        return map(column, String.class, Long.class);
    }

    @Override
    public Map<String, UUID> referenceMap(String column) {
        return map(column, String.class, UUID.class);
    }

    @Override
    public Map<Long, UUID> integerReferenceMap(String column) {
        return map(column, Long.class, UUID.class);
    }

    private <K, V> Map<K, V> map(String column, Class<K> keys, Class<V> values) {
        Datum datum = datum(column);
        Map<K, V> map = new LinkedHashMap<>();
        for (int i = 0; i < datum.size(); i++) {
            map.put(keys.cast(datum.key(i)), values.cast(datum.value(i)));
        }
        return map;
    }

    @Override
    public String toString() {
        return schema.name() + " " + uuid;
    }
}
