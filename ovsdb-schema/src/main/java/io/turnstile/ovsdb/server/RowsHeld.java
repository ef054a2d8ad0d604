package io.turnstile.ovsdb.server;

import io.turnstile.ovsdb.data.DataRow;
import io.turnstile.ovsdb.data.DataSnapshot;
import io.turnstile.ovsdb.server.Monitor.RowChange;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * The rows that something which is not written yet will be made of. They cost memory only once they are in the database
 * no more, and once for all who hold them.
 *
 * @param rowBytes what the rows take
 * @param placeBytes what it takes to refer to them, and what stands between them
 * @param rows all of them, some perhaps twice
 */
record RowsHeld(long rowBytes, long placeBytes, Supplier<Stream<DataRow>> rows) {
    static final RowsHeld NONE = new RowsHeld(0, 0, Stream::empty);

    private static final int REFERENCE_BYTES = 8;
    /** A change's place in a map, with the map's part. */
    static final int CHANGE_BYTES = 120;

    static RowsHeld of(DataSnapshot snapshot) {
        return new RowsHeld(
                snapshot.sizeBytes(),
                0,
                () -> snapshot.schema().tables().keySet().stream()
                        .flatMap(table -> snapshot.rows(table).values().stream()));
    }

    static RowsHeld of(List<DataRow> found) {
        return new RowsHeld(
                found.stream().mapToLong(DataRow::sizeBytes).sum(),
                (long) found.size() * REFERENCE_BYTES,
                found::stream);
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
        return new RowsHeld(rowBytes, placeBytes, rows(changes));
    }

    static Supplier<Stream<DataRow>> rows(Map<String, Map<UUID, RowChange>> changes) {
        return () -> changes.values().stream()
                .flatMap(byRow -> byRow.values().stream())
                .flatMap(change -> Stream.of(change.before(), change.after()).filter(Objects::nonNull));
    }

    /** The same in a message that takes so much more memory itself. */
    RowsHeld within(long messageBytes) {
        return messageBytes == 0 ? this : new RowsHeld(rowBytes, placeBytes + messageBytes, rows);
    }

    static RowsHeld sum(Collection<RowsHeld> all) {
        return switch (all.size()) {
            case 0 -> NONE;
            case 1 -> all.iterator().next();
            default ->
                new RowsHeld(
                        all.stream().mapToLong(RowsHeld::rowBytes).sum(),
                        all.stream().mapToLong(RowsHeld::placeBytes).sum(),
                        () -> all.stream().flatMap(held -> held.rows().get()));
        };
    }
}
