package io.turnstile.offload;

import io.turnstile.offload.spi.OffloadProvider;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A jar of the plug-in folder and the providers that came out of it. Its classes are loaded from a copy, as they are
 * loaded when they are first needed, and by then somebody may have written another jar over this one.
 *
 * <p>Threads: one at a time.
 */
final class PluginJar implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PluginJar.class);

    private final Stamp stamp;
    private final Path copy;
    private final URLClassLoader classes;
    private final List<OffloadProvider> providers;

    /** What tells a file from the one that was there before. */
    record Stamp(@Nullable Object fileKey, long sizeBytes, FileTime modified) {
        static Stamp of(Path file) throws IOException {
            BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
            return new Stamp(attributes.fileKey(), attributes.size(), attributes.lastModifiedTime());
        }
    }

    private PluginJar(Stamp stamp, Path copy, URLClassLoader classes, List<OffloadProvider> providers) {
        this.stamp = stamp;
        this.copy = copy;
        this.classes = classes;
        this.providers = providers;
    }

    /**
     * Loads the jar. It may bring its own libraries' classes but shares the SPI.
     *
     * @throws IOException it cannot be read
     */
    static PluginJar load(Path jar, ClassLoader parent) throws IOException {
        Stamp stamp = Stamp.of(jar);
        Path copy = Files.createTempFile("turnstile-plugin-", ".jar");
        try {
            Files.copy(jar, copy, StandardCopyOption.REPLACE_EXISTING);
            copy.toFile().deleteOnExit();
            URL[] urls = {copy.toUri().toURL()};
            URLClassLoader classes = new URLClassLoader(jar.getFileName().toString(), urls, parent);
            return new PluginJar(stamp, copy, classes, providersOf(classes, jar));
        } catch (IOException e) {
            Files.deleteIfExists(copy);
            throw e;
        }
    }

    private static List<OffloadProvider> providersOf(ClassLoader classes, Path jar) {
        List<OffloadProvider> providers = new ArrayList<>();
        load(
                ServiceLoader.load(OffloadProvider.class, classes),
                classes,
                providers,
                "offload provider jar " + jar.getFileName());
        return providers;
    }

    /**
     * Adds what the loader finds; what cannot be made is reported in a line and left out.
     *
     * @param own only classes that this one has defined itself; null: all
     */
    static void load(
            ServiceLoader<OffloadProvider> loader,
            @Nullable ClassLoader own,
            List<OffloadProvider> into,
            String where) {
        Iterator<OffloadProvider> found = loader.iterator();
        while (true) {
            try {
                if (!found.hasNext()) {
                    return;
                }
                OffloadProvider provider = found.next();
                if (own == null || provider.getClass().getClassLoader() == own) {
                    into.add(provider);
                }
            } catch (ServiceConfigurationError | LinkageError e) {
                LOG.warn("{}: an offload provider is left out: {}", where, e.getMessage());
            }
        }
    }

    /** Whether the file is still the one that was loaded. */
    boolean isStill(Path jar) {
        try {
            return stamp.equals(Stamp.of(jar));
        } catch (IOException e) {
            return false;
        }
    }

    List<OffloadProvider> providers() {
        return providers;
    }

    /** Nobody may use its providers any more. */
    @Override
    public void close() {
        try {
            classes.close();
            Files.deleteIfExists(copy);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
