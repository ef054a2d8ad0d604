package io.turnstile.ovsdb.server;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The lock beside a database file, the same as ovsdb-server's ({@code .conf.db.~lock~}), so that one file has one
 * server. The lock file stays when the lock goes, as ovsdb-server's does.
 */
final class DatabaseLock implements AutoCloseable {
    /**
     * What this process holds. To open such a lock file once more, and close it, would let go of the lock: that is
     * POSIX.
     */
    private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

    private final Path lockFile;
    private final FileChannel channel;
    private final boolean made;

    private DatabaseLock(Path lockFile, FileChannel channel, boolean made) {
        this.lockFile = lockFile;
        this.channel = channel;
        this.made = made;
    }

    /** Takes the lock of a file whose folder is there; the message says who has it otherwise. */
    static DatabaseLock take(Path file) throws IOException {
        Path lockFile = file.toAbsolutePath().resolveSibling("." + file.getFileName() + ".~lock~");
        if (!HELD.add(lockFile)) {
            throw new IOException(file + ": database is in use by this very process");
        }
        boolean made = !Files.exists(lockFile, LinkOption.NOFOLLOW_LINKS);
        @Nullable FileChannel channel = null;
        try {
            channel = FileChannel.open(
                    lockFile,
                    Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS),
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            @Nullable FileLock lock = channel.tryLock();
            if (lock != null) {
                return new DatabaseLock(lockFile, channel, made);
            }
        } catch (IOException e) {
            release(lockFile, channel);
            throw new FileTrouble(file, "failed to lock lockfile", e);
        }
        release(lockFile, channel);
        throw new IOException(file + ": database is in use by another process (" + lockFile + ")");
    }

    private static void release(Path lockFile, @Nullable FileChannel channel) throws IOException {
        try {
            if (channel != null) {
                channel.close();
            }
        } finally {
            HELD.remove(lockFile);
        }
    }

    /** Lets go without a trace: for a file that could not be opened after all. */
    void undo() throws IOException {
        if (made) {
            Files.deleteIfExists(lockFile);
        }
        close();
    }

    @Override
    public void close() throws IOException {
        release(lockFile, channel);
    }
}
