package io.turnstile.ovsdb.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The reader takes the members out of a JSON object and remembers the first thing that is wrong with it, in
 * ovsdb-server's words: a member that is missing, of a wrong type, or not known. Belongs to one parse.
 */
public final class Members {
    /** The object; a {@link MissingNode} if it is none. */
    private final JsonNode json;

    private final String what;
    private final Set<String> used = new HashSet<>();
    private @Nullable OvsdbException error;

    /** What a member may be. */
    public enum Kind {
        ARRAY(JsonNode::isArray),
        OBJECT(JsonNode::isObject),
        STRING(JsonNode::isTextual),
        BOOLEAN(JsonNode::isBoolean),
        INTEGER(json -> json.isIntegralNumber() && json.canConvertToLong()),
        ID(json -> json.isTextual() && OvsdbJson.isId(json.asText()));

        @SuppressWarnings("ImmutableEnumChecker") // The predicates hold no state.
        private final Predicate<JsonNode> fits;

        Kind(Predicate<JsonNode> fits) {
            this.fits = fits;
        }
    }

    /**
     * Begins a parse.
     *
     * @param what names the object in errors
     */
    public Members(JsonNode json, String what) {
        this.json = json.isObject() ? json : MissingNode.getInstance();
        this.what = what;
        if (!json.isObject()) {
            raise("Object expected.");
        }
    }

    /** A member that must be there; a {@link MissingNode} if it is not. */
    public JsonNode require(String name, Kind kind) {
        return take(name, kind, true);
    }

    /** A member that may be there; a {@link MissingNode} if it is not. */
    public JsonNode optional(String name, Kind kind) {
        return take(name, kind, false);
    }

    private JsonNode take(String name, Kind kind, boolean required) {
        JsonNode member = json.path(name);
        if (member.isMissingNode()) {
            if (required) {
                raise("Required '" + name + "' member is missing.");
            }
            return member;
        }
        if (!kind.fits.test(member)) {
            raise("Type mismatch for member '" + name + "'.");
            return MissingNode.getInstance();
        }
        used.add(name);
        return member;
    }

    /** Remembers an error of the caller's, unless there is one already. */
    public void raise(String message) {
        if (error == null) {
            OvsdbException raised = new OvsdbException("syntax error", "Parsing " + what + " failed: " + message);
            error = json.isMissingNode() ? raised : raised.at(json);
        }
    }

    /** Throws the first error; members that nobody asked for are one. */
    public void finish() {
        if (error == null) {
            List<String> unknown = json.properties().stream()
                    .map(Map.Entry::getKey)
                    .filter(name -> !used.contains(name))
                    .toList();
            if (unknown.size() == 1) {
                raise("Member '" + unknown.getFirst() + "' is present but not allowed here.");
            } else if (!unknown.isEmpty()) {
                raise("Member '%s' and %d other member%s are present but not allowed here."
                        .formatted(unknown.getFirst(), unknown.size() - 1, unknown.size() > 2 ? "s" : ""));
            }
        }
        if (error != null) {
            throw error;
        }
    }
}
