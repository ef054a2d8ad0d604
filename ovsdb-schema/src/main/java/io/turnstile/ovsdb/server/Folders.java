package io.turnstile.ovsdb.server;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Files and names in a folder, as a database wants them: private, and on disk when it is said so. */
final class Folders {
    /** As ovsdb-server makes a database under Debian's umask: not for everybody. */
    private static final FileAttribute<Set<PosixFilePermission>> DATABASE_MODE =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-r-----"));

    /** What file systems say whose folders are not synced; ovsdb-server passes over it too. */
    private static final String NO_SYNC = "Invalid argument";

    private static final int MAX_LINKS = 40;

    private Folders() {}

    /** The file that a name stands for: symbolic links are followed, also to where there is nothing yet. */
    static Path target(Path name) throws IOException {
        Path file = name.toAbsolutePath();
        for (int i = 0; i < MAX_LINKS && Files.isSymbolicLink(file); i++) {
            file = file.resolveSibling(Files.readSymbolicLink(file));
        }
        return file;
    }

    static Path parent(Path file) {
        Path parent = file.toAbsolutePath().getParent();
        if (parent == null) {
            throw new IllegalArgumentException(file + " is in no folder");
        }
        return parent;
    }

    /** Makes the missing folders above a file; they are returned, innermost first. */
    static List<Path> makeAbove(Path file) throws IOException {
        List<Path> missing = new ArrayList<>();
        for (Path folder = parent(file); folder != null && !Files.exists(folder); folder = folder.getParent()) {
            missing.add(folder);
        }
        Files.createDirectories(parent(file));
        return missing;
    }

    /** Opens a new, empty file of a database. */
    static FileChannel create(Path file) throws IOException {
        return FileChannel.open(
                file,
                Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE),
                DATABASE_MODE);
    }

    /** Gives a new file another one's mode, where modes differ: not all file systems have them. */
    static void copyMode(Path from, Path to) throws IOException {
        Set<PosixFilePermission> mode = Files.getPosixFilePermissions(from);
        if (!mode.equals(Files.getPosixFilePermissions(to))) {
            Files.setPosixFilePermissions(to, mode);
        }
    }

    /** Removes what is not wanted any more, after something else has failed: that is what is said. */
    static void discard(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            // It is removed, or said, when the database is opened the next time.
        }
    }

    /** Waits until names that came and went in the file's folder are on disk. */
    static void sync(Path file) throws IOException {
        try (FileChannel folder = FileChannel.open(parent(file))) {
            folder.force(true);
        } catch (IOException e) {
            if (!NO_SYNC.equals(e.getMessage())) {
                throw e;
            }
        }
    }
}
