package io.turnstile.ovsdb.server;

import com.fasterxml.jackson.databind.JsonNode;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What one client is to be sent, in order. Text is made only as the client takes it, and so much in a turn that other
 * clients have theirs.
 *
 * <p>Threads: the server's event loop.
 */
final class Outbox {
    private static final int CHUNK_BYTES = 64 << 10;
    private static final int TURN_BYTES = 4 * CHUNK_BYTES;
    private static final int SMALL_BYTES = 512;
    /** What a message takes until it is written, beside what is said to stand in it. */
    static final int LETTER_BYTES = 1 << 10;

    private final Channel channel;
    private final Runnable onProgress;
    private final Deque<Letter> waiting = new ArrayDeque<>();
    /** Of the letters that are not whole yet and have any: many have none, and are not gone through. */
    private final Deque<RowsHeld> rows = new ArrayDeque<>();

    private final Chunks chunks = new Chunks();
    private @Nullable JsonTextWriter current;
    private @Nullable Letter currentLetter;
    private long unsentBytes;
    private boolean pumping;
    private boolean turnIsDue;

    private record Letter(JsonNode message, RowsHeld rows) {}

    /**
     * A client's outbox.
     *
     * @param onProgress runs whenever the client has taken some of what it was sent
     */
    Outbox(Channel channel, Runnable onProgress) {
        this.channel = channel;
        this.onProgress = onProgress;
    }

    /** Text on its way into the channel. */
    private final class Chunks extends OutputStream {
        private @Nullable ByteBuf buffer;
        private long madeBytes;

        @Override
        public void write(int b) {
            room(1).writeByte(b);
            madeBytes++;
        }

        @Override
        public void write(byte[] bytes, int from, int length) {
            madeBytes += length;
            int done = 0;
            while (done < length) {
                ByteBuf room = room(length - done);
                int part = Math.min(length - done, room.maxWritableBytes());
                room.writeBytes(bytes, from + done, part);
                done += part;
                if (room.maxWritableBytes() == 0) {
                    passOn();
                }
            }
        }

        private ByteBuf room(int bytes) {
            if (buffer == null) {
                buffer = channel.alloc().buffer(Math.clamp(bytes, SMALL_BYTES, CHUNK_BYTES), CHUNK_BYTES);
            }
            return buffer;
        }

        void passOn() {
            ByteBuf full = buffer;
            if (full != null) {
                buffer = null;
                int bytes = full.readableBytes();
                unsentBytes += bytes;
                channel.write(full).addListener(sent -> {
                    unsentBytes -= bytes;
                    onProgress.run();
                });
            }
        }
    }

    /**
     * Sends a message, as far as it goes.
     *
     * @param rows of which it is made while it is written
     */
    void send(JsonNode message, RowsHeld rows) {
        if (channel.isActive()) {
            waiting.add(new Letter(message, rows));
            if (rows != RowsHeld.NONE) {
                this.rows.add(rows);
            }
            pump();
        }
    }

    /** True if the client has taken everything. */
    boolean isEmpty() {
        return current == null && waiting.isEmpty() && unsentBytes == 0;
    }

    /** What the client has not taken: text, and messages of which no text is made yet. */
    long unsentBytes() {
        return unsentBytes + (long) LETTER_BYTES * (waiting.size() + (current == null ? 0 : 1));
    }

    /** The rows of which messages are made that are not whole yet. */
    List<RowsHeld> rows() {
        return new ArrayList<>(rows);
    }

    /** Goes on where the client has room again. */
    void pump() {
        if (pumping) {
            return;
        }
        pumping = true;
        try {
            long until = chunks.madeBytes + TURN_BYTES;
            while (channel.isWritable() && chunks.madeBytes < until && openNext()) {
                writeSome();
            }
            chunks.passOn();
            channel.flush();
        } finally {
            pumping = false;
        }
        if (channel.isWritable() && (current != null || !waiting.isEmpty()) && !turnIsDue) {
            turnIsDue = true;
            channel.eventLoop().schedule(this::nextTurn, 0, TimeUnit.NANOSECONDS); // others' sockets come first
        }
    }

    private void nextTurn() {
        turnIsDue = false;
        try {
            pump();
        } catch (RuntimeException e) { // A message that cannot be made: its client's handler says so, and lets go.
            channel.pipeline().fireExceptionCaught(e);
        }
    }

    private boolean openNext() {
        if (current == null) {
            Letter next = waiting.poll();
            currentLetter = next;
            current = next == null ? null : new JsonTextWriter(next.message, chunks);
        }
        return current != null;
    }

    private void writeSome() {
        try {
            if (current != null && current.write(CHUNK_BYTES)) {
                if (currentLetter != null && currentLetter.rows != RowsHeld.NONE) {
                    rows.remove();
                }
                current = null;
                currentLetter = null;
            }
        } catch (IOException e) {
            throw new UncheckedIOException("memory does not fail", e);
        }
    }

    /** The client is gone. */
    void close() {
        waiting.clear();
        rows.clear();
        current = null;
        currentLetter = null;
        if (chunks.buffer != null) {
            chunks.buffer.release();
            chunks.buffer = null;
        }
    }
}
