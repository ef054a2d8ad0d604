package io.turnstile.ovsdb.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.NumericNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import com.fasterxml.jackson.databind.node.ValueNode;
import java.math.BigInteger;
import java.util.function.LongConsumer;

/** JSON as OVSDB reads and shows it. Threads: stateless. */
public final class OvsdbJson {
    private static final double LONG_LIMIT = 0x1p63;

    /**
     * A number is an integer if its value is one that fits 64 bits, however it is written (RFC 7047 §3.1 leaves 1.0
     * open; ovsdb-server takes it for 1), and a real otherwise.
     */
    private static class ByValue extends JsonNodeFactory {
        private static final long serialVersionUID = 1L;

        @Override
        public NumericNode numberNode(double value) {
            if (value != Math.rint(value) || value < -LONG_LIMIT || value >= LONG_LIMIT) {
                return real(value);
            }
            long integer = (long) value;
            // As from text without a dot.
            return integer == (int) integer ? super.numberNode((int) integer) : super.numberNode(integer);
        }

        @Override
        public ValueNode numberNode(BigInteger value) {
            return real(value.doubleValue());
        }

        private NumericNode real(double value) {
            if (!Double.isFinite(value)) {
                throw new IllegalArgumentException("number out of range");
            }
            return super.numberNode(value);
        }

        // ovsdb-server's strings end at a zero byte, and half a surrogate pair is no character: such text could be
        // kept neither there nor here.
        @Override
        public TextNode textNode(String text) {
            for (int i = 0; i < text.length(); i++) {
                char c = text.charAt(i);
                boolean pair = Character.isHighSurrogate(c)
                        && i + 1 < text.length()
                        && Character.isLowSurrogate(text.charAt(i + 1));
                if (c == 0 || Character.isSurrogate(c) && !pair) {
                    throw new IllegalArgumentException("string with a null or half a character");
                }
                i += pair ? 1 : 0;
            }
            return super.textNode(text);
        }
    }

    /** Tells of each node what it takes of memory, about, before it is made. */
    private static final class Counting extends ByValue {
        private static final long serialVersionUID = 1L;
        private static final int NODE_BYTES = 24;
        private static final int TEXT_BYTES = 80;
        private static final int CONTAINER_BYTES = 80;

        private final transient LongConsumer count;

        Counting(LongConsumer count) {
            this.count = count;
        }

        @Override
        public TextNode textNode(String text) {
            count.accept(TEXT_BYTES + text.length());
            return super.textNode(text);
        }

        @Override
        public NumericNode numberNode(int value) {
            count.accept(NODE_BYTES);
            return super.numberNode(value);
        }

        @Override
        public NumericNode numberNode(long value) {
            count.accept(NODE_BYTES);
            return super.numberNode(value);
        }

        @Override
        public ArrayNode arrayNode() {
            count.accept(CONTAINER_BYTES);
            return super.arrayNode();
        }

        @Override
        public ObjectNode objectNode() {
            count.accept(CONTAINER_BYTES);
            return super.objectNode();
        }
    }

    /**
     * Reads and writes messages, records and schemas. Reading throws {@link IllegalArgumentException} for what no
     * database can hold.
     */
    public static final ObjectMapper MAPPER =
            JsonMapper.builder().nodeFactory(new ByValue()).build();

    private static final ObjectMapper SORTED =
            JsonMapper.builder().enable(JsonNodeFeature.WRITE_PROPERTIES_SORTED).build();

    private OvsdbJson() {}

    /**
     * Reads as {@link #MAPPER} does and tells on the way how much memory each part of the value takes, so that
     * {@code count} can end it by throwing.
     */
    public static ObjectReader counting(LongConsumer count) {
        return MAPPER.reader().with(new Counting(count));
    }

    /** The text that error messages quote: members in the order of their names. */
    public static String sortedText(JsonNode json) {
        try {
            return SORTED.writeValueAsString(json);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a tree is always JSON", e);
        }
    }

    /** True for an {@code <id>} of RFC 7047 §3.1. */
    public static boolean isId(String text) {
        return text.matches("[A-Za-z_][A-Za-z0-9_]*");
    }
}
