package io.turnstile.daemon;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/** Makes the folders that are not there yet, with the rights that Open vSwitch's scripts (ovs-lib) give theirs. */
final class Folders {
    /** Everybody may look what is there; the sockets themselves say who may talk to them. */
    static final Set<PosixFilePermission> OF_SOCKETS = PosixFilePermissions.fromString("rwxr-xr-x");

    static final Set<PosixFilePermission> OF_LOGS = PosixFilePermissions.fromString("rwxr-x---");

    private Folders() {}

    /** A folder that is there already stays as it is. */
    static void make(Path folder, Set<PosixFilePermission> rights) throws IOException {
        if (!Files.isDirectory(folder)) {
            Files.createDirectories(folder);
            Files.setPosixFilePermissions(folder, rights);
        }
    }
}
