package io.turnstile.offload;

import io.turnstile.offload.spi.OffloadProvider;
import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds providers by {@link ServiceLoader}, on the class path and in a folder of jars, and puts them in order. One that
 * cannot be loaded is reported in one line and left out.
 *
 * <p>Threads: one at a time.
 */
public final class ProviderRegistry {
    /** In a priority list: what comes after is not used. */
    public static final String NONE = "none";
    private static final Logger LOG = LoggerFactory.getLogger(ProviderRegistry.class);

    private final Map<String, OffloadProvider> providers = new LinkedHashMap<>();

    private ProviderRegistry() {
    }

    /**
     * Finds the providers that {@code loader} sees and those in the jars of {@code pluginFolderOrNull}; a jar may bring
     * its own libraries' classes but shares the SPI. The first of each name stays.
     */
    public static ProviderRegistry discover(ClassLoader loader, Path pluginFolderOrNull) {
        ProviderRegistry registry = new ProviderRegistry();
        registry.load(ServiceLoader.load(OffloadProvider.class, loader));
        for (Path jar : jars(pluginFolderOrNull)) {
            try {
                // Stays open as long as its classes may be used, that is to the end.
                URL[] urls = {jar.toUri().toURL()};
                URLClassLoader ofJar = new URLClassLoader(jar.getFileName().toString(), urls, loader);
                registry.load(ServiceLoader.load(OffloadProvider.class, ofJar));
            } catch (MalformedURLException e) {
                LOG.warn("offload provider {} left out: {}", jar, e.getMessage());
            }
        }
        return registry;
    }

    /** A registry of providers made elsewhere, for embedding and tests. */
    public static ProviderRegistry of(List<? extends OffloadProvider> providers) {
        ProviderRegistry registry = new ProviderRegistry();
        providers.forEach(registry::add);
        return registry;
    }

    private static List<Path> jars(Path folderOrNull) {
        if (folderOrNull == null || !Files.isDirectory(folderOrNull)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(folderOrNull)) {
            return files.filter(file -> file.getFileName().toString().endsWith(".jar")).sorted().toList();
        } catch (IOException e) {
            LOG.warn("plug-in folder {} cannot be read: {}", folderOrNull, e.getMessage());
            return List.of();
        }
    }

    private void load(ServiceLoader<OffloadProvider> loader) {
        Iterator<OffloadProvider> found = loader.iterator();
        while (true) {
            try {
                if (!found.hasNext()) {
                    return;
                }
                add(found.next());
            } catch (ServiceConfigurationError | LinkageError e) {
                LOG.warn("an offload provider is left out: {}", e.getMessage());
            }
        }
    }

    private void add(OffloadProvider provider) {
        try {
            providers.putIfAbsent(provider.name(), provider);
        } catch (RuntimeException e) {
            LOG.warn("offload provider {} left out: its name failed with {}", provider.getClass().getName(), e.toString());
        }
    }

    /** The names found, in no particular order. */
    public List<String> names() {
        return List.copyOf(providers.keySet());
    }

    /** By their own priority, higher first, equal ones by name. */
    public List<OffloadProvider> inOrder() {
        return providers.values().stream()
                .sorted(Comparator.comparingInt(OffloadProvider::priority).reversed().thenComparing(OffloadProvider::name))
                .toList();
    }

    /**
     * By {@code other_config:hw-offload-priority}: the providers named, in this order, then the others by
     * {@link #inOrder()}, as Open vSwitch does; {@link #NONE} stops, so that nothing follows it. Names that nobody bears
     * are skipped with a warning.
     *
     * @param priorityListOrNull names separated by commas or blanks; null or empty: {@link #inOrder()}
     */
    public List<OffloadProvider> inOrder(String priorityListOrNull) {
        LinkedHashSet<OffloadProvider> chosen = new LinkedHashSet<>();
        if (priorityListOrNull != null && !priorityListOrNull.isBlank()) {
            for (String name : priorityListOrNull.strip().split("[,\\s]+")) {
                if (name.equals(NONE)) {
                    return List.copyOf(chosen);
                }
                OffloadProvider provider = providers.get(name);
                if (provider == null) {
                    LOG.warn("hw-offload-priority names {}, which is no offload provider here ({})", name, names());
                } else {
                    chosen.add(provider);
                }
            }
        }
        chosen.addAll(inOrder());
        return List.copyOf(chosen);
    }
}
