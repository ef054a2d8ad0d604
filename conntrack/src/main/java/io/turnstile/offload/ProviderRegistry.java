package io.turnstile.offload;

import io.turnstile.offload.spi.OffloadProvider;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.Set;
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
 * <p>Providers are loaded on threads of their own, all side by side: whoever looks waits
 * {@link ProviderLoading#PATIENCE_NS} for the new ones together, and never again for one that has not come by then. It
 * keeps the one thread it hangs on, and counts at the next look if it comes after all.
 *
 * <p>Threads: one at a time; {@link #faults} any.
 */
public final class ProviderRegistry {
    private static final Logger LOG = LoggerFactory.getLogger(ProviderRegistry.class);

    private final ClassLoader loader;
    private final @Nullable Path pluginFolder;
    private final Set<String> onlyIfNamed;
    private final PluginCopies copies;
    private final long patienceNs;
    /** By the place that is named in a fault. */
    private final Map<String, ProviderLoading> builtIn = new LinkedHashMap<>();

    private final Map<Path, PluginJar> jars = new TreeMap<>();
    /** Nobody has waited for these yet. */
    private final List<ProviderLoading> begun = new ArrayList<>();

    /** Their files are gone, but their providers may still be leaving. */
    private final List<PluginJar> retired = new ArrayList<>();

    private Map<String, NamedProvider> providers = Map.of();
    private volatile List<String> faults = List.of();
    private List<String> complainedOf = List.of();

    /**
     * What a look at the plug-in folder has changed, by names of providers. One whose jar was replaced is removed and
     * added.
     *
     * @param failed what could not be used, changed or not: see {@link ProviderRegistry#faults}
     */
    public record Rescan(List<String> added, List<String> removed, List<String> kept, List<String> failed) {
        /** Whether providers came or went. */
        public boolean isChange() {
            return !added.isEmpty() || !removed.isEmpty();
        }

        /** Three lines, and one for each failure. */
        @Override
        public String toString() {
            StringBuilder text = new StringBuilder(
                    "added: " + text(added) + "\nremoved: " + text(removed) + "\nkept: " + text(kept) + "\n");
            failed.forEach(line -> text.append("failed: ").append(line).append('\n'));
            return text.toString();
        }

        private static String text(List<String> names) {
            return names.isEmpty() ? "-" : String.join(", ", names);
        }
    }

    ProviderRegistry(
            ClassLoader loader,
            @Nullable Path pluginFolder,
            Set<String> onlyIfNamed,
            PluginCopies copies,
            long patienceNs) {
        this.loader = loader;
        this.pluginFolder = pluginFolder;
        this.onlyIfNamed = Set.copyOf(onlyIfNamed);
        this.copies = copies;
        this.patienceNs = patienceNs;
    }

    /**
     * Finds the providers that {@code loader} sees and those in the jars of {@code pluginFolder}, if there is one. The
     * first of each name stays: those of the class path, then by the jars' names.
     */
    public static ProviderRegistry discover(ClassLoader loader, @Nullable Path pluginFolder) {
        return discover(loader, pluginFolder, Set.of());
    }

    /**
     * The same, but for some providers that are used only where {@code hw-offload-priority} names them.
     *
     * @param onlyIfNamed their names
     */
    public static ProviderRegistry discover(ClassLoader loader, @Nullable Path pluginFolder, Set<String> onlyIfNamed) {
        return discover(loader, pluginFolder, onlyIfNamed, (Path) null);
    }

    /**
     * The same with a folder for the copies of jars that their classes are loaded from.
     *
     * @param copies is there; null: the one for temporary files. What a process that was killed has left in it is
     *     removed
     */
    public static ProviderRegistry discover(
            ClassLoader loader, @Nullable Path pluginFolder, Set<String> onlyIfNamed, @Nullable Path copies) {
        return discover(loader, pluginFolder, onlyIfNamed, new PluginCopies(copies), ProviderLoading.PATIENCE_NS);
    }

    static ProviderRegistry discover(
            ClassLoader loader, @Nullable Path pluginFolder, Set<String> onlyIfNamed, long patienceNs) {
        return discover(loader, pluginFolder, onlyIfNamed, new PluginCopies(null), patienceNs);
    }

    private static ProviderRegistry discover(
            ClassLoader loader,
            @Nullable Path pluginFolder,
            Set<String> onlyIfNamed,
            PluginCopies copies,
            long patienceNs) {
        ProviderRegistry registry = new ProviderRegistry(loader, pluginFolder, onlyIfNamed, copies, patienceNs);
        if (pluginFolder != null) {
            copies.removeOrphans();
        }
        registry.addBuiltIn("class path", new ProviderLoading("class-path", into -> loadClassPath(loader, into)));
        registry.rescan();
        return registry;
    }

    /** A registry of providers made elsewhere, for embedding and tests. */
    public static ProviderRegistry of(List<? extends OffloadProvider> providers) {
        return of(providers, ProviderLoading.PATIENCE_NS);
    }

    static ProviderRegistry of(List<? extends OffloadProvider> providers, long patienceNs) {
        ProviderRegistry registry = new ProviderRegistry(
                ProviderRegistry.class.getClassLoader(), null, Set.of(), new PluginCopies(null), patienceNs);
        for (int i = 0; i < providers.size(); i++) {
            OffloadProvider provider = providers.get(i);
            String place = "provider " + (i + 1);
            String type = provider.getClass().getName();
            registry.addBuiltIn(place, new ProviderLoading("given-" + i, into -> into.add(type, () -> provider)));
        }
        registry.rescan();
        return registry;
    }

    private void addBuiltIn(String place, ProviderLoading loading) {
        builtIn.put(place, loading);
        begun.add(loading);
    }

    private static void loadClassPath(ClassLoader loader, ProviderLoading into) {
        into.step("the class path");
        Iterator<ServiceLoader.Provider<OffloadProvider>> found =
                ServiceLoader.load(OffloadProvider.class, loader).stream().iterator();
        while (true) {
            try {
                if (!found.hasNext()) {
                    return;
                }
                ServiceLoader.Provider<OffloadProvider> provider = found.next();
                into.add(provider.type().getName(), provider);
            } catch (ServiceConfigurationError | LinkageError e) {
                into.fault(ProviderText.of(e));
            }
            into.step("the class path");
        }
    }

    /** Looks at the plug-in folder again. Jars that are as they were keep their providers, the very objects. */
    public Rescan rescan() {
        long deadlineNs = System.nanoTime() + patienceNs;
        Map<String, NamedProvider> before = providers;
        List<String> failed = new ArrayList<>();
        List<Path> files = files(failed);
        jars.entrySet().removeIf(entry -> {
            boolean gone = !files.contains(entry.getKey()) || !entry.getValue().isStill(entry.getKey());
            if (gone) {
                retired.add(entry.getValue());
            }
            return gone;
        });
        for (Path file : files) {
            if (!jars.containsKey(file)) {
                load(file, failed);
            }
        }
        begun.forEach(loading -> loading.await(deadlineNs));
        begun.clear();
        providers = byName(failed);
        sayOnce(failed);
        return difference(before, providers, faults);
    }

    private List<Path> files(List<String> failed) {
        if (pluginFolder == null || !Files.isDirectory(pluginFolder)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(pluginFolder)) {
            return files.filter(file -> file.getFileName().toString().endsWith(".jar"))
                    .sorted()
                    .toList();
        } catch (IOException | UncheckedIOException e) {
            failed.add(pluginFolder + ": the folder cannot be read: " + ProviderText.of(e));
            return List.copyOf(jars.keySet());
        }
    }

    private void load(Path file, List<String> failed) {
        try {
            PluginJar jar = new PluginJar(file, loader, copies);
            jars.put(file, jar);
            begun.add(jar.loading());
        } catch (IOException e) {
            failed.add(file.getFileName() + ": " + ProviderText.of(e));
        }
    }

    private Map<String, NamedProvider> byName(List<String> failed) {
        Map<String, NamedProvider> found = new LinkedHashMap<>();
        builtIn.forEach((place, loading) -> take(place, loading, found, failed));
        jars.forEach((file, jar) -> take(file.getFileName().toString(), jar.loading(), found, failed));
        return found;
    }

    private void take(String place, ProviderLoading loading, Map<String, NamedProvider> into, List<String> failed) {
        // Faults first: what ends between the two looks must not be missing from both.
        FaultLines faults = loading.faults(patienceNs);
        for (NamedProvider provider : loading.providers()) {
            NamedProvider first = into.putIfAbsent(provider.name(), provider);
            if (first != null && first.provider() != provider.provider()) {
                faults.add("there is another provider of the name " + provider.name());
            }
        }
        faults.lines().forEach(fault -> failed.add(ProviderText.line(place) + ": " + fault));
    }

    /** Each fault is logged when it is new, and shown as long as it stays. */
    private void sayOnce(List<String> failed) {
        Set<String> known = Set.copyOf(faults);
        failed.stream()
                .filter(line -> !known.contains(line))
                .forEach(line -> LOG.warn("offload plug-in left out: {}", line));
        faults = List.copyOf(failed);
    }

    /**
     * What was left out at the last look, one line each: the jar (or {@code class path}) and why it, or something of
     * it, cannot be used.
     */
    public List<String> faults() {
        return faults;
    }

    private static Rescan difference(
            Map<String, NamedProvider> before, Map<String, NamedProvider> after, List<String> failed) {
        List<String> added = new ArrayList<>();
        List<String> kept = new ArrayList<>();
        after.keySet().forEach(name -> (isSame(before, after, name) ? kept : added).add(name));
        List<String> removed = before.keySet().stream()
                .filter(name -> !isSame(before, after, name))
                .toList();
        return new Rescan(List.copyOf(added), removed, List.copyOf(kept), failed);
    }

    private static boolean isSame(Map<String, NamedProvider> before, Map<String, NamedProvider> after, String name) {
        NamedProvider old = before.get(name);
        NamedProvider present = after.get(name);
        return old != null && present != null && old.provider() == present.provider();
    }

    /**
     * Closes jars that are gone, once none of their providers is in use: classes may be loaded until the last callback.
     */
    public void closeRetired(Predicate<OffloadProvider> isInUse) {
        retired.removeIf(jar -> {
            boolean over = jar.providers().stream().map(NamedProvider::provider).noneMatch(isInUse);
            if (over) {
                close(jar);
            }
            return over;
        });
    }

    private static void close(PluginJar jar) {
        try {
            jar.close();
        } catch (IOException | RuntimeException e) { // the switch's settings have nothing to do with it
            LOG.warn("the copy of an offload plug-in that is gone could not be removed: {}", e.toString());
        }
    }

    /** The names found, in no particular order. */
    public List<String> names() {
        return List.copyOf(providers.keySet());
    }

    /** The providers by their own priority, higher first, equal ones by name. */
    public List<NamedProvider> inOrder() {
        return inOrder(PriorityList.EMPTY);
    }

    /**
     * The providers by {@code other_config:hw-offload-priority}. Names that nobody bears are skipped, with one warning
     * until they change.
     */
    public List<NamedProvider> inOrder(@Nullable String priorityList) {
        PriorityList list = PriorityList.parse(priorityList);
        warnOfUnknown(list);
        return inOrder(list);
    }

    private List<NamedProvider> inOrder(PriorityList list) {
        return list.order(providers.values()).stream()
                .filter(provider ->
                        !onlyIfNamed.contains(provider.name()) || list.names().contains(provider.name()))
                .toList();
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
