package io.turnstile.ovsdb.server;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.turnstile.ovsdb.data.OvsdbJson;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A standalone database file as ovsdb-tool writes and reads it (ovsdb(5)): records of {@code OVSDB JSON length sha1}
 * and a JSON text, first the schema, then a record a transaction. A record is on disk before {@link #append} returns.
 * What a crash left half written at the end is cut when the file is opened.
 *
 * <p>Threads: the database's.
 */
final class DatabaseLog implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DatabaseLog.class);
    private static final ObjectMapper JSON = OvsdbJson.MAPPER;
    private static final String MAGIC = "OVSDB JSON ";
    private static final int MAX_HEADER_BYTES = 100;

    private final Path file;
    private final FileChannel lockChannel;
    private FileChannel channel;
    private long sizeBytes;

    private DatabaseLog(Path file, FileChannel lockChannel, FileChannel channel, long sizeBytes) {
        this.file = file;
        this.lockChannel = lockChannel;
        this.channel = channel;
        this.sizeBytes = sizeBytes;
    }

    /** A file and what it held. */
    record Opened(DatabaseLog log, List<JsonNode> records) {}

    /** Opens the file, making it with {@code schema} as its only record if it is not there. */
    static Opened open(Path file, JsonNode schema) throws IOException {
        FileChannel lock = lock(file);
        try {
            return open(file, schema, lock);
        } catch (IOException e) {
            lock.close();
            throw e;
        }
    }

    private static Opened open(Path file, JsonNode schema, FileChannel lock) throws IOException {
        if (!Files.exists(file) || Files.size(file) == 0) {
            replace(file, List.of(schema));
        }
        byte[] bytes = Files.readAllBytes(file);
        List<JsonNode> records = new ArrayList<>();
        int whole = read(bytes, records);
        if (records.isEmpty()) {
            throw new IOException(file + ": not an OVSDB database file");
        }
        FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE);
        if (whole < bytes.length) {
            LOG.warn("{}: cut {} bytes of an unfinished record at the end", file, bytes.length - whole);
            channel.truncate(whole);
            channel.force(true);
        }
        return new Opened(new DatabaseLog(file, lock, channel, whole), records);
    }

    /** The same lock file as ovsdb-server's, so that the two never write one file. */
    private static FileChannel lock(Path file) throws IOException {
        Files.createDirectories(file.toAbsolutePath().getParent());
        Path lockFile = file.toAbsolutePath().resolveSibling("." + file.getFileName() + ".~lock~");
        FileChannel channel = FileChannel.open(
                lockFile, StandardOpenOption.CREATE, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
        @Nullable FileLock lock = null;
        try {
            lock = channel.tryLock();
        } catch (OverlappingFileLockException e) {
            // Held by this very process: said below like any other holder.
        }
        if (lock == null) {
            channel.close();
            throw new IOException(file + ": database is in use by another process (" + lockFile + ")");
        }
        return channel;
    }

    /** Reads whole records; returns where the last one ends. */
    private static int read(byte[] bytes, List<JsonNode> records) {
        int offset = 0;
        while (offset < bytes.length) {
            int lineEnd = indexOfLineEnd(bytes, offset);
            if (lineEnd < 0) {
                return offset;
            }
            String[] header = new String(bytes, offset, lineEnd - offset, StandardCharsets.US_ASCII).split(" ", -1);
            boolean wellFormed = header.length == 4
                    && (header[0] + " " + header[1] + " ").equals(MAGIC)
                    && header[2].matches("\\d{1,9}");
            int length = wellFormed ? Integer.parseInt(header[2]) : 0;
            int start = lineEnd + 1;
            if (!wellFormed
                    || start + (long) length > bytes.length
                    || !sha1(bytes, start, length).equals(header[3])) {
                return offset;
            }
            try {
                records.add(JSON.readTree(bytes, start, length));
            } catch (IOException | IllegalArgumentException e) {
                return offset;
            }
            offset = start + length;
        }
        return offset;
    }

    private static int indexOfLineEnd(byte[] bytes, int from) {
        for (int i = from; i < Math.min(bytes.length, from + MAX_HEADER_BYTES); i++) {
            if (bytes[i] == '\n') {
                return i;
            }
        }
        return -1;
    }

    private static String sha1(byte[] bytes, int from, int length) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-1");
            digest.update(bytes, from, length);
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-1", e);
        }
    }

    private static byte[] record(JsonNode json) {
        try {
            byte[] text = (JSON.writeValueAsString(json) + "\n").getBytes(StandardCharsets.UTF_8);
            byte[] header =
                    (MAGIC + text.length + " " + sha1(text, 0, text.length) + "\n").getBytes(StandardCharsets.US_ASCII);
            return ByteBuffer.allocate(header.length + text.length)
                    .put(header)
                    .put(text)
                    .array();
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a tree is always JSON", e);
        }
    }

    /** Appends and waits until the record is on disk. */
    void append(JsonNode json) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(record(json));
        try {
            while (bytes.hasRemaining()) {
                channel.write(bytes, sizeBytes + bytes.position());
            }
            channel.force(false);
            sizeBytes += bytes.limit();
        } catch (IOException e) {
            channel.truncate(sizeBytes); // Or half a record would hide all that is appended after it.
            throw e;
        }
    }

    long sizeBytes() {
        return sizeBytes;
    }

    /** Replaces the file by one of these records, at once or not at all. */
    void compact(List<JsonNode> records) throws IOException {
        replace(file, records);
        channel.close();
        channel = FileChannel.open(file, StandardOpenOption.WRITE);
        sizeBytes = channel.size();
    }

    private static void replace(Path file, List<JsonNode> records) throws IOException {
        Path fresh = file.resolveSibling(file.getFileName() + ".tmp");
        try (FileChannel out = FileChannel.open(
                fresh, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)) {
            for (JsonNode json : records) {
                ByteBuffer bytes = ByteBuffer.wrap(record(json));
                while (bytes.hasRemaining()) {
                    out.write(bytes);
                }
            }
            out.force(true);
        }
        Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        try (FileChannel directory = FileChannel.open(file.toAbsolutePath().getParent())) {
            directory.force(true); // The new name, too, must survive a crash.
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
        lockChannel.close();
    }
}
