package io.turnstile.daemon;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/**
 * The file by which {@code ovs-appctl} finds the daemon: holds the process id, and a record lock that tells a living
 * owner from a dead one's leftovers (ovs-appctl(8)).
 */
final class PidFile implements AutoCloseable {
    /** A process id is no secret: scripts that watch over the daemon read it without being root. */
    private static final Set<PosixFilePermission> READABLE_BY_ALL = PosixFilePermissions.fromString("rw-r--r--");

    private static final int MAX_BYTES = 20;

    private final Path path;
    private final FileChannel channel;
    private boolean closed;

    private PidFile(Path path, FileChannel channel) {
        this.path = path;
        this.channel = channel;
    }

    /** @throws IOException if another process holds it and it is not to be overwritten; or it cannot be written */
    static PidFile hold(Path path, boolean overwrite) throws IOException {
        if (overwrite) {
            Files.deleteIfExists(path); // A new file: the other process keeps its lock on the old one.
        }
        if (Files.isSymbolicLink(path)) { // or whoever may write the folder could have any file overwritten
            throw new IOException(path + ": is a symbolic link, which is not followed");
        }
        FileChannel channel = FileChannel.open(
                path,
                StandardOpenOption.CREATE,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE,
                LinkOption.NOFOLLOW_LINKS);
        try {
            // Before the lock: this opens and closes the file, with which a process loses its locks on it (fcntl(2)).
            Files.getFileAttributeView(path, PosixFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
                    .setPermissions(READABLE_BY_ALL);
            if (channel.tryLock() == null) {
                ByteBuffer owner = ByteBuffer.allocate(MAX_BYTES);
                channel.read(owner, 0);
                throw new IOException(path + ": already running as pid "
                        + new String(owner.array(), 0, owner.position(), StandardCharsets.US_ASCII).strip());
            }
            channel.truncate(0);
            channel.write(ByteBuffer.wrap((ProcessHandle.current().pid() + "\n").getBytes(StandardCharsets.US_ASCII)));
            return new PidFile(path, channel);
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    /** Removes the pid file at the path if it is this process's, and not that of one that was started in its place. */
    static void removeOwn(Path path) throws IOException {
        try (var in = Files.newInputStream(path, LinkOption.NOFOLLOW_LINKS)) {
            String owner = new String(in.readNBytes(MAX_BYTES), StandardCharsets.US_ASCII).strip();
            if (!owner.equals(Long.toString(ProcessHandle.current().pid()))) {
                return;
            }
        } catch (NoSuchFileException e) {
            return;
        }
        Files.deleteIfExists(path);
    }

    /** Removes the file; a second call does nothing. */
    @Override
    public void close() throws IOException {
        if (!closed) {
            closed = true;
            removeOwn(path);
            channel.close();
        }
    }
}
