package io.turnstile.ovsdb.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.turnstile.ovsdb.schema.BaseType;
import io.turnstile.ovsdb.schema.ColumnSchema;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * A column's value: a set of atoms, or a map of pairs, in OVSDB's order (RFC 7047 §3.1). A scalar is a set of one.
 *
 * <p>Immutable; equal if the atoms are.
 */
public final class Datum implements Comparable<Datum> {
    private static final Object[] NO_VALUES = {};
    /** The object itself and its arrays. */
    private static final int OBJECT_BYTES = 64;

    public static final Datum EMPTY = new Datum(new Object[0], NO_VALUES);
    /** How ovsdb-server prints that there is no limit. */
    private static final String SHOWN_UNLIMITED = "4294967295";

    private final Object[] keys;
    /** Of a map, one for each key; none of a set, nor of a map without pairs, which is {@link #EMPTY}. */
    private final Object[] values;

    private Datum(Object[] keys, Object[] values) {
        this.keys = keys;
        this.values = values;
    }

    public static Datum of(Object atom) {
        return new Datum(new Object[] {atom}, NO_VALUES);
    }

    /** A set; twins are taken once. */
    public static Datum ofSet(Collection<?> atoms) {
        if (atoms.isEmpty()) {
            return EMPTY;
        }
        Object[] keys = atoms.toArray();
        Arrays.sort(keys, Atoms.ORDER);
        int length = 0;
        for (Object key : keys) {
            if (length == 0 || !key.equals(keys[length - 1])) {
                keys[length++] = key;
            }
        }
        return new Datum(Arrays.copyOf(keys, length), NO_VALUES);
    }

    public static Datum ofMap(Map<?, ?> pairs) {
        if (pairs.isEmpty()) {
            return EMPTY;
        }
        Map<Object, Object> sorted = new TreeMap<>(Atoms.ORDER);
        sorted.putAll(pairs);
        return new Datum(sorted.keySet().toArray(), sorted.values().toArray());
    }

    /** What a column holds before anybody sets it (RFC 7047 §5.2.1). */
    public static Datum defaultOf(ColumnSchema column) {
        if (column.min() == 0) {
            return EMPTY;
        }
        BaseType value = column.value();
        return value != null
                ? ofMap(Map.of(column.key().defaultAtom(), value.defaultAtom()))
                : of(column.key().defaultAtom());
    }

    /**
     * From plain Java: an atom, a {@link Collection} (empty: absent) or a {@link Map}. Integers may be of any integral
     * type.
     */
    public static Datum ofJava(Object value) {
        return switch (value) {
            case Map<?, ?> pairs -> {
                Map<Object, Object> atoms = new TreeMap<>(Atoms.ORDER);
                pairs.forEach((key, item) -> atoms.put(atom(key), atom(item)));
                yield ofMap(atoms);
            }
            case Collection<?> items -> ofSet(items.stream().map(Datum::atom).toList());
            default -> of(atom(value));
        };
    }

    private static Object atom(Object value) {
        return value instanceof Integer || value instanceof Short ? (Object) ((Number) value).longValue() : value;
    }

    // ---- looking ----

    public int size() {
        return keys.length;
    }

    public boolean isEmpty() {
        return keys.length == 0;
    }

    public Object key(int index) {
        return keys[index];
    }

    /** The value of a map's pair. */
    public Object value(int index) {
        return values[index];
    }

    /** About how much memory the value takes. */
    public long sizeBytes() {
        if (isEmpty()) {
            return 0; // There is only one.
        }
        long sizeBytes = OBJECT_BYTES;
        for (Object key : keys) {
            sizeBytes += Atoms.sizeBytes(key);
        }
        for (Object value : values) {
            sizeBytes += Atoms.sizeBytes(value);
        }
        return sizeBytes;
    }

    public List<Object> keys() {
        return List.of(keys);
    }

    /** True for a map that has pairs. */
    public boolean isMap() {
        return values.length > 0;
    }

    public Map<Object, Object> pairs() {
        Map<Object, Object> pairs = new TreeMap<>(Atoms.ORDER);
        for (int i = 0; i < keys.length; i++) {
            pairs.put(keys[i], values[i]);
        }
        return pairs;
    }

    public int indexOf(Object key) {
        return Arrays.binarySearch(keys, key, Atoms.ORDER);
    }

    /** True if every atom or pair of {@code other} is here too. */
    public boolean includes(Datum other) {
        for (int i = 0; i < other.keys.length; i++) {
            int at = indexOf(other.keys[i]);
            if (at < 0 || isMap() && other.isMap() && !values[at].equals(other.values[i])) {
                return false;
            }
        }
        return true;
    }

    /** True if no atom or pair of {@code other} is here. */
    public boolean excludes(Datum other) {
        for (int i = 0; i < other.keys.length; i++) {
            int at = indexOf(other.keys[i]);
            if (at >= 0 && (!isMap() || !other.isMap() || values[at].equals(other.values[i]))) {
                return false;
            }
        }
        return true;
    }

