package io.turnstile.ovsdb.server;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A new file beside a log ({@code conf.db.tmp}), which is to take its place: first what the log adds up to, then what
 * has been appended to the log meanwhile. Until {@link #takePlace} the log is what counts, from then on the new file: a
 * crash finds one of them whole.
 *
 * <p>Threads: {@link #write} may run on any while the log is appended to; the rest is the log's.
 */
final class Rewrite {
    /** So much the log's thread copies itself, so that it stands still for no longer than that takes. */
    private static final long REST_BYTES = 1 << 18;

    private static final int MAX_ROUNDS = 20;

    private final DatabaseLog log;
    private final Path fresh;
    private final FileChannel from;
    private final FileChannel to;
    /** Up to where the log is in the new file. */
    private long copied;

    private long sizeBytes;
    private long contentBytes;
    /** The new file is the log. */
    private boolean placed;

    private Rewrite(DatabaseLog log, Path fresh, FileChannel from, FileChannel to) {
        this.log = log;
        this.fresh = fresh;
        this.from = from;
        this.to = to;
        copied = log.sizeBytes();
    }

    /** Begins with what the log holds now. */
    static Rewrite begin(DatabaseLog log) throws IOException {
        log.prepare(); // What it replaces may be damaged: that is put aside.
        Path fresh = DatabaseLog.temporary(log.file());
        FileChannel from = FileChannel.open(log.file());
        try {
            Files.deleteIfExists(fresh);
            FileChannel to = Folders.create(fresh);
            Folders.copyMode(log.file(), fresh);
            return new Rewrite(log, fresh, from, to);
        } catch (IOException e) {
            from.close();
            Folders.discard(fresh);
            throw new FileTrouble(fresh, "open failed", e);
        }
    }

    /**
     * Writes what the log held when this began, and nearly all that has come since.
     *
     * @param content the records that the log added up to
     */
    void write(List<RecordWriter.Body> content) throws IOException {
        try {
            for (RecordWriter.Body record : content) {
                sizeBytes += RecordWriter.write(record, to, sizeBytes);
            }
            contentBytes = sizeBytes;
            to.force(true);
            for (int i = 0; i < MAX_ROUNDS && log.sizeBytes() - copied > REST_BYTES; i++) {
                copy();
                to.force(false);
            }
        } catch (InterruptedIOException e) {
            throw e;
        } catch (IOException e) {
            throw new FileTrouble(fresh, "write failed", e);
        }
    }

    /** How much of the new file is what the log added up to. */
    long contentBytes() {
        return contentBytes;
    }

    private void copy() throws IOException {
        long end = log.sizeBytes();
        to.position(sizeBytes);
        while (copied < end) {
            long taken = from.transferTo(copied, end - copied, to);
            if (taken <= 0) {
                throw new IOException("the log is shorter than it was");
            }
            copied += taken;
            sizeBytes += taken;
        }
    }

    /** Makes the new file the log, on disk when this returns. */
    void takePlace() throws IOException {
        try {
            copy();
            to.force(true);
        } catch (IOException e) {
            throw new FileTrouble(fresh, "write failed", e);
        }
        try {
            log.becomes(fresh, to, sizeBytes);
        } finally {
            placed = log.isIn(to);
        }
        close(from);
    }

    /** Gives the new file up. */
    void drop() {
        close(from);
        if (!placed) { // else it is the log, whose name may not be on disk yet
            close(to);
            Folders.discard(fresh);
        }
    }

    private static void close(FileChannel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            // Nothing is lost with it.
        }
    }
}
