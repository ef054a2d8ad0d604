package io.turnstile.ovsdb.server;

import com.fasterxml.jackson.core.JsonParser;
import io.turnstile.ovsdb.data.OvsdbException;
import io.turnstile.ovsdb.schema.SchemaException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A standalone database file as ovsdb-tool writes and reads it (ovsdb(5)): records, first the schema, then one for a
 * transaction. A record is on disk before {@link #append} returns.
 *
 * <p>What a crash left of the last write is cut when the file is written to the next time. What is damaged otherwise is
 * copied before that ({@link DamagedCopies}); in either case the records before it are what counts, as with
 * ovsdb-server.
 *
 * <p>Threads: the database's; {@link #sizeBytes} and {@link #file} may be asked by any.
 */
final class DatabaseLog implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DatabaseLog.class);

    private final Path file;
    private final DatabaseLock lock;
    private FileChannel channel;
    private volatile long sizeBytes;
    /** What is wrong behind the last whole record and has not been put aside yet. */
    private @Nullable Damage damage;
    /** What a failed write may have left behind the last whole record. */
    private boolean hasRemains;
    /** The file's name may not be on disk. */
    private boolean isNameUnsure;

    private DatabaseLog(Path file, DatabaseLock lock, FileChannel channel, RecordReader read, @Nullable Damage damage) {
        this.file = file;
        this.lock = lock;
        this.channel = channel;
        this.sizeBytes = read.wholeBytes();
        this.damage = damage;
    }

    /** Takes what a file holds, record by record. */
    interface Loader {
        /** Reads a record, of which nothing may come before {@link #take}. The first one is the schema. */
        void read(long record, JsonParser json) throws IOException;

        /** The record that has just been read is whole. */
        void take(long record) throws IOException;
    }

    /**
     * Opens the file, making it with {@code schema} as its only record if it is not there. A file that cannot be opened
     * is left as it is, and nothing beside it.
     */
    static DatabaseLog open(Path name, RecordWriter.Body schema, Loader loader) throws IOException {
        Path file = Folders.target(name);
        List<Path> madeFolders = List.of();
        if (Files.exists(file)) {
            checkKind(file);
        } else {
            try {
                madeFolders = Folders.makeAbove(file);
            } catch (IOException e) {
                throw new FileTrouble(file, "create failed", e);
            }
        }
        try {
            DatabaseLock lock = DatabaseLock.take(file);
            try {
                return open(file, schema, loader, lock);
            } catch (IOException | RuntimeException e) {
                lock.undo();
                throw e;
            }
        } catch (IOException | RuntimeException e) {
            madeFolders.forEach(Folders::discard);
            throw e;
        }
    }

    /** Refuses what cannot be a database before anything is made beside it. */
    private static void checkKind(Path file) throws IOException {
        if (Files.isDirectory(file)) {
            throw new IOException(file + ": open failed (Is a directory)");
        }
        if (!Files.isRegularFile(file)) {
            throw new IOException(file + ": not an OVSDB database file: neither a file nor a folder");
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            String head = RecordHeader.beginning(channel);
            if (head.isEmpty()) {
                throw new IOException(
                        file + ": not an OVSDB database file: it is empty (without it a new one is made)");
            }
            if (head.startsWith(RecordHeader.CLUSTER_MAGIC)) {
                throw new IOException(file + ": a clustered database, not a standalone one"
                        + " (ovsdb-tool cluster-to-standalone makes one of it)");
            }
            if (!head.startsWith(RecordHeader.MAGIC)) {
                throw new IOException(file + ": not an OVSDB database file: it begins " + RecordHeader.shown(head));
            }
        } catch (FileSystemException e) {
            throw new FileTrouble(file, "open failed", e);
        }
    }

    private static DatabaseLog open(Path file, RecordWriter.Body schema, Loader loader, DatabaseLock lock)
            throws IOException {
        removeLeftovers(file);
        if (!Files.exists(file)) {
            create(file, schema);
        }
        FileChannel channel = openChannel(file);
        try {
            RecordReader reader = new RecordReader(channel);
            Damage damage = load(file, reader, loader);
            if (damage != null) {
                LOG.warn(
                        "{}: {}; the records before it are used{}",
                        file,
                        damage.inWords(),
                        damage.unfinished() ? "" : ", and the file is copied before it is written to");
            }
            return new DatabaseLog(file, lock, channel, reader, damage);
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    private static void removeLeftovers(Path file) throws IOException {
        for (Path leftover : List.of(temporary(file), DamagedCopies.unfinished(file))) {
            try {
                if (Files.deleteIfExists(leftover)) {
                    LOG.info("{}: removed, a crash had left it unfinished", leftover);
                }
            } catch (IOException e) {
                throw new FileTrouble(leftover, "remove failed", e);
            }
        }
    }

    private static FileChannel openChannel(Path file) throws IOException {
        try {
            return FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
        } catch (IOException e) {
            throw new FileTrouble(file, "open failed", e);
        }
    }

    /** Gives all whole records to the loader; returns what comes behind them. */
    private static @Nullable Damage load(Path file, RecordReader reader, Loader loader) throws IOException {
        while (!reader.isAtEnd()) {
            long record = reader.records();
            @Nullable Damage damage;
            try {
                damage = reader.next(json -> loader.read(record, json));
                if (damage == null) {
                    loader.take(record);
                }
            } catch (RecordReader.RefusedException | OvsdbException | SchemaException | IllegalArgumentException e) {
                throw new IOException(file + ": record " + record + ": " + e.getMessage(), e);
            } catch (IOException e) {
                throw new FileTrouble(file, "read failed", e);
            }
            if (damage != null) {
                if (record == 0) {
                    throw new IOException(
                            file + ": not an OVSDB database file any more, its schema is damaged: " + damage.inWords());
                }
                return damage;
            }
        }
        return null;
    }

    private static void create(Path file, RecordWriter.Body schema) throws IOException {
        Path fresh = temporary(file);
        try {
            try (FileChannel out = Folders.create(fresh)) {
                RecordWriter.write(schema, out, 0);
                out.force(true);
            }
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
            Folders.sync(file);
        } catch (IOException e) {
            Folders.discard(fresh);
            throw new FileTrouble(file, "create failed", e);
        }
    }

    /** What a new file is called until it takes the old one's place; ovsdb-server has the same name for it. */
    static Path temporary(Path file) {
        return file.resolveSibling(file.getFileName() + ".tmp");
    }

    Path file() {
        return file;
    }

    long sizeBytes() {
        return sizeBytes;
    }

    /** Appends and waits until the record is on disk; if that fails, it is not there. */
    void append(RecordWriter.Body body) throws IOException {
        try {
            prepare();
            hasRemains = true;
            long recordBytes = RecordWriter.write(body, channel, sizeBytes);
            channel.force(false);
            hasRemains = false;
            sizeBytes += recordBytes;
        } catch (IOException e) {
            try {
                cutRemains();
            } catch (IOException again) {
                e.addSuppressed(again); // Tried once more before the next write.
            }
            throw new FileTrouble(file, "write failed", e);
        }
    }

    /** Nothing may be written over what has not been put aside, nor behind half a record: that would hide it. */
    void prepare() throws IOException {
        if (damage != null) {
            if (!damage.unfinished()) {
                Path copy = DamagedCopies.keep(file, channel);
                LOG.warn("{}: copied as {}, cut at offset {}", file, copy, sizeBytes);
            } else {
                LOG.warn("{}: cut {} bytes of an unfinished record at the end", file, damage.lostBytes());
            }
            hasRemains = true;
            damage = null;
        }
        cutRemains();
        if (isNameUnsure) {
            Folders.sync(file);
            isNameUnsure = false;
        }
    }

    private void cutRemains() throws IOException {
        if (hasRemains) {
            channel.truncate(sizeBytes);
            channel.force(true);
            hasRemains = false;
        }
    }

    /** Whether the log is in this file. */
    boolean isIn(FileChannel other) {
        return channel == other;
    }

    /** Takes a file for the log from now on, under the log's name. */
    void becomes(Path fresh, FileChannel to, long freshBytes) throws IOException {
        try {
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new FileTrouble(file, "replace failed", e);
        }
        FileChannel old = channel;
        channel = to;
        sizeBytes = freshBytes;
        hasRemains = false;
        isNameUnsure = true;
        try {
            old.close();
            Folders.sync(file);
            isNameUnsure = false;
        } catch (IOException e) {
            throw new FileTrouble(file, "replace failed", e);
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
        lock.close();
    }
}
