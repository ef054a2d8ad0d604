package io.turnstile.ovsdb.server;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import java.io.CharConversionException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import org.jspecify.annotations.Nullable;

/**
 * The records of a database file, one after the other, through a buffer of fixed size: what a record takes of memory is
 * the reader's affair.
 *
 * <p>Threads: one at a time.
 */
final class RecordReader {
    private static final int BUFFER_BYTES = 1 << 16;
    /** How often what follows a damaged record may be gone through in search of good ones. */
    private static final int SEARCH_PASSES = 4;

    /**
     * As long as any server takes a text from a client, or less where there is little memory: it is collected in pieces
     * of two bytes a character.
     */
    private static final JsonFactory JSON = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxStringLength((int) Math.min(
                            ServerLimits.MOST_REQUEST_BYTES,
                            Runtime.getRuntime().maxMemory() / 8))
                    .build())
            .build();

    private static final byte[] MAGIC = RecordHeader.MAGIC.getBytes(StandardCharsets.US_ASCII);

    private final FileChannel channel;
    private final long sizeBytes;
    private final ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES).limit(0);
    /** Where in the file the buffer's first byte stands. */
    private long bufferOffset;

    private long records;
    private long wholeBytes;

    RecordReader(FileChannel channel) throws IOException {
        this.channel = channel;
        sizeBytes = channel.size();
    }

    /** Takes a record's JSON as it is read. */
    interface Body {
        /**
         * Reads one value. The record may yet turn out to be damaged: nothing may come of it before
         * {@link RecordReader#next} has returned null.
         */
        void read(JsonParser json) throws IOException;
    }

    /** How many whole records have been read. */
    long records() {
        return records;
    }

    /** Where the last whole record ends. */
    long wholeBytes() {
        return wholeBytes;
    }

    boolean isAtEnd() {
        return wholeBytes == sizeBytes;
    }

    /**
     * Reads the next record; there must be something left to read.
     *
     * @return null if the record is whole; otherwise nothing can be read any more
     * @throws IOException if the disk does not give the bytes, and whatever {@code body} throws of a record that is
     *     whole
     */
    @Nullable
    Damage next(Body body) throws IOException {
        seek(wholeBytes);
        String line = line();
        if (line == null) {
            return damage(headerDamage(), isBeginningOfHeader());
        }
        RecordHeader header = RecordHeader.parse(line);
        if (header == null) {
            return damage("the header is none: " + RecordHeader.shown(line), false);
        }
        BodyInput input = new BodyInput(header.lengthBytes());
        @Nullable Exception refusal = null;
        boolean isJson = true;
        try (JsonParser json = JSON.createParser(input)) {
            isJson = json.nextToken() == JsonToken.START_OBJECT;
            if (isJson) {
                body.read(json);
            }
        } catch (StreamConstraintsException e) {
            refusal = new RefusedException(e.getOriginalMessage());
        } catch (JsonProcessingException | CharConversionException e) { // the latter of what looks like UTF-32
            isJson = false;
        } catch (RefusedException | RuntimeException e) {
            refusal = e;
        }
        input.drain();
        if (input.left > 0) {
            boolean shortened = header.isSumOf(input.sum);
            return damage(
                    "%d bytes are announced, %d are there%s"
                            .formatted(
                                    header.lengthBytes(),
                                    header.lengthBytes() - input.left,
                                    shortened ? " and have the right checksum" : ""),
                    !shortened);
        }
        if (!header.isSumOf(input.sum)) {
            return damage("bad checksum over %d bytes".formatted(header.lengthBytes()), false);
        }
        if (!isJson) {
            return damage("%d bytes that are not a JSON object".formatted(header.lengthBytes()), false);
        }
        switch (refusal) {
            case null -> {}
            case RefusedException e -> throw e;
            case RuntimeException e -> throw e;
            default -> throw new IllegalStateException(refusal);
        }
        records++;
        wholeBytes = position();
        return null;
    }

    /** What is wrong with a record that does not even have a line for a header. */
    private String headerDamage() throws IOException {
        return sizeBytes - wholeBytes >= RecordHeader.MAX_BYTES
                ? "the header has no end: " + RecordHeader.shown(text(RecordHeader.MAX_BYTES))
                : "the header ends with the file after %d bytes".formatted(sizeBytes - wholeBytes);
    }

    /** True if what is left is what a crash leaves of a header, or zeros of a block that was never written. */
    private boolean isBeginningOfHeader() throws IOException {
        seek(wholeBytes);
        boolean zeros = true;
        for (int octet = read(); octet >= 0 && zeros; octet = read()) {
            zeros = octet == 0;
        }
        if (zeros) {
            return true;
        }
        if (sizeBytes - wholeBytes >= RecordHeader.MAX_BYTES) {
            return false;
        }
        String text = text(RecordHeader.MAX_BYTES);
        return text.length() <= RecordHeader.MAGIC.length()
                ? RecordHeader.MAGIC.startsWith(text)
                : text.matches(RecordHeader.MAGIC + "\\d{1,15}( [0-9a-f]{0,40})?");
    }

    private Damage damage(String what, boolean maybeUnfinished) throws IOException {
        GoodBehind good = new GoodBehind();
        good.count();
        return new Damage(
                records,
                wholeBytes,
                sizeBytes - wholeBytes,
                what,
                maybeUnfinished && good.records == 0,
                good.records,
                good.budgetBytes > 0);
    }

    /** Whole records behind the one that is damaged. */
    private final class GoodBehind {
        long records;
        long budgetBytes = SEARCH_PASSES * (sizeBytes - wholeBytes);

        void count() throws IOException {
            long from = wholeBytes + 1;
            while (from < sizeBytes && budgetBytes > 0) {
                long candidate = find(from);
                if (candidate < 0) {
                    return;
                }
                seek(candidate);
                String line = line();
                RecordHeader header = line == null ? null : RecordHeader.parse(line);
                from = candidate + 1;
                if (header != null && header.lengthBytes() <= sizeBytes - position()) {
                    BodyInput body = new BodyInput(header.lengthBytes());
                    body.drain();
                    if (header.isSumOf(body.sum)) {
                        records++;
                        from = position();
                    } else {
                        budgetBytes -= header.lengthBytes();
                    }
                }
            }
        }

        /** Where the next header may begin; -1 if nowhere. */
        private long find(long from) throws IOException {
            seek(from);
            int matched = 0;
            for (int octet = read(); octet >= 0; octet = read()) {
                if (octet == MAGIC[matched]) {
                    matched++;
                } else {
                    seek(position() - matched);
                    matched = 0;
                }
                if (matched == MAGIC.length) {
                    return position() - matched;
                }
            }
            return -1;
        }
    }

    // ---- bytes ----

    private long position() {
        return bufferOffset + buffer.position();
    }

    private void seek(long offset) {
        long within = offset - bufferOffset;
        if (within >= 0 && within <= buffer.limit()) {
            buffer.position((int) within);
        } else {
            bufferOffset = offset;
            buffer.position(0).limit(0);
        }
    }

    /** Makes bytes available; false at the end of the file. */
    private boolean fill() throws IOException {
        if (buffer.hasRemaining()) {
            return true;
        }
        bufferOffset += buffer.limit();
        buffer.clear();
        int length = 0;
        if (bufferOffset < sizeBytes) {
            buffer.limit((int) Math.min(buffer.capacity(), sizeBytes - bufferOffset));
            length = Math.max(0, channel.read(buffer, bufferOffset));
        }
        buffer.position(0).limit(length);
        return length > 0;
    }

    private int read() throws IOException {
        return fill() ? buffer.get() & 0xff : -1;
    }

    /** A header's line without its end; null if there is no line end where a header's must be. */
    private @Nullable String line() throws IOException {
        StringBuilder line = new StringBuilder();
        for (int octet = read(); octet >= 0 && line.length() < RecordHeader.MAX_BYTES; octet = read()) {
            if (octet == '\n') {
                return line.toString();
            }
            line.append((char) octet);
        }
        return null;
    }

    /** What follows the last whole record, so many bytes at most. */
    private String text(int maxBytes) throws IOException {
        seek(wholeBytes);
        StringBuilder text = new StringBuilder();
        for (int octet = read(); octet >= 0 && text.length() < maxBytes; octet = read()) {
            text.append((char) octet);
        }
        return text.toString();
    }

    /** A record's JSON; the checksum is that of what has been read of it. */
    private final class BodyInput extends InputStream {
        final MessageDigest sum = RecordHeader.newSum();
        long left;

        BodyInput(long lengthBytes) {
            left = lengthBytes;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            if (left == 0 || !fill()) {
                return -1;
            }
            int taken = (int) Math.min(Math.min(length, buffer.remaining()), left);
            buffer.get(bytes, offset, taken);
            sum.update(bytes, offset, taken);
            left -= taken;
            return taken;
        }

        void drain() throws IOException {
            while (left > 0 && fill()) {
                int taken = (int) Math.min(buffer.remaining(), left);
                sum.update(buffer.array(), buffer.position(), taken);
                buffer.position(buffer.position() + taken);
                left -= taken;
            }
        }
    }

    /** A whole record that this database cannot take; the message is for people. */
    static final class RefusedException extends IOException {
        private static final long serialVersionUID = 1L;

        RefusedException(String message) {
            super(message);
        }
    }
}
