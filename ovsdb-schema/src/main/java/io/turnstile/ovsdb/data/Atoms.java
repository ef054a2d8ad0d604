package io.turnstile.ovsdb.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.turnstile.ovsdb.schema.AtomType;
import io.turnstile.ovsdb.schema.BaseType;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Atoms: their order and their JSON (RFC 7047 §5.1). Threads: stateless. */
public final class Atoms {
    private static final Pattern UUID_TEXT = Pattern.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}");

    private static final int ATOM_BYTES = 32;
    /** What a string takes beside its characters; most have one byte each. */
    private static final int STRING_BYTES = 56;

    private Atoms() {}

    /** The order in which OVSDB keeps sets: numbers by value, strings by their bytes, UUIDs as unsigned numbers. */
    public static final Comparator<Object> ORDER = (a, b) -> switch (a) {
        case Long number -> number.compareTo((Long) b);
        case Double number -> number.compareTo((Double) b);
        case Boolean truth -> truth.compareTo((Boolean) b);
        case String text ->
            Arrays.compareUnsigned(
                    text.getBytes(StandardCharsets.UTF_8), ((String) b).getBytes(StandardCharsets.UTF_8));
        case UUID uuid -> {
            UUID other = (UUID) b;
            int high = Long.compareUnsigned(uuid.getMostSignificantBits(), other.getMostSignificantBits());
            yield high != 0
                    ? high
                    : Long.compareUnsigned(uuid.getLeastSignificantBits(), other.getLeastSignificantBits());
        }
        default -> throw new IllegalArgumentException("not an atom: " + a);
    };

    /** About how much memory the atom takes, with the place that refers to it. */
    static long sizeBytes(Object atom) {
        return atom instanceof String text ? STRING_BYTES + (long) text.length() : ATOM_BYTES;
    }

    public static JsonNode toJson(Object atom) {
        JsonNodeFactory nodes = JsonNodeFactory.instance;
        return switch (atom) {
            case Long number -> nodes.numberNode(number);
            case Double number ->
                number == Math.rint(number) && Math.abs(number) < 0x1p63
                        ? nodes.numberNode(number.longValue())
                        : nodes.numberNode(number);
            case Boolean truth -> nodes.booleanNode(truth);
            case String text -> nodes.textNode(text);
            case UUID uuid -> nodes.arrayNode().add("uuid").add(uuid.toString());
            default -> throw new IllegalArgumentException("not an atom: " + atom);
        };
    }

    /**
     * Reads an atom; constraints of the type are not checked here.
     *
     * @param named UUIDs of {@code ["named-uuid", name]}; names unknown so far are resolved by {@link NamedUuids}
     */
    public static Object fromJson(JsonNode json, BaseType type, NamedUuids named) {
        AtomType atom = type.atom();
        switch (atom) {
            case INTEGER -> {
                if (json.isIntegralNumber() && json.canConvertToLong()) {
                    return json.asLong();
                }
            }
            case REAL -> {
                if (json.isNumber()) {
                    return json.asDouble();
                }
            }
            case BOOLEAN -> {
                if (json.isBoolean()) {
                    return json.asBoolean();
                }
            }
            case STRING -> {
                if (json.isTextual()) {
                    return json.asText();
                }
            }
            case UUID -> {
                return uuid(json, named);
            }
        }
        throw new OvsdbException("syntax error", "expected " + atom.word()).at(json);
    }

    /** True if the text is a UUID with all its digits. */
    public static boolean isUuid(String text) {
        return UUID_TEXT.matcher(text).matches();
    }

    private static UUID uuid(JsonNode json, NamedUuids named) {
        if (json.isArray()
                && json.size() == 2
                && json.get(0).isTextual()
                && json.get(1).isTextual()) {
            String text = json.get(1).asText();
            switch (json.get(0).asText()) {
                case "uuid" -> {
                    if (!isUuid(text)) {
                        throw new OvsdbException("syntax error", "\"" + text + "\" is not a valid UUID").at(json);
                    }
                    return UUID.fromString(text);
                }
                case "named-uuid" -> {
                    if (!named.equals(NamedUuids.NONE) && !OvsdbJson.isId(text)) {
                        throw new OvsdbException("syntax error", "named-uuid string is not a valid <id>").at(json);
                    }
                    UUID uuid = named.refer(text);
                    if (uuid != null) {
                        return uuid;
                    }
                }
                default -> {
                    // Falls to the error below.
                }
            }
        }
        throw new OvsdbException("syntax error", "expected [\"uuid\", <string>]").at(json);
    }

    /** The UUIDs of rows that a transaction inserts under names (RFC 7047 §3.1 named-uuid). */
    public interface NamedUuids {
        /**
         * The UUID of that name, made now if the insertion comes later in the transaction; null if names have no
         * meaning here.
         */
        @Nullable
        UUID refer(String name);

        /** Where there are no insertions, a name is an error: null. */
        NamedUuids NONE = name -> null;

        static NamedUuids of(Map<String, UUID> names) {
            return name -> names.computeIfAbsent(name, n -> UUID.randomUUID());
        }
    }
}
