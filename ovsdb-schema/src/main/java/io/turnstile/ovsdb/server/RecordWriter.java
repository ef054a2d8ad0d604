package io.turnstile.ovsdb.server;

import com.fasterxml.jackson.core.JsonGenerator;
import io.turnstile.ovsdb.data.OvsdbJson;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.security.MessageDigest;
import org.jspecify.annotations.Nullable;

/**
 * One record, written through a buffer of fixed size. The header tells length and checksum of what follows it: the body
 * is written once for these, and, unless it has stayed in the buffer, once more into the file.
 */
final class RecordWriter {
    private static final int BUFFER_BYTES = 1 << 16;

    private RecordWriter() {}

    /** A record's JSON, the same each time it is written. */
    interface Body {
        void write(JsonGenerator json) throws IOException;
    }

    /**
     * Writes the record at {@code offset} of the file.
     *
     * @return the bytes that it takes there
     */
    static long write(Body body, FileChannel channel, long offset) throws IOException {
        Sink measured = new Sink(null, 0);
        write(body, measured);
        byte[] header = RecordHeader.of(measured.lengthBytes, measured.sum).bytes();
        if (measured.lengthBytes == measured.buffer.position()) {
            ByteBuffer record = ByteBuffer.allocate(header.length + measured.buffer.position())
                    .put(header)
                    .put(measured.buffer.flip())
                    .flip();
            writeFully(channel, record, offset);
            return record.limit();
        }
        Sink sink = new Sink(channel, offset);
        sink.write(header);
        write(body, sink);
        sink.flush();
        return sink.lengthBytes;
    }

    private static void write(Body body, Sink sink) throws IOException {
        try (JsonGenerator json = OvsdbJson.MAPPER.getFactory().createGenerator(sink)) {
            json.disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET);
            json.disable(JsonGenerator.Feature.FLUSH_PASSED_TO_STREAM);
            body.write(json);
        }
        sink.write('\n');
    }

    /** Writes all bytes of the buffer at an offset of the file. */
    static void writeFully(FileChannel channel, ByteBuffer bytes, long offset) throws IOException {
        long at = offset;
        while (bytes.hasRemaining()) {
            at += channel.write(bytes, at);
        }
    }

    /** Takes bytes into the buffer, and the full buffer into the file, or away if there is none. */
    private static final class Sink extends OutputStream {
        final ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES);
        final MessageDigest sum = RecordHeader.newSum();
        final @Nullable FileChannel channel;
        final long offset;
        long lengthBytes;

        Sink(@Nullable FileChannel channel, long offset) {
            this.channel = channel;
            this.offset = offset;
        }

        @Override
        public void write(int octet) throws IOException {
            write(new byte[] {(byte) octet}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int from, int length) throws IOException {
            if (channel == null) {
                sum.update(bytes, from, length);
            }
            for (int done = 0; done < length; ) {
                if (!buffer.hasRemaining()) {
                    flush();
                }
                int taken = Math.min(buffer.remaining(), length - done);
                buffer.put(bytes, from + done, taken);
                done += taken;
                lengthBytes += taken;
            }
        }

        @Override
        public void flush() throws IOException {
            if (channel != null) {
                long flushed = offset + lengthBytes - buffer.position();
                writeFully(channel, buffer.flip(), flushed);
            }
            buffer.clear();
        }
    }
}
