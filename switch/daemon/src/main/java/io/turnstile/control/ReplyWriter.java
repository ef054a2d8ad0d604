package io.turnstile.control;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import com.fasterxml.jackson.databind.JsonNode;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;

/**
 * The writer of one reply: {@code {"id":…,"error":null,"result":"…"}}, of which the text comes piece by piece from its
 * source. Nothing is said before there is text, so that the command may still be refused.
 *
 * <p>Threads: one.
 */
final class ReplyWriter {
    private static final JsonStringEncoder ENCODER = JsonStringEncoder.getInstance();
    private static final int LARGE = 4 * TextSource.ENOUGH;

    private final JsonNode id;
    private final TextSource source;
    private final Form form;
    private StringBuilder piece = new StringBuilder();
    private StringBuilder escaped = new StringBuilder();
    private boolean begun;
    private boolean ended;
    /** The last character was a line end, or there was none at all: as Open vSwitch sends texts. */
    private boolean terminated = true;

    /** How the text of a success stands in the reply. */
    private enum Form {
        /** A string that ends with a line, as Open vSwitch sends it. */
        STRING("\"", "\""),
        /** A string as it is, within a document. */
        WRAPPED("{\"reply-format\":\"plain\",\"reply\":\"", "\"}"),
        /** A document of the command's own. */
        DOCUMENT("", "");

        private final String before;
        private final String after;

        Form(String before, String after) {
            this.before = before;
            this.after = after;
        }
    }

    ReplyWriter(JsonNode id, CommandReply reply, ReplyFormat format) {
        this.id = id;
        this.source = reply.pieces();
        this.form = reply.isJson() ? Form.DOCUMENT : format == ReplyFormat.JSON ? Form.WRAPPED : Form.STRING;
    }

    /** Something was written: it cannot be taken back. */
    boolean hasBegun() {
        return begun;
    }

    boolean hasEnded() {
        return ended;
    }

    /** Writes what one more piece makes of the reply, perhaps nothing. */
    void next(ByteBuf out) {
        boolean more;
        try {
            more = source.next(piece);
        } catch (RefusedException refused) {
            if (begun) {
                throw new IllegalStateException("refused too late", refused);
            }
            writeError(refused.getMessage(), out);
            return;
        }
        if (!piece.isEmpty()) {
            begin(out);
            if (form == Form.DOCUMENT) {
                ByteBufUtil.writeUtf8(out, piece);
            } else {
                writeEscaped(piece, out);
            }
            terminated = piece.charAt(piece.length() - 1) == '\n';
            piece.setLength(0);
            if (piece.capacity() > LARGE) {
                piece = new StringBuilder();
                escaped = new StringBuilder();
            }
        }
        if (!more) {
            begin(out);
            ByteBufUtil.writeAscii(out, (terminated || form != Form.STRING ? "" : "\\n") + form.after + "}");
            ended = true;
        }
    }

    private void begin(ByteBuf out) {
        if (!begun) {
            begun = true;
            ByteBufUtil.writeUtf8(out, "{\"id\":" + id + ",\"error\":null,\"result\":" + form.before);
        }
    }

    /** The whole reply is a refusal. */
    void writeError(String text, ByteBuf out) {
        begun = true;
        ended = true;
        ByteBufUtil.writeUtf8(out, "{\"id\":" + id + ",\"result\":null,\"error\":\"");
        writeEscaped(text.isEmpty() || text.endsWith("\n") ? text : text + "\n", out);
        ByteBufUtil.writeAscii(out, "\"}");
    }

    private void writeEscaped(CharSequence text, ByteBuf out) {
        escaped.setLength(0);
        ENCODER.quoteAsString(text, escaped);
        ByteBufUtil.writeUtf8(out, escaped);
    }

    void close() {
        source.close();
    }
}
