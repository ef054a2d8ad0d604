package io.turnstile.offload;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The copies of plug-in jars that classes are loaded from. Their names have the process's number in them: one that was
 * killed leaves its copies behind, and the next that starts removes them.
 *
 * <p>Threads: any.
 */
final class PluginCopies {
    private static final Logger LOG = LoggerFactory.getLogger(PluginCopies.class);
    private static final String PREFIX = "turnstile-plugin-";
    private static final Pattern NAME = Pattern.compile(PREFIX + "(\\d{1,18})-.*\\.jar");
    /** Those of this process. In a container its number may be that of the process before. */
    private static final Set<Path> OWN = ConcurrentHashMap.newKeySet();

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(PluginCopies::removeOwn, "offload-plugin-copies"));
    }

    private final Path folder;

    /** @param folder null: the one for temporary files */
    PluginCopies(@Nullable Path folder) {
        this.folder = (folder == null ? Path.of(System.getProperty("java.io.tmpdir")) : folder).toAbsolutePath();
    }

    /** Makes an empty file for a copy. */
    Path create() throws IOException {
        Path made =
                Files.createTempFile(folder, PREFIX + ProcessHandle.current().pid() + "-", ".jar");
        OWN.add(made);
        return made;
    }

    /** Removes a copy that nobody uses any more. */
    static void remove(Path copy) throws IOException {
        Files.deleteIfExists(copy);
        OWN.remove(copy);
    }

    /** Removes what processes that are no more have left in the folder. */
    void removeOrphans() {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, PREFIX + "*.jar")) {
            for (Path file : files) {
                if (isOrphan(file)) {
                    Files.deleteIfExists(file);
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            LOG.info("copies of plug-ins in {} could not be looked through: {}", folder, e.toString());
        }
    }

    private static boolean isOrphan(Path file) {
        Matcher name = NAME.matcher(file.getFileName().toString());
        if (!name.matches()) {
            return false;
        }
        long pid = Long.parseLong(name.group(1));
        return pid == ProcessHandle.current().pid()
                ? !OWN.contains(file)
                : ProcessHandle.of(pid).isEmpty();
    }

    private static void removeOwn() {
        for (Path copy : OWN) {
            try {
                Files.deleteIfExists(copy);
            } catch (IOException e) {
                // The next start removes it.
            }
        }
    }
}
