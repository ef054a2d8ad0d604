package io.turnstile.control;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The reader finds requests in the bytes of one connection, in pieces as they come, and reads them one at a time: what
 * waits costs its bytes and nothing else.
 *
 * <p>Threads: one.
 */
final class RequestReader {
    /** The largest request. */
    static final int MAX_REQUEST_BYTES = 1 << 20;
    /** As deep as Open vSwitch reads. */
    static final int MAX_DEPTH = 1000;

    private static final int KEPT_BYTES = 1 << 16;
    private static final ObjectMapper JSON = new ObjectMapper();

    private ByteBuf waiting = Unpooled.buffer();
    /** How far the request under way was looked at, from the first byte that waits. */
    private int looked;

    private int depth;
    private boolean inText;
    private boolean escaped;

    /** Takes bytes in; they stay the caller's. */
    void add(ByteBuf bytes) {
        waiting.discardReadBytes();
        waiting.writeBytes(bytes);
    }

    /** How many bytes have come that no request was made of. */
    int waitingBytes() {
        return waiting.readableBytes();
    }

    /** The next request; null if it has not come whole yet. */
    @Nullable
    Request next() throws MalformedRequestException {
        if (depth == 0) {
            skipBlanks();
        }
        while (looked < waiting.readableBytes()) {
            if (looked == MAX_REQUEST_BYTES) {
                throw new MalformedRequestException("a request of more than " + MAX_REQUEST_BYTES + " bytes");
            }
            if (look(waiting.getByte(waiting.readerIndex() + looked++))) {
                String text =
                        waiting.readCharSequence(looked, StandardCharsets.UTF_8).toString();
                looked = 0;
                letGoOfMuch();
                return parse(text);
            }
        }
        return null;
    }

    private void skipBlanks() {
        while (waiting.isReadable() && isBlank(waiting.getByte(waiting.readerIndex()))) {
            waiting.skipBytes(1);
        }
    }

    private static boolean isBlank(byte next) {
        return next == ' ' || next == '\n' || next == '\r' || next == '\t';
    }

    /** Looks at one byte more of the request; true if it is whole. */
    private boolean look(byte next) throws MalformedRequestException {
        if (depth == 0 && next != '{') {
            throw new MalformedRequestException("no JSON object");
        }
        if (inText) {
            boolean ends = next == '"' && !escaped;
            escaped = next == '\\' && !escaped;
            inText = !ends;
            return false;
        }
        switch (next) {
            case '"' -> inText = true;
            case '{', '[' -> {
                if (++depth > MAX_DEPTH) {
                    throw new MalformedRequestException("nested more than " + MAX_DEPTH + " deep");
                }
            }
            case '}', ']' -> depth--;
            default -> {
                // Whatever it is, it ends nothing.
            }
        }
        return depth == 0;
    }

    /** A large request leaves no large buffer behind. */
    private void letGoOfMuch() {
        if (waiting.capacity() > KEPT_BYTES && waiting.readableBytes() <= KEPT_BYTES) {
            ByteBuf smaller = Unpooled.buffer().writeBytes(waiting);
            waiting.release();
            waiting = smaller;
        }
    }

    private static Request parse(String text) throws MalformedRequestException {
        JsonNode request;
        try {
            request = JSON.readTree(text);
        } catch (JsonProcessingException e) {
            throw new MalformedRequestException("not JSON");
        }
        JsonNode id = request.path("id");
        if (!request.path("method").isTextual() || id.isMissingNode() || id.isNull()) {
            throw new MalformedRequestException("not a request");
        }
        return new Request(request.path("method").textValue(), words(request.path("params")), id);
    }

    private static @Nullable List<String> words(JsonNode params) {
        List<String> words = new ArrayList<>(params.size());
        for (JsonNode word : params) {
            if (!word.isTextual()) {
                return null;
            }
            words.add(word.textValue());
        }
        return words;
    }

    void close() {
        waiting.release();
    }
}
