package io.turnstile.ovsdb.server;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Copies of a database file as it was before what is damaged in it was cut off: {@code conf.db.damaged-1} and so on,
 * the last few of them.
 */
final class DamagedCopies {
    private static final Logger LOG = LoggerFactory.getLogger(DamagedCopies.class);
    /** More of them than this are not kept: the oldest goes. */
    static final int MAX_COPIES = 5;

    private static final String INFIX = ".damaged-";
    private static final String UNFINISHED = ".damaged.tmp";

    private DamagedCopies() {}

    private record Copy(Path file, long number) {}

    /** Copies the whole file; the copy is on disk when this returns. */
    static Path keep(Path file, FileChannel content) throws IOException {
        List<Copy> copies = list(file);
        long number = copies.isEmpty() ? 1 : copies.getLast().number + 1;
        Path unfinished = unfinished(file);
        Path copy = file.resolveSibling(file.getFileName() + INFIX + number);
        try {
            Files.deleteIfExists(unfinished);
            try (FileChannel out = Folders.create(unfinished)) {
                Folders.copyMode(file, unfinished);
                for (long done = 0, size = content.size(); done < size; ) {
                    done += content.transferTo(done, size - done, out);
                }
                out.force(true);
            }
            Files.move(unfinished, copy, StandardCopyOption.ATOMIC_MOVE);
            Folders.sync(file);
        } catch (IOException e) {
            Folders.discard(unfinished);
            throw new FileTrouble(copy, "copying the damaged file failed", e);
        }
        for (int i = 0; i <= copies.size() - MAX_COPIES; i++) {
            LOG.warn("{}: removed, there are {} later copies of damaged files", copies.get(i).file, MAX_COPIES);
            Files.deleteIfExists(copies.get(i).file);
        }
        return copy;
    }

    /** What a copy is called until it is whole. */
    static Path unfinished(Path file) {
        return file.resolveSibling(file.getFileName() + UNFINISHED);
    }

    /** The copies beside a file, the oldest first. */
    private static List<Copy> list(Path file) throws IOException {
        Pattern name = Pattern.compile(Pattern.quote(file.getFileName() + INFIX) + "(\\d{1,15})");
        List<Copy> copies = new ArrayList<>();
        try (DirectoryStream<Path> siblings = Files.newDirectoryStream(Folders.parent(file))) {
            for (Path sibling : siblings) {
                Matcher matcher = name.matcher(sibling.getFileName().toString());
                if (matcher.matches()) {
                    copies.add(new Copy(sibling, Long.parseLong(matcher.group(1))));
                }
            }
        }
        copies.sort(Comparator.comparingLong(Copy::number));
        return copies;
    }
}