    // ---- changing ----

    /** Set or map union; a map keeps the value it has (RFC 7047 §5.1 "insert"). */
    public Datum union(Datum other) {
        if (isMap() || other.isMap()) {
            Map<Object, Object> pairs = isEmpty() ? new TreeMap<>(Atoms.ORDER) : pairs();
            for (int i = 0; i < other.keys.length; i++) {
                pairs.putIfAbsent(other.keys[i], other.values[i]);
            }
            return ofMap(pairs);
        }
        List<Object> all = new ArrayList<>(keys());
        all.addAll(other.keys());
        return ofSet(all);
    }

    /** Without the atoms, keys or pairs of {@code other} (RFC 7047 §5.1 "delete"). */
    public Datum minus(Datum other) {
        List<Integer> kept = new ArrayList<>();
        for (int i = 0; i < keys.length; i++) {
            int at = other.indexOf(keys[i]);
            if (at < 0 || isMap() && other.isMap() && !values[i].equals(other.values[at])) {
                kept.add(i);
            }
        }
        return kept.size() == keys.length ? this : select(kept);
    }

    private Datum select(List<Integer> indexes) {
        if (indexes.isEmpty()) {
            return EMPTY;
        }
        return new Datum(
                indexes.stream().map(i -> keys[i]).toArray(),
                isMap() ? indexes.stream().map(i -> values[i]).toArray() : NO_VALUES);
    }

    /** Keeps the pairs or atoms for which {@code keep} answers true. */
    public Datum filter(IntPredicate keep) {
        List<Integer> kept = new ArrayList<>();
        for (int i = 0; i < keys.length; i++) {
            if (keep.test(i)) {
                kept.add(i);
            }
        }
        return kept.size() == keys.length ? this : select(kept);
    }

    /** ovsdb-server's order of values: fewer atoms first, then atom by atom. */
    @Override
    public int compareTo(Datum other) {
        int order = Integer.compare(keys.length, other.keys.length);
        for (int i = 0; order == 0 && i < keys.length; i++) {
            order = Atoms.ORDER.compare(keys[i], other.keys[i]);
        }
        for (int i = 0; order == 0 && i < values.length; i++) {
            order = Atoms.ORDER.compare(values[i], other.values[i]);
        }
        return order;
    }

    /** Every atom replaced by {@code change}; for sets of numbers. Atoms that become equal are one. */
    public Datum map(Function<Object, Object> change) {
        return ofSet(Arrays.stream(keys).map(change).toList());
    }

    /**
     * What turns this value into {@code after}, in the form that update2 and the file's differences use
     * (ovsdb-server(7) §4.1.14): for a column of at most one atom the new value; for sets the atoms that come or go;
     * for maps the pairs that come, change or go (the latter with the old value).
     */
    public Datum differenceTo(Datum after, ColumnSchema column) {
        if (column.max() == 1) {
            return after;
        }
        if (column.isMap()) {
            Map<Object, Object> changed = new TreeMap<>(Atoms.ORDER);
            for (int i = 0; i < keys.length; i++) {
                int at = after.indexOf(keys[i]);
                if (at < 0) {
                    changed.put(keys[i], values[i]);
                } else if (!after.values[at].equals(values[i])) {
                    changed.put(keys[i], after.values[at]);
                }
            }
            for (int i = 0; i < after.keys.length; i++) {
                if (indexOf(after.keys[i]) < 0) {
                    changed.put(after.keys[i], after.values[i]);
                }
            }
            return ofMap(changed);
        }
        List<Object> toggled = new ArrayList<>();
        for (Object key : keys) {
            if (after.indexOf(key) < 0) {
                toggled.add(key);
            }
        }
        for (Object key : after.keys) {
            if (indexOf(key) < 0) {
                toggled.add(key);
            }
        }
        return ofSet(toggled);
    }

    /** The inverse of {@link #differenceTo}. */
    public Datum apply(Datum difference, ColumnSchema column) {
        if (column.max() == 1) {
            return difference;
        }
        if (column.isMap()) {
            Map<Object, Object> pairs = isEmpty() ? new TreeMap<>(Atoms.ORDER) : pairs();
            for (int i = 0; i < difference.keys.length; i++) {
                Object key = difference.keys[i];
                if (difference.values[i].equals(pairs.get(key))) {
                    pairs.remove(key);
                } else {
                    pairs.put(key, difference.values[i]);
                }
            }
            return ofMap(pairs);
        }
        Set<Object> atoms = new LinkedHashSet<>(keys());
        for (Object key : difference.keys) {
            if (!atoms.remove(key)) {
                atoms.add(key);
            }
        }
        return ofSet(atoms);
    }

    // ---- JSON ----

