package io.turnstile.ovsdb.server;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.async.ByteArrayFeeder;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.turnstile.ovsdb.data.OvsdbJson;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * Makes messages of the bytes that a client sends, whose ends need not be messages' ends. What is too large is read to
 * its end and not kept.
 *
 * <p>Threads: one at a time.
 */
final class Inbox {
    /** As deep as ovsdb-server reads. */
    private static final int MAX_DEPTH = 1000;
    /** Longer than any name of RFC 7047 or of a schema. */
    private static final int MAX_NAME_CHARS = 1000;

    private static final int TOKEN_BYTES = 48;
    private static final int CHAR_BYTES = 2;
    private static final JsonNodeFactory NODES = OvsdbJson.MAPPER.getNodeFactory();

    private final ServerLimits limits;
    private final JsonParser parser;
    private final ByteArrayFeeder feeder;
    private final Deque<JsonNode> open = new ArrayDeque<>();
    private int depth;
    private String name = "";
    private @Nullable JsonNode id;
    private long tokens;
    private long chars;
    /** Of the message that is not whole, from the end of what was read when it began. */
    private long fedBytes;

    private boolean tooLarge;

    Inbox(ServerLimits limits) {
        this.limits = limits;
        try {
            parser = JsonFactory.builder()
                    .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
                    .disable(
                            JsonFactory.Feature
                                    .CANONICALIZE_FIELD_NAMES) // or it would remember each as long as it lives
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(MAX_DEPTH)
                            .maxStringLength(limits.requestBytes())
                            .maxNameLength(MAX_NAME_CHARS)
                            .build())
                    .build()
                    .createNonBlockingByteArrayParser();
        } catch (IOException e) {
            throw new IllegalStateException("nothing was read yet", e);
        }
        feeder = (ByteArrayFeeder) parser.getNonBlockingInputFeeder();
    }

    /** What has been read. */
    sealed interface Read {}

    /**
     * A message.
     *
     * @param costBytes about what it takes in memory
     */
    record Message(JsonNode json, long costBytes) implements Read {}

    /** A message that was too large to be kept. {@code id} is null if it names none, as a notification does. */
    record TooLarge(@Nullable JsonNode id) implements Read {}

    /** More bytes; the last ones have all been looked at. */
    void feed(byte[] bytes) throws IOException {
        fedBytes += bytes.length;
        feeder.feedInput(bytes, 0, bytes.length);
    }

    /**
     * The next message, null if it takes more bytes. {@link IOException} or {@link IllegalArgumentException} if it is
     * no JSON that a database could hold, after which there is nothing more to be read.
     */
    @Nullable
    Read next() throws IOException {
        while (true) {
            JsonToken token = parser.nextToken();
            if (token == JsonToken.NOT_AVAILABLE) {
                return null;
            }
            Read whole = take(token);
            if (whole != null) {
                return whole;
            }
        }
    }

    /** True if a message is begun and not whole. */
    boolean isBegun() {
        return depth > 0;
    }

    /** About what the message that is not whole takes in memory. */
    long costBytes() {
        return tooLarge || depth == 0 ? 0 : costBytes(Math.max(chars, fedBytes));
    }

    private long costBytes(long chars) {
        return TOKEN_BYTES * tokens + CHAR_BYTES * chars;
    }

    private @Nullable Read take(JsonToken token) throws IOException {
        if (depth == 0) {
            tokens = 0;
            chars = 0;
            fedBytes = 0;
            tooLarge = false;
            name = "";
            id = null;
        }
        tokens++;
        if (token == JsonToken.VALUE_STRING || token == JsonToken.FIELD_NAME) {
            chars += parser.getTextLength();
        }
        if (!tooLarge && (tokens > limits.requestTokens() || Math.max(chars, fedBytes) > limits.requestBytes())) {
            tooLarge = true;
            open.clear();
        }
        switch (token) {
            case START_OBJECT -> begin(NODES.objectNode());
            case START_ARRAY -> begin(NODES.arrayNode());
            case END_OBJECT, END_ARRAY -> {
                return end();
            }
            case FIELD_NAME -> name = parser.currentName();
            case VALUE_STRING -> put(tooLarge && depth > 1 ? NODES.nullNode() : NODES.textNode(parser.getText()));
            case VALUE_NUMBER_INT -> put(integer());
            case VALUE_NUMBER_FLOAT -> put(NODES.numberNode(parser.getDoubleValue()));
            case VALUE_TRUE -> put(NODES.booleanNode(true));
            case VALUE_FALSE -> put(NODES.booleanNode(false));
            case VALUE_NULL -> put(NODES.nullNode());
            case NOT_AVAILABLE, VALUE_EMBEDDED_OBJECT -> throw new IllegalStateException("not of a text: " + token);
        }
        // A value that is in nothing is no message, and whether its digits are all there nobody knows.
        return depth == 0 ? new Message(NODES.missingNode(), 0) : null;
    }

    private JsonNode integer() throws IOException {
        return switch (parser.getNumberType()) {
            case INT -> NODES.numberNode(parser.getIntValue());
            case LONG -> NODES.numberNode(parser.getLongValue());
            case BIG_INTEGER -> NODES.numberNode(parser.getBigIntegerValue());
            case FLOAT, DOUBLE, BIG_DECIMAL -> throw new IllegalStateException("not an integer");
        };
    }

    private void begin(JsonNode container) {
        put(container);
        depth++;
        if (!tooLarge) {
            open.push(container);
        }
    }

    private @Nullable Read end() {
        depth--;
        if (tooLarge) {
            return depth > 0 ? null : new TooLarge(id);
        }
        JsonNode ended = open.pop();
        return depth > 0 ? null : new Message(ended, costBytes(chars));
    }

    private void put(JsonNode value) {
        if (depth == 1 && name.equals("id") && value.isValueNode() && !value.isNull()) {
            id = value;
        }
        switch (open.peek()) {
            case ObjectNode object -> object.set(name, value);
            case ArrayNode array -> array.add(value);
            case null, default -> {
                // A message's own beginning, or one that is not kept.
            }
        }
    }
}
