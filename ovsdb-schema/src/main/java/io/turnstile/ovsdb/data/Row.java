package io.turnstile.ovsdb.data;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/**
 * One row of a table at one moment. Values are Java's own: {@link String}, {@link Long}, {@link Double},
 * {@link Boolean}, {@link UUID} for RFC 7047 §5.1 atoms. A column that may hold at most one atom reads as that atom or
 * as absent; sets keep OVSDB's order.
 *
 * <p>Immutable. A column that the schema does not have is a bug and throws {@link IllegalArgumentException}.
 */
public interface Row {

    UUID uuid();

    /** Whether the schema has the column: a server's database may be older than we are. */
    boolean has(String column);

    /** The atom of an optional or required scalar column. */
    Optional<Object> atom(String column);

    default Optional<String> string(String column) {
        return atom(column).map(String.class::cast);
    }

    default Optional<Long> integer(String column) {
        return atom(column).map(Long.class::cast);
    }

    default Optional<Boolean> bool(String column) {
        return atom(column).map(Boolean.class::cast);
    }

    default Optional<UUID> reference(String column) {
        return atom(column).map(UUID.class::cast);
    }

    /** All atoms of a set column (also of a scalar one: zero or one). */
    List<Object> set(String column);

    default List<UUID> references(String column) {
        return set(column).stream().map(UUID.class::cast).toList();
    }

    /** A map column with string keys and string values, as other_config, external_ids, options, status. */
    Map<String, String> stringMap(String column);

    /** A map column with string keys and integer values, as statistics. */
    Map<String, Long> integerMap(String column);

    /** A map column with string keys and row references, as datapaths of Open_vSwitch. */
    Map<String, UUID> referenceMap(String column);

    /** A map column with integer keys and row references, as CT zones of Datapath. */
    Map<Long, UUID> integerReferenceMap(String column);
}
