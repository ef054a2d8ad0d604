package io.turnstile.ovsdb.server;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.io.JsonStringEncoder;
import com.fasterxml.jackson.databind.JsonNode;
import io.turnstile.ovsdb.data.OvsdbJson;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Writes one message as text, a piece at a time: it can pause between any two values and inside a long string.
 *
 * <p>Threads: one at a time.
 */
final class JsonTextWriter {
    private static final int SEGMENT_CHARS = 8 << 10;

    private final JsonGenerator out;
    private final Counter counter;
    /** What is open, the innermost first. */
    private final Deque<Frame> open = new ArrayDeque<>();

    private @Nullable JsonNode message;

    private sealed interface Frame {}

    private record OpenObject(Iterator<? extends Map.Entry<String, JsonNode>> members) implements Frame {}

    private record OpenArray(Iterator<JsonNode> elements) implements Frame {}

    private static final class OpenString implements Frame {
        private final String text;
        private int next;

        OpenString(String text) {
            this.text = text;
        }

        boolean hasNext() {
            return next < text.length();
        }

        /** Some more of the text; a surrogate pair stays together. */
        String segment() {
            int end = Math.min(text.length(), next + SEGMENT_CHARS);
            if (end < text.length() && Character.isHighSurrogate(text.charAt(end - 1))) {
                end--;
            }
            String segment = text.substring(next, end);
            next = end;
            return segment;
        }
    }

    private static final class Counter extends OutputStream {
        private final OutputStream target;
        private long count;

        Counter(OutputStream target) {
            this.target = target;
        }

        @Override
        public void write(int b) throws IOException {
            target.write(b);
            count++;
        }

        @Override
        public void write(byte[] bytes, int from, int length) throws IOException {
            target.write(bytes, from, length);
            count += length;
        }
    }

    /** A message that goes to {@code target}, which takes bytes as they come and is not closed. */
    JsonTextWriter(JsonNode message, OutputStream target) {
        this.message = message;
        this.counter = new Counter(target);
        try {
            out = OvsdbJson.MAPPER.getFactory().createGenerator(counter);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Writes until about so many more bytes have gone out; true if the message is whole. */
    boolean write(int bytes) throws IOException {
        long until = counter.count + bytes;
        if (message != null) {
            JsonNode root = message;
            message = null;
            begin(root);
        }
        while (!open.isEmpty() && counter.count < until) {
            step(open.peek());
        }
        if (open.isEmpty()) {
            out.flush();
            return true;
        }
        return false;
    }

    private void step(Frame frame) throws IOException {
        switch (frame) {
            case OpenObject(Iterator<? extends Map.Entry<String, JsonNode>> members) -> {
                if (members.hasNext()) {
                    Map.Entry<String, JsonNode> member = members.next();
                    out.writeFieldName(member.getKey());
                    begin(member.getValue());
                } else {
                    out.writeEndObject();
                    open.pop();
                }
            }
            case OpenArray(Iterator<JsonNode> elements) -> {
                if (elements.hasNext()) {
                    begin(elements.next());
                } else {
                    out.writeEndArray();
                    open.pop();
                }
            }
            case OpenString string -> {
                if (string.hasNext()) {
                    char[] escaped = JsonStringEncoder.getInstance().quoteAsString(string.segment());
                    out.writeRaw(escaped, 0, escaped.length);
                } else {
                    out.writeRaw('"');
                    open.pop();
                }
            }
        }
    }

    private void begin(JsonNode value) throws IOException {
        Unfolding unfolding = Unfolding.of(value);
        if (unfolding instanceof Unfolding.Members(var members)) {
            beginObject(members);
        } else if (unfolding instanceof Unfolding.Elements(var elements)) {
            beginArray(elements);
        } else if (unfolding instanceof Unfolding.Later(var later)) {
            begin(later.get());
        } else if (value.isObject()) {
            beginObject(value.properties().iterator());
        } else if (value.isArray()) {
            beginArray(value.elements());
        } else if (value.isTextual()) {
            beginString(value.textValue());
        } else if (value.isIntegralNumber()) {
            out.writeNumber(value.longValue());
        } else if (value.isNumber()) {
            out.writeNumber(value.doubleValue());
        } else if (value.isBoolean()) {
            out.writeBoolean(value.booleanValue());
        } else {
            out.writeNull();
        }
    }

    private void beginObject(Iterator<? extends Map.Entry<String, JsonNode>> members) throws IOException {
        out.writeStartObject();
        open.push(new OpenObject(members));
    }

    private void beginArray(Iterator<JsonNode> elements) throws IOException {
        out.writeStartArray();
        open.push(new OpenArray(elements));
    }

    private void beginString(String text) throws IOException {
        if (text.length() <= SEGMENT_CHARS) {
            out.writeString(text);
        } else {
            out.writeRawValue("\"");
            open.push(new OpenString(text));
        }
    }
}
