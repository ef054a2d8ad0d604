package io.turnstile.ovsdb.server;

import com.fasterxml.jackson.databind.JsonNode;
import io.turnstile.ovsdb.data.Atoms;
import io.turnstile.ovsdb.data.Datum;
import io.turnstile.ovsdb.data.OvsdbException;
import io.turnstile.ovsdb.schema.AtomType;
import io.turnstile.ovsdb.schema.BaseType;
import io.turnstile.ovsdb.schema.ColumnSchema;
import io.turnstile.ovsdb.schema.TableSchema;

/**
 * One change of {@code mutate} (RFC 7047 §5.1 mutation).
 *
 * @param argument what is inserted or deleted, or the one number to calculate with
 */
record Mutation(ColumnSchema column, String operator, Datum argument) {

    static Mutation parse(JsonNode json, TableSchema table, Atoms.NamedUuids named) {
        if (!json.isArray()
                || json.size() != 3
                || !json.get(0).isTextual()
                || !json.get(1).isTextual()) {
            throw new OvsdbException("syntax error", "Parse error in mutation.").at(json);
        }
        String name = json.get(0).asText();
        ColumnSchema column = Condition.columnOf(table, name);
        if (column == null) {
            throw new OvsdbException("unknown column", "No column " + name + " in table " + table.name() + ".")
                    .at(json);
        }
        if (!column.mutable()) {
            throw new OvsdbException(
                            "constraint violation",
                            "Cannot mutate immutable column " + name + " in table " + table.name() + ".")
                    .at(json);
        }
        String operator = json.get(1).asText();
        return switch (operator) {
            case "+=", "-=", "*=", "/=", "%=" -> new Mutation(column, operator, number(json, column, operator));
            case "insert", "delete" -> new Mutation(column, operator, members(json, column, operator, named));
            default -> throw new OvsdbException("unknown mutator", "No mutator named " + operator + ".");
        };
    }

    private static OvsdbException mismatch(JsonNode json, ColumnSchema column, String operator) {
        return new OvsdbException(
                        "syntax error",
                        "Type mismatch: \"%s\" operator may not be applied to column %s of type %s."
                                .formatted(operator, column.name(), column.typeInEnglish()))
                .at(json);
    }

    private static Datum number(JsonNode json, ColumnSchema column, String operator) {
        AtomType atom = column.key().atom();
        boolean fits = !column.isMap() && (atom == AtomType.INTEGER || atom == AtomType.REAL && !operator.equals("%="));
        if (!fits) {
            throw mismatch(json, column, operator);
        }
        ColumnSchema bare = new ColumnSchema(column.name(), BaseType.of(atom), null, 1, 1, false, true, -1);
        return Datum.fromJson(json.get(2), bare, Atoms.NamedUuids.NONE);
    }

    /** Deleting from a map takes a set of keys as well as pairs. */
    private static Datum members(JsonNode json, ColumnSchema column, String operator, Atoms.NamedUuids named) {
        if (column.isScalar()) {
            throw mismatch(json, column, operator);
        }
        boolean deleting = operator.equals("delete");
        int max = deleting ? ColumnSchema.UNLIMITED : column.max();
        try {
            return Datum.fromJson(json.get(2), column, named, 0, max);
        } catch (OvsdbException e) {
            if (!column.isMap() || !deleting) {
                throw e;
            }
            ColumnSchema keys = new ColumnSchema(column.name(), column.key(), null, 0, max, false, true, -1);
            return Datum.fromJson(json.get(2), keys, named);
        }
    }

    /** The value after the mutation; {@link OvsdbException} if there can be none. */
    Datum apply(Datum before) {
        return switch (operator) {
            case "insert" -> counted(before.union(argument));
            case "delete" -> counted(before.minus(argument));
            default -> {
                Datum after = before.map(atom -> calculate(atom, argument.key(0)));
                if (after.size() != before.size()) {
                    throw new OvsdbException(
                            "constraint violation", "Result of \"" + operator + "\" operation contains duplicates.");
                }
                yield after;
            }
        };
    }

    private Datum counted(Datum after) {
        if (after.size() < column.min() || after.size() > column.max()) {
            throw new OvsdbException(
                    "constraint violation",
                    "Attempted to store %d elements in %s.".formatted(after.size(), column.typeInEnglish()));
        }
        return after;
    }

    private Object calculate(Object left, Object right) {
        Object result = left instanceof Long number
                ? (Object) integer(number, (Long) right)
                : (Object) real((Double) left, (Double) right);
        String violation = column.key().violation(result);
        if (violation != null) {
            throw new OvsdbException("constraint violation", violation);
        }
        return result;
    }

    private long integer(long left, long right) {
        try {
            return switch (operator) {
                case "+=" -> Math.addExact(left, right);
                case "-=" -> Math.subtractExact(left, right);
                case "*=" -> Math.multiplyExact(left, right);
                default -> {
                    if (right == 0) {
                        throw new OvsdbException("domain error", "Division by zero.");
                    }
                    // Has no value for the least number and -1; so has no remainder.
                    long quotient = Math.divideExact(left, right);
                    yield operator.equals("/=") ? quotient : left % right;
                }
            };
        } catch (ArithmeticException e) {
            throw outOfRange();
        }
    }

    private double real(double left, double right) {
        double result = switch (operator) {
            case "+=" -> left + right;
            case "-=" -> left - right;
            case "*=" -> left * right;
            default -> {
                if (right == 0) {
                    throw new OvsdbException("domain error", "Division by zero.");
                }
                yield left / right;
            }
        };
        if (!Double.isFinite(result)) {
            throw outOfRange();
        }
        return result;
    }

    private OvsdbException outOfRange() {
        return new OvsdbException("range error", "Result of \"" + operator + "\" operation is out of range.");
    }
}
