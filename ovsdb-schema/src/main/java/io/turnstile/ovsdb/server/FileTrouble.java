package io.turnstile.ovsdb.server;

import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * That something could not be done with a file, in ovsdb-server's words: {@code conf.db: write failed (No space left on
 * device)}.
 */
final class FileTrouble extends IOException {
    private static final long serialVersionUID = 1L;

    private final String what;
    private final String reason;

    FileTrouble(Path file, String what, IOException cause) {
        this(file + ": " + what, reason(cause), cause);
    }

    private FileTrouble(String what, String reason, IOException cause) {
        super(what + " (" + reason + ")", cause);
        this.what = what;
        this.reason = reason;
    }

    /** {@code conf.db: write failed}. */
    String what() {
        return what;
    }

    /** {@code No space left on device}. */
    String reason() {
        return reason;
    }

    /** The system's word for the error: the JDK leaves it out where it has a class for it. */
    private static String reason(IOException error) {
        return switch (error) {
            case FileTrouble trouble -> trouble.what + " (" + trouble.reason + ")";
            case AccessDeniedException _ -> "Permission denied";
            case NoSuchFileException _ -> "No such file or directory";
            case FileAlreadyExistsException _ -> "File exists";
            case NotDirectoryException _ -> "Not a directory";
            case DirectoryNotEmptyException _ -> "Directory not empty";
            case ClosedByInterruptException _ -> "interrupted";
            case FileSystemException known -> said(known.getReason(), known);
            default -> said(error.getMessage(), error);
        };
    }

    private static String said(@Nullable String reason, IOException error) {
        return reason == null ? error.getClass().getSimpleName() : reason;
    }
}
