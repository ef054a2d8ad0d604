package io.turnstile.ovsdb.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.POJONode;
import java.util.Iterator;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A part of a message that is made while it is written, member by member, out of things that do not change: so the
 * longest answer takes no more memory than a row whose values are short ({@link Values}). Stands in a JSON tree as a
 * {@link POJONode}, and is written once ({@link JsonTextWriter}).
 */
sealed interface Unfolding {

    /** An object. */
    record Members(Iterator<Map.Entry<String, JsonNode>> members) implements Unfolding {}

    /** An array. */
    record Elements(Iterator<JsonNode> elements) implements Unfolding {}

    /** Whatever is made when its turn comes. */
    record Later(Supplier<? extends JsonNode> value) implements Unfolding {}

    static JsonNode object(Iterator<Map.Entry<String, JsonNode>> members) {
        return JsonNodeFactory.instance.pojoNode(new Members(members));
    }

    static JsonNode array(Iterator<JsonNode> elements) {
        return JsonNodeFactory.instance.pojoNode(new Elements(elements));
    }

    static JsonNode later(Supplier<? extends JsonNode> value) {
        return JsonNodeFactory.instance.pojoNode(new Later(value));
    }

    /** What stands for itself in a tree; null if it is an ordinary node. */
    static @Nullable Unfolding of(JsonNode json) {
        return json instanceof POJONode node ? (Unfolding) node.getPojo() : null;
    }
}
