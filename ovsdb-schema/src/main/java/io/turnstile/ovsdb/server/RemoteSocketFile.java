package io.turnstile.ovsdb.server;

import java.io.IOException;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * The name that a listening Unix socket has in the file system. It outlives a process that is killed, so that whoever
 * wants to listen there next has to remove it. Paths come from command lines and from the database, and the process may
 * be root's: nothing but a socket on which nobody listens is ever removed, and no symbolic link is followed.
 *
 * <p>{@code openflow.SocketFile} is the same for the artifact that has no database: what changes here changes there.
 *
 * <p>Threads: any; nothing waits.
 */
final class RemoteSocketFile {
    // stat(2), st_mode
    private static final int TYPE_BITS = 0xf000;
    private static final int SOCKET = 0xc000;

    private RemoteSocketFile() {}

    /**
     * Makes the name free for a socket to be bound.
     *
     * @throws IOException if something else than a socket bears it, or a socket that somebody listens on
     */
    static void makeRoom(Path path) throws IOException {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        if (!isSocket(path)) {
            throw new IOException(path + ": exists and is not a socket, so it is left alone");
        }
        if (isListenedOn(path)) {
            throw new IOException(path + ": Address already in use");
        }
        Files.deleteIfExists(path);
    }

    /** Removes the name of a socket that is closed, unless somebody else listens there by now. */
    static void remove(Path path) throws IOException {
        if (isSocket(path) && !isListenedOn(path)) {
            Files.deleteIfExists(path);
        }
    }

    /** Whether a socket bears that name; not one that a symbolic link leads to. */
    private static boolean isSocket(Path path) throws IOException {
        try {
            int mode = (int) Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS);
            return (mode & TYPE_BITS) == SOCKET;
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    /** Who may not connect, or finds a full queue, has found somebody: only a refusal says that nobody is there. */
    private static boolean isListenedOn(Path path) {
        try (SocketChannel caller = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            caller.configureBlocking(false);
            caller.connect(UnixDomainSocketAddress.of(path));
            return true;
        } catch (ConnectException refused) {
            return false;
        } catch (IOException e) {
            return true;
        }
    }
}