    public JsonNode toJson(ColumnSchema column) {
        if (!isMap() && !column.isMap() && keys.length == 1) {
            return Atoms.toJson(keys[0]);
        }
        ArrayNode items = JsonNodeFactory.instance.arrayNode();
        for (int i = 0; i < keys.length; i++) {
            if (column.isMap()) {
                items.add(JsonNodeFactory.instance
                        .arrayNode()
                        .add(Atoms.toJson(keys[i]))
                        .add(Atoms.toJson(values[i])));
            } else {
                items.add(Atoms.toJson(keys[i]));
            }
        }
        return JsonNodeFactory.instance
                .arrayNode()
                .add(column.isMap() ? "map" : "set")
                .add(items);
    }

    /** Reads a value and checks it against the column's type: atoms, constraints, arity. */
    public static Datum fromJson(JsonNode json, ColumnSchema column, Atoms.NamedUuids named) {
        return fromJson(json, column, named, column.min(), column.max());
    }

    /**
     * As above with an arity of the caller's: mutations and differences may have fewer or more atoms than the column.
     */
    public static Datum fromJson(JsonNode json, ColumnSchema column, Atoms.NamedUuids named, int min, int max) {
        String kind = column.isMap() ? "map" : "set";
        if (!column.isMap()
                && !(json.isArray()
                        && json.path(0).asText().equals("set")
                        && json.path(0).isTextual())) {
            return of(checked(Atoms.fromJson(json, column.key(), named), column));
        }
        if (!json.isArray()
                || json.size() != 2
                || !json.get(0).asText().equals(kind)
                || !json.get(1).isArray()) {
            throw new OvsdbException("syntax error", "expected [\"" + kind + "\", <array>]").at(json);
        }
        JsonNode items = json.get(1);
        if (items.size() < min || items.size() > max) {
            String wanted = min == 1 && max == 1
                    ? "exactly one member"
                    : min + " to " + (max == ColumnSchema.UNLIMITED ? SHOWN_UNLIMITED : max) + " members";
            throw new OvsdbException(
                            "syntax error", "%s must have %s but %d are present".formatted(kind, wanted, items.size()))
                    .at(json);
        }
        Datum datum = column.value() != null
                ? mapFromJson(items, column, column.value(), named)
                : setFromJson(items, column, named);
        if (datum.size() != items.size()) {
            throw new OvsdbException(
                    "ovsdb error", column.isMap() ? "map contains duplicate key" : "set contains duplicate");
        }
        return datum;
    }

    /** Why the value does not meet the constraints of the column's type; null if it does. */
    public @Nullable String violation(ColumnSchema column) {
        BaseType valueType = column.value();
        for (int i = 0; i < keys.length; i++) {
            String ofKey = column.key().violation(keys[i]);
            String violation = ofKey == null && valueType != null ? valueType.violation(values[i]) : ofKey;
            if (violation != null) {
                return violation;
            }
        }
        return null;
    }

    /** The value as ovs-vsctl shows it, for error messages. */
    public String show(ColumnSchema column) {
        List<String> items = new ArrayList<>();
        for (int i = 0; i < keys.length; i++) {
            items.add(BaseType.show(keys[i]) + (column.isMap() ? "=" + BaseType.show(values[i]) : ""));
        }
        String text = String.join(", ", items);
        return column.isMap() ? "{" + text + "}" : column.max() > 1 || isEmpty() ? "[" + text + "]" : text;
    }

    private static Datum setFromJson(JsonNode items, ColumnSchema column, Atoms.NamedUuids named) {
        List<Object> atoms = new ArrayList<>(items.size());
        items.forEach(item -> atoms.add(checked(Atoms.fromJson(item, column.key(), named), column)));
        return ofSet(atoms);
    }

    private static Datum mapFromJson(JsonNode items, ColumnSchema column, BaseType valueType, Atoms.NamedUuids named) {
        Map<Object, Object> pairs = new TreeMap<>(Atoms.ORDER);
        for (JsonNode item : items) {
            if (!item.isArray() || item.size() != 2) {
                throw new OvsdbException("syntax error", "expected 2-element array").at(item);
            }
            Object key = checked(Atoms.fromJson(item.get(0), column.key(), named), column);
            Object value = Atoms.fromJson(item.get(1), valueType, named);
            String violation = valueType.violation(value);
            if (violation != null) {
                throw new OvsdbException("constraint violation", violation);
            }
            pairs.put(key, value);
        }
        return ofMap(pairs);
    }

    private static Object checked(Object atom, ColumnSchema column) {
        String violation = column.key().violation(atom);
        if (violation != null) {
            throw new OvsdbException("constraint violation", violation);
        }
        return atom;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Datum datum
                && Arrays.equals(keys, datum.keys)
                && (isEmpty() || Arrays.equals(values, datum.values));
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(keys) + (isEmpty() ? 0 : Arrays.hashCode(values));
    }

    @Override
    public String toString() {
        return !isMap() ? Arrays.toString(keys) : pairs().toString();
    }
}
