package io.turnstile.ovsdb.server;

import io.turnstile.ovsdb.data.DataRow;
import io.turnstile.ovsdb.data.DataSnapshot;
import io.turnstile.ovsdb.server.Monitor.RowChange;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * The rows that something which is not written yet will be made of. They cost memory only once they are in the database
 * no more, and once for all who hold them.
 *
 * @param rowBytes what the rows take, with the tables that they are in
 * @param placeBytes what it takes to refer to them, and what stands between them
 * @param sources where all of them are, some perhaps twice
 */
record RowsHeld(long rowBytes, long placeBytes, List<Source> sources) {
    static final RowsHeld NONE = new RowsHeld(0, 0, List.of());

    private static final int REFERENCE_BYTES = 8;
    /** A change's place in a map, with the map's part. */
    static final int CHANGE_BYTES = 120;

    /** A row's place in a table: each version of a table has places of its own. */
    static final int TABLE_PLACE_BYTES = 48;

    /**
     * Rows in one place: many clients hold the same place, and it is gone through once for all of them.
     *
     * @param place one and the same object for the same rows
     * @param placeBytes what it takes itself, once for all who hold it, unless it is present
     * @param isPresent true while all of them are in the database anyway
     */
    record Source(Object place, long placeBytes, BooleanSupplier isPresent, Supplier<Stream<DataRow>> rows) {}

    /**
     * All rows of a snapshot. A table of it is present until it is written.
     *
     * @param present the snapshot that is the database's at the time of asking
     */
    static RowsHeld of(DataSnapshot snapshot, Supplier<DataSnapshot> present) {
        List<Source> tables = new ArrayList<>();
        long tableBytes = 0;
        for (String table : snapshot.schema().tables().keySet()) {
            Map<UUID, DataRow> rows = snapshot.rows(table);
            if (!rows.isEmpty()) {
                long placeBytes = (long) TABLE_PLACE_BYTES * rows.size();
                tableBytes += placeBytes;
                tables.add(new Source(
                        rows, placeBytes, () -> present.get().rows(table) == rows, () -> rows.values().stream()));
            }
        }
        return new RowsHeld(snapshot.sizeBytes() + tableBytes, 0, List.copyOf(tables));
    }

    static RowsHeld of(List<DataRow> found) {
        return new RowsHeld(
                found.stream().mapToLong(DataRow::sizeBytes).sum(),
                (long) found.size() * REFERENCE_BYTES,
                List.of(new Source(found, 0, () -> false, found::stream)));
    }

    static RowsHeld of(Map<String, Map<UUID, RowChange>> changes) {
        long rowBytes = 0;
        long placeBytes = 0;
        for (Map<UUID, RowChange> byRow : changes.values()) {
            placeBytes += (long) CHANGE_BYTES * byRow.size();
            for (RowChange change : byRow.values()) {
                rowBytes += change.rowBytes();
            }
        }
        return new RowsHeld(rowBytes, placeBytes, sources(changes));
    }

    static List<Source> sources(Map<String, Map<UUID, RowChange>> changes) {
        return List.of(new Source(
                changes,
                0,
                () -> false,
                () -> changes.values().stream()
                        .flatMap(byRow -> byRow.values().stream())
                        .flatMap(change ->
                                Stream.of(change.before(), change.after()).filter(Objects::nonNull))));
    }

    /** The same in a message that takes so much more memory itself. */
    RowsHeld within(long messageBytes) {
        return messageBytes == 0 ? this : new RowsHeld(rowBytes, placeBytes + messageBytes, sources);
    }

    /** All rows, some perhaps twice. */
    Stream<DataRow> rows() {
        return sources.stream().flatMap(source -> source.rows().get());
    }

    static RowsHeld sum(Collection<RowsHeld> all) {
        return switch (all.size()) {
            case 0 -> NONE;
            case 1 -> all.iterator().next();
            default ->
                new RowsHeld(
                        all.stream().mapToLong(RowsHeld::rowBytes).sum(),
                        all.stream().mapToLong(RowsHeld::placeBytes).sum(),
                        all.stream().flatMap(held -> held.sources().stream()).toList());
        };
    }
}
