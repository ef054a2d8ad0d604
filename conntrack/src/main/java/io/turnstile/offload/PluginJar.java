package io.turnstile.offload;

import io.turnstile.offload.spi.OffloadProvider;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Constructor;
import java.lang.reflect.Modifier;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.jar.JarFile;
import java.util.zip.ZipEntry;
import org.jspecify.annotations.Nullable;

/**
 * A jar of the plug-in folder and the providers that come out of it. Its classes are loaded from a copy, as they are
 * loaded when they are first needed, and by then somebody may have written another jar over this one.
 *
 * <p>Why a jar brings nothing has to be said, so its services file is read here and not by
 * {@link java.util.ServiceLoader}, which passes over an unreadable jar in silence.
 *
 * <p>Threads: one at a time; the loading has a thread of its own.
 */
final class PluginJar implements AutoCloseable {
    private static final String SERVICES = "META-INF/services/" + OffloadProvider.class.getName();
    /** A services file is some lines; what is larger is something else. */
    private static final int MAX_SERVICES_BYTES = 64 * 1024;

    private final String name;
    private final Stamp stamp;
    private final ProviderLoading loading;
    private @Nullable Path copy; // guarded by this, as is all below
    private @Nullable URLClassLoader classes;
    private boolean closed;

    /** What tells a file from the one that was there before. */
    record Stamp(@Nullable Object fileKey, long sizeBytes, FileTime modified, boolean isFile) {
        static Stamp of(Path file) throws IOException {
            BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
            return new Stamp(
                    attributes.fileKey(), attributes.size(), attributes.lastModifiedTime(), attributes.isRegularFile());
        }
    }

    /**
     * Starts to load the jar. It may bring its own libraries' classes but shares the SPI.
     *
     * @throws IOException it is not there any more
     */
    PluginJar(Path jar, ClassLoader parent, PluginCopies copies) throws IOException {
        name = jar.getFileName().toString();
        stamp = Stamp.of(jar);
        loading = new ProviderLoading(name, into -> load(jar, parent, copies, into));
    }

    private void load(Path jar, ClassLoader parent, PluginCopies copies, ProviderLoading into) throws IOException {
        into.step("its file");
        if (!stamp.isFile()) {
            into.fault("is no jar: not a file");
            return;
        }
        Path own = copies.create();
        try {
            Files.copy(jar, own, StandardCopyOption.REPLACE_EXISTING);
            List<String> types = types(own, into);
            if (!types.isEmpty()) {
                URLClassLoader loader =
                        new URLClassLoader(name, new URL[] {own.toUri().toURL()}, parent);
                if (keep(own, loader)) {
                    types.forEach(type -> load(type, loader, into));
                }
            }
        } finally {
            if (into.providers().isEmpty()) {
                dispose(own);
            }
        }
    }

    /** Returns false if nobody wants it any more. */
    private synchronized boolean keep(Path own, URLClassLoader loader) {
        copy = own;
        classes = loader;
        return !closed;
    }

    private synchronized void dispose(Path own) throws IOException {
        try {
            if (classes != null) {
                classes.close();
            }
        } finally {
            PluginCopies.remove(own);
        }
    }

    // ---- the services file ----

    private static List<String> types(Path own, ProviderLoading into) throws IOException {
        try (JarFile jar = new JarFile(own.toFile())) {
            ZipEntry entry = jar.getEntry(SERVICES);
            if (entry == null) {
                into.fault("names no provider: " + SERVICES + " is missing");
                return List.of();
            }
            try (InputStream services = jar.getInputStream(entry)) {
                return types(services.readNBytes(MAX_SERVICES_BYTES + 1), into);
            }
        } catch (IOException | RuntimeException e) { // the latter by entries that are torn
            into.fault("is no jar: " + FailureText.of(e).reason());
            return List.of();
        }
    }

    private static List<String> types(byte[] services, ProviderLoading into) {
        if (services.length > MAX_SERVICES_BYTES) {
            into.fault("names no provider: " + SERVICES + " is larger than " + MAX_SERVICES_BYTES + " bytes");
            return List.of();
        }
        Set<String> types = new LinkedHashSet<>();
        boolean good = true;
        for (String line : new String(services, StandardCharsets.UTF_8).lines().toList()) {
            String type = line.replaceFirst("#.*", "").strip();
            if (!type.isEmpty() && !isClassName(type)) {
                into.fault("\"" + type + "\" in " + SERVICES + " is no class name");
                good = false;
            } else if (!type.isEmpty()) {
                types.add(type);
            }
        }
        if (types.isEmpty() && good) {
            into.fault("names no provider: " + SERVICES + " is empty");
        }
        return List.copyOf(types);
    }

    private static boolean isClassName(String text) {
        for (String part : text.split("\\.", -1)) {
            if (part.isEmpty()
                    || !Character.isJavaIdentifierStart(part.charAt(0))
                    || !part.chars().allMatch(Character::isJavaIdentifierPart)) {
                return false;
            }
        }
        return true;
    }

    // ---- the classes ----

    private static void load(String type, ClassLoader own, ProviderLoading into) {
        into.step("its class");
        try {
            Class<?> found = Class.forName(type, false, own);
            if (found.getClassLoader() != own) {
                into.fault(type + " is not in it: it is the switch's own");
                return;
            }
            String unfit = unfit(found);
            if (unfit != null) {
                into.fault(type + " " + unfit);
                return;
            }
            Constructor<?> constructor = found.getConstructor();
            into.add(type, () -> instance(constructor));
        } catch (ClassNotFoundException e) {
            into.fault(type + " is not in it");
        } catch (NoSuchMethodException e) {
            into.fault(type + " has no public constructor without parameters");
        } catch (UnsupportedClassVersionError e) {
            into.fault(type + " was compiled for a newer Java than this one, "
                    + Runtime.version().feature());
        } catch (NoClassDefFoundError e) {
            into.fault(type + " needs a class that is not there: "
                    + FailureText.of(e).reason());
        } catch (Throwable e) { // contained: a class can be broken in any way, and a signed one refused
            HeapExhaustion.check(e);
            into.fault(type + " cannot be loaded: " + ProviderText.of(e));
        }
    }

    private static @Nullable String unfit(Class<?> type) {
        if (!OffloadProvider.class.isAssignableFrom(type)) {
            return "is no OffloadProvider";
        }
        if (!Modifier.isPublic(type.getModifiers())) {
            return "is not public";
        }
        return Modifier.isAbstract(type.getModifiers()) ? "is abstract" : null;
    }

    private static OffloadProvider instance(Constructor<?> constructor) {
        try {
            return (OffloadProvider) constructor.newInstance();
        } catch (ReflectiveOperationException e) {
            throw new ProviderLoading.ConstructorFailure(e);
        }
    }

    // ---- looking ----

    /** Whether the file is still the one that was loaded. */
    boolean isStill(Path jar) {
        try {
            return stamp.equals(Stamp.of(jar));
        } catch (IOException e) {
            return false;
        }
    }

    ProviderLoading loading() {
        return loading;
    }

    List<NamedProvider> providers() {
        return loading.providers();
    }

    /** Nobody may use its providers any more. */
    @Override
    public synchronized void close() throws IOException {
        closed = true;
        if (copy != null) {
            dispose(copy);
        }
    }
}
