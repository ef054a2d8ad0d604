package io.turnstile.offload;

import io.turnstile.offload.spi.OffloadProvider;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The registry finds providers by {@link ServiceLoader}, on the class path and in a folder of jars, and puts them in
 * order. One that cannot be loaded is reported in one line and left out. The folder can be looked at again at any time.
 *
 * <p>Threads: one at a time.
 */
public final class ProviderRegistry {
    private static final Logger LOG = LoggerFactory.getLogger(ProviderRegistry.class);

    private final ClassLoader loader;
    private final @Nullable Path pluginFolder;
    private final List<OffloadProvider> builtIn = new ArrayList<>();
    private final Map<Path, PluginJar> jars = new TreeMap<>();
    /** Their files are gone, but their providers may still be leaving. */
    private final List<PluginJar> retired = new ArrayList<>();

    private Map<String, OffloadProvider> providers = Map.of();
    private List<String> complainedOf = List.of();

    /**
     * What a look at the plug-in folder has changed, by names of providers. One whose jar was replaced is removed and
     * added.
     */
    public record Rescan(List<String> added, List<String> removed, List<String> kept) {
        /** Whether providers came or went. */
        public boolean isChange() {
            return !added.isEmpty() || !removed.isEmpty();
        }

        /** Three lines. */
        @Override
        public String toString() {
            return "added: " + text(added) + "\nremoved: " + text(removed) + "\nkept: " + text(kept) + "\n";
        }

        private static String text(List<String> names) {
            return names.isEmpty() ? "-" : String.join(", ", names);
        }
    }

    private ProviderRegistry(ClassLoader loader, @Nullable Path pluginFolder) {
        this.loader = loader;
        this.pluginFolder = pluginFolder;
    }

    /**
     * Finds the providers that {@code loader} sees and those in the jars of {@code pluginFolder}, if there is one. The
     * first of each name stays: those of the class path, then by the jars' names.
     */
    public static ProviderRegistry discover(ClassLoader loader, @Nullable Path pluginFolder) {
        ProviderRegistry registry = new ProviderRegistry(loader, pluginFolder);
        PluginJar.load(ServiceLoader.load(OffloadProvider.class, loader), null, registry.builtIn, "class path");
        registry.rescan();
        return registry;
    }

    /** A registry of providers made elsewhere, for embedding and tests. */
    public static ProviderRegistry of(List<? extends OffloadProvider> providers) {
        ProviderRegistry registry = new ProviderRegistry(ProviderRegistry.class.getClassLoader(), null);
        registry.builtIn.addAll(providers);
        registry.rescan();
        return registry;
    }

    /** Looks at the plug-in folder again. Jars that are as they were keep their providers, the very objects. */
    public Rescan rescan() {
        Map<String, OffloadProvider> before = providers;
        List<Path> files = files();
        jars.entrySet().removeIf(entry -> {
            boolean gone = !files.contains(entry.getKey()) || !entry.getValue().isStill(entry.getKey());
            if (gone) {
                retired.add(entry.getValue());
            }
            return gone;
        });
        for (Path file : files) {
            if (!jars.containsKey(file)) {
                load(file);
            }
        }
        providers = byName();
        return difference(before, providers);
    }

    private List<Path> files() {
        if (pluginFolder == null || !Files.isDirectory(pluginFolder)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(pluginFolder)) {
            return files.filter(file -> file.getFileName().toString().endsWith(".jar"))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            LOG.warn("plug-in folder {} cannot be read: {}", pluginFolder, e.getMessage());
            return List.copyOf(jars.keySet());
        }
    }

    private void load(Path file) {
        try {
            jars.put(file, PluginJar.load(file, loader));
        } catch (IOException e) {
            LOG.warn("offload provider jar {} is left out: {}", file, e.toString());
        }
    }

    private Map<String, OffloadProvider> byName() {
        Map<String, OffloadProvider> found = new LinkedHashMap<>();
        builtIn.forEach(provider -> add(provider, found));
        jars.values().forEach(jar -> jar.providers().forEach(provider -> add(provider, found)));
        return found;
    }

    private static void add(OffloadProvider provider, Map<String, OffloadProvider> into) {
        try {
            OffloadProvider first = into.putIfAbsent(provider.name(), provider);
            if (first != null && first != provider) {
                LOG.warn(
                        "offload provider {} of {} left out: there is another of this name",
                        provider.name(),
                        provider.getClass().getName());
            }
        } catch (RuntimeException e) {
            LOG.warn(
                    "offload provider {} left out: its name failed with {}",
                    provider.getClass().getName(),
                    e.toString());
        }
    }

    private static Rescan difference(Map<String, OffloadProvider> before, Map<String, OffloadProvider> after) {
        List<String> added = new ArrayList<>();
        List<String> kept = new ArrayList<>();
        after.forEach((name, provider) -> (before.get(name) == provider ? kept : added).add(name));
        List<String> removed = before.keySet().stream()
                .filter(name -> before.get(name) != after.get(name))
                .toList();
        return new Rescan(List.copyOf(added), removed, List.copyOf(kept));
    }

    /**
     * Closes jars that are gone, once none of their providers is in use: classes may be loaded until the last callback.
     */
    public void closeRetired(Predicate<OffloadProvider> isInUse) {
        retired.removeIf(jar -> {
            boolean over = jar.providers().stream().noneMatch(isInUse);
            if (over) {
                jar.close();
            }
            return over;
        });
    }

    /** The names found, in no particular order. */
    public List<String> names() {
        return List.copyOf(providers.keySet());
    }

    /** The providers by their own priority, higher first, equal ones by name. */
    public List<OffloadProvider> inOrder() {
        return PriorityList.EMPTY.order(providers.values());
    }

    /**
     * The providers by {@code other_config:hw-offload-priority}. Names that nobody bears are skipped, with one warning
     * until they change.
     */
    public List<OffloadProvider> inOrder(@Nullable String priorityList) {
        PriorityList list = PriorityList.parse(priorityList);
        warnOfUnknown(list);
        return list.order(providers.values());
    }

    private void warnOfUnknown(PriorityList list) {
        List<String> unknown = list.unknownAmong(providers.keySet());
        if (!unknown.isEmpty() && !unknown.equals(complainedOf)) {
            LOG.warn(
                    "hw-offload-priority names {}, which is no offload provider here ({})",
                    String.join(", ", unknown),
                    names());
        }
        complainedOf = unknown;
    }
}
