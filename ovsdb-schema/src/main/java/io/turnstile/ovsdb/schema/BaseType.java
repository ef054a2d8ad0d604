package io.turnstile.ovsdb.schema;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The type of a key or a value: an atom with constraints (RFC 7047 §3.2 base-type).
 *
 * @param allowed the enum's values in their order, empty for any
 * @param minimum smallest number or shortest string (code points), null for no limit
 * @param maximum largest number or longest string, null for no limit
 * @param refTable table that a UUID refers to, null for none
 * @param weak a reference that vanishes with what it refers to
 */
public record BaseType(
        AtomType atom,
        List<Object> allowed,
        @Nullable Number minimum,
        @Nullable Number maximum,
        @Nullable String refTable,
        boolean weak) {

    private static final MathContext SHOWN_DIGITS = new MathContext(15);
    private static final int SMALLEST_PLAIN_EXPONENT = -4;

    public static BaseType of(AtomType atom) {
        return new BaseType(atom, List.of(), null, null, null, false);
    }

    /** {@code uuid} with a strong or weak reference. */
    public static BaseType reference(String table, boolean weak) {
        return new BaseType(AtomType.UUID, List.of(), null, null, table, weak);
    }

    public boolean isWeakReference() {
        return refTable != null && weak;
    }

    /**
     * What an atom is before anybody sets it (RFC 7047 §5.2.1); an enum need not allow it, then a row has to name the
     * value.
     */
    public Object defaultAtom() {
        return switch (atom) {
            case INTEGER -> 0L;
            case REAL -> 0.0;
            case BOOLEAN -> false;
            case STRING -> "";
            case UUID -> new UUID(0, 0);
        };
    }

    /** Why the atom is not one of this type; null if it is. Wording as ovsdb-server's. */
    public @Nullable String violation(Object value) {
        if (!allowed.isEmpty() && !allowed.contains(value)) {
            return "%s is not one of the allowed values ([%s])"
                    .formatted(
                            show(value),
                            String.join(
                                    ", ",
                                    allowed.stream()
                                            .sorted()
                                            .map(BaseType::show)
                                            .toList()));
        }
        return switch (atom) {
            case INTEGER ->
                rangeViolation(
                        value,
                        minimum != null && (Long) value < minimum.longValue(),
                        maximum != null && (Long) value > maximum.longValue());
            case REAL ->
                rangeViolation(
                        value,
                        minimum != null && (Double) value < minimum.doubleValue(),
                        maximum != null && (Double) value > maximum.doubleValue());
            case STRING -> lengthViolation((String) value);
            case BOOLEAN, UUID -> null;
        };
    }

    private @Nullable String rangeViolation(Object value, boolean below, boolean above) {
        if (minimum != null && maximum != null) {
            return below || above
                    ? "%s is not in the valid range %s to %s (inclusive)"
                            .formatted(show(value), show(minimum), show(maximum))
                    : null;
        }
        if (minimum != null && below) {
            return "%s is less than minimum allowed value %s".formatted(show(value), show(minimum));
        }
        if (maximum != null && above) {
            return "%s is greater than maximum allowed value %s".formatted(show(value), show(maximum));
        }
        return null;
    }

    private @Nullable String lengthViolation(String value) {
        int length = value.codePointCount(0, value.length());
        if (minimum != null && length < minimum.intValue()) {
            return "\"%s\" length %d is less than minimum allowed length %d"
                    .formatted(value, length, minimum.intValue());
        }
        if (maximum != null && length > maximum.intValue()) {
            return "\"%s\" length %d is greater than maximum allowed length %d"
                    .formatted(value, length, maximum.intValue());
        }
        return null;
    }

    /** An atom as ovs-vsctl shows it: strings bare if they cannot be taken for anything else. */
    public static String show(Object value) {
        return switch (value) {
            case Double real -> show(real.doubleValue());
            case String text ->
                isBare(text) ? text : JsonNodeFactory.instance.textNode(text).toString();
            default -> String.valueOf(value);
        };
    }

    /** As C's {@code %.15g}. */
    private static String show(double real) {
        BigDecimal rounded = new BigDecimal(real).round(SHOWN_DIGITS).stripTrailingZeros();
        int exponent = rounded.precision() - rounded.scale() - 1;
        if (rounded.signum() == 0 || exponent >= SMALLEST_PLAIN_EXPONENT && exponent < SHOWN_DIGITS.getPrecision()) {
            return rounded.toPlainString();
        }
        String digits = rounded.unscaledValue().abs().toString();
        return (rounded.signum() < 0 ? "-" : "") + digits.charAt(0)
                + (digits.length() > 1 ? "." + digits.substring(1) : "") + "e" + (exponent < 0 ? "-" : "+")
                + (Math.abs(exponent) < 10 ? "0" : "") + Math.abs(exponent);
    }

    private static boolean isBare(String text) {
        return text.matches("[A-Za-z_][A-Za-z0-9_.-]*") && !text.equals("true") && !text.equals("false");
    }

    JsonNode toJson() {
        ObjectNode json = JsonNodeFactory.instance.objectNode().put("type", atom.word());
        if (!allowed.isEmpty()) {
            ArrayNode values = JsonNodeFactory.instance.arrayNode();
            allowed.forEach(value -> values.add(scalar(value)));
            json.set(
                    "enum",
                    values.size() == 1
                            ? values.get(0)
                            : JsonNodeFactory.instance.arrayNode().add("set").add(values));
        }
        String kind = atom == AtomType.INTEGER ? "Integer" : atom == AtomType.REAL ? "Real" : "Length";
        if (minimum != null) {
            json.set("min" + kind, scalar(minimum));
        }
        if (maximum != null) {
            json.set("max" + kind, scalar(maximum));
        }
        if (refTable != null) {
            json.put("refTable", refTable);
            if (weak) {
                json.put("refType", "weak");
            }
        }
        return json.size() == 1 ? JsonNodeFactory.instance.textNode(atom.word()) : json;
    }

    private static JsonNode scalar(Object value) {
        JsonNodeFactory nodes = JsonNodeFactory.instance;
        return switch (value) {
            case Long number -> nodes.numberNode(number);
            case Double number -> nodes.numberNode(number);
            case Boolean truth -> nodes.booleanNode(truth);
            default -> nodes.textNode(String.valueOf(value));
        };
    }

    static BaseType fromJson(JsonNode json) {
        if (json.isTextual()) {
            return of(atomType(json.asText()));
        }
        AtomType atom = atomType(json.path("type").asText());
        List<Object> allowed = new ArrayList<>();
        if (json.has("enum")) {
            JsonNode values = json.get("enum");
            if (values.isArray() && values.size() == 2 && values.get(0).asText().equals("set")) {
                values.get(1).forEach(value -> allowed.add(atomOf(value, atom)));
            } else {
                allowed.add(atomOf(values, atom));
            }
        }
        String kind = atom == AtomType.INTEGER ? "Integer" : atom == AtomType.REAL ? "Real" : "Length";
        return new BaseType(
                atom,
                List.copyOf(allowed),
                bound(json.get("min" + kind), atom),
                bound(json.get("max" + kind), atom),
                json.has("refTable") ? json.get("refTable").asText() : null,
                json.path("refType").asText().equals("weak"));
    }

    private static @Nullable Number bound(@Nullable JsonNode json, AtomType atom) {
        return json == null ? null : atom == AtomType.REAL ? (Number) json.asDouble() : (Number) json.asLong();
    }

    private static Object atomOf(JsonNode json, AtomType atom) {
        return switch (atom) {
            case INTEGER -> json.asLong();
            case REAL -> json.asDouble();
            case BOOLEAN -> json.asBoolean();
            case STRING, UUID -> json.asText();
        };
    }

    private static AtomType atomType(String word) {
        AtomType type = AtomType.ofWord(word);
        if (type == null) {
            throw new SchemaException("\"" + word + "\" is not an atomic-type");
        }
        return type;
    }
}
