package io.turnstile.ovsdb.server;

import com.fasterxml.jackson.databind.JsonNode;
import io.turnstile.ovsdb.data.Atoms;
import io.turnstile.ovsdb.data.DataRow;
import io.turnstile.ovsdb.data.Datum;
import io.turnstile.ovsdb.data.OvsdbException;
import io.turnstile.ovsdb.schema.AtomType;
import io.turnstile.ovsdb.schema.BaseType;
import io.turnstile.ovsdb.schema.ColumnSchema;
import io.turnstile.ovsdb.schema.TableSchema;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** {@code where}: clauses that a row must all meet (RFC 7047 §5.1 condition). Immutable. */
final class Condition implements Predicate<DataRow> {
    /** Every row. */
    static final Condition TRUE = new Condition(List.of(), false);

    private final List<Clause> clauses;
    /** monitor_cond's {@code where} is met by any clause, a transaction's by all (ovsdb-server(7) §4.1.12). */
    private final boolean any;

    private enum Function {
        LT("<"),
        LE("<="),
        EQ("=="),
        NE("!="),
        GE(">="),
        GT(">"),
        INCLUDES("includes"),
        EXCLUDES("excludes");

        private final String word;

        Function(String word) {
            this.word = word;
        }

        static Function of(JsonNode json) {
            for (Function function : values()) {
                if (function.word.equals(json.asText())) {
                    return function;
                }
            }
            throw new OvsdbException("unknown function", "No function named " + json.asText() + ".");
        }

        boolean isOrder() {
            return this == LT || this == LE || this == GE || this == GT;
        }
    }

    private sealed interface Clause {
        boolean matches(DataRow row);
    }

    /** {@code true} or {@code false} in a clause's place. */
    private record Constant(boolean answer) implements Clause {
        @Override
        public boolean matches(DataRow row) {
            return answer;
        }
    }

    private record Comparison(ColumnSchema column, Function function, Datum argument) implements Clause {

        @Override
        public boolean matches(DataRow row) {
            Datum value = row.datum(column.name());
            return switch (function) {
                case EQ -> value.equals(argument);
                case NE -> !value.equals(argument);
                case INCLUDES -> value.includes(argument);
                case EXCLUDES -> value.excludes(argument);
                case LT, LE, GE, GT -> !value.isEmpty() && ordered(Atoms.ORDER.compare(value.key(0), argument.key(0)));
            };
        }

        private boolean ordered(int comparison) {
            return switch (function) {
                case LT -> comparison < 0;
                case LE -> comparison <= 0;
                case GE -> comparison >= 0;
                case GT -> comparison > 0;
                case EQ, NE, INCLUDES, EXCLUDES -> throw new IllegalStateException("not an order: " + function);
            };
        }
    }

    private Condition(List<Clause> clauses, boolean any) {
        this.clauses = clauses;
        this.any = any;
    }

    /** A transaction's {@code where}. */
    static Condition all(JsonNode json, TableSchema table, Atoms.NamedUuids named) {
        return parse(json, table, named, false);
    }

    /** A monitor's {@code where}; without clauses every row matches. */
    static Condition any(JsonNode json, TableSchema table) {
        return parse(json, table, Atoms.NamedUuids.NONE, true);
    }

    private static Condition parse(JsonNode json, TableSchema table, Atoms.NamedUuids named, boolean any) {
        List<Clause> clauses = new ArrayList<>();
        for (JsonNode item : json) {
            clauses.add(item.isBoolean() ? new Constant(item.asBoolean()) : clause(item, table, named));
        }
        return new Condition(List.copyOf(clauses), any);
    }

    private static Clause clause(JsonNode json, TableSchema table, Atoms.NamedUuids named) {
        if (!json.isArray()
                || json.size() != 3
                || !json.get(0).isTextual()
                || !json.get(1).isTextual()) {
            throw new OvsdbException("syntax error", "Parse error in condition.").at(json);
        }
        String name = json.get(0).asText();
        ColumnSchema column = columnOf(table, name);
        if (column == null) {
            throw new OvsdbException("unknown column", "No column " + name + " in table " + table.name() + ".")
                    .at(json);
        }
        Function function = Function.of(json.get(1));
        if (function.isOrder()
                && (column.max() != 1
                        || column.isMap()
                        || column.key().atom() != AtomType.INTEGER
                                && column.key().atom() != AtomType.REAL)) {
            throw new OvsdbException(
                            "syntax error",
                            "Type mismatch: \"%s\" operator may not be applied to column %s of type %s."
                                    .formatted(function.word, name, column.typeInEnglish()))
                    .at(json);
        }
        boolean partial = (function == Function.INCLUDES || function == Function.EXCLUDES) && !column.isScalar();
        int min = partial ? 0 : function.isOrder() ? 1 : column.min();
        int max = partial && function == Function.EXCLUDES ? ColumnSchema.UNLIMITED : column.max();
        Datum argument = Datum.fromJson(json.get(2), column, named, min, max);
        return new Comparison(column, function, argument);
    }

    /** A column by name, {@code _uuid} and {@code _version} included; null if there is none. */
    static @Nullable ColumnSchema columnOf(TableSchema table, String name) {
        if (name.equals(DataRow.UUID_COLUMN) || name.equals(DataRow.VERSION_COLUMN)) {
            return new ColumnSchema(name, BaseType.of(AtomType.UUID), null, 1, 1, false, false, -1);
        }
        return table.column(name);
    }

    /** How many clauses a row may have to be held against. */
    int size() {
        return clauses.size();
    }

    /** The columns that decide. */
    List<ColumnSchema> columns() {
        return clauses.stream()
                .filter(Comparison.class::isInstance)
                .map(clause -> ((Comparison) clause).column())
                .toList();
    }

    /** The one row that the condition can match, null if it names none by {@code _uuid}: saves looking at all. */
    @Nullable
    UUID soleUuid() {
        for (Clause clause : clauses) {
            if (!any
                    && clause instanceof Comparison(ColumnSchema column, Function function, Datum argument)
                    && column.name().equals(DataRow.UUID_COLUMN)
                    && function == Function.EQ) {
                return (UUID) argument.key(0);
            }
        }
        return null;
    }

    @Override
    public boolean test(DataRow row) {
        return any && !clauses.isEmpty()
                ? clauses.stream().anyMatch(clause -> clause.matches(row))
                : clauses.stream().allMatch(clause -> clause.matches(row));
    }
}
