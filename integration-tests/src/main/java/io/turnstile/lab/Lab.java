package io.turnstile.lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A set of namespaces, veth pairs, processes and one scratch folder that come and go together. Closing undoes
 * everything in the reverse order, also after a failure half-way.
 */
public final class Lab implements AutoCloseable {
    private final String prefix;
    private final Path folder;
    private final Deque<Runnable> undo = new ArrayDeque<>();
    private int logs;

    /** @param name short: device names have 15 characters at most */
    public Lab(String name) {
        prefix = name + ProcessHandle.current().pid() % 100_000;
        try {
            folder = Files.createTempDirectory("turnstile-" + name);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        undo.push(this::deleteFolder);
    }

    /** True if this process may make namespaces and devices. */
    public static boolean isRoot() {
        return Command.of("id", "-u").run().text().equals("0");
    }

    /** Whether labs can be made here; if not, standard error says so in the command's name. */
    public static boolean isPossible(String command) {
        boolean root = isRoot();
        if (!root) {
            System.err.println(command + ": needs root for network namespaces");
        }
        return root;
    }

    public Path folder() {
        return folder;
    }

    /**
     * A name for a device in the root namespace that no other lab uses; whoever makes the device, it is deleted with
     * the lab.
     *
     * @param suffix short, and different for each device and host
     */
    public String deviceName(String suffix) {
        String device = prefix + suffix;
        undo.push(() -> Command.of("ip", "link", "delete", device).attempt());
        return device;
    }

    /** A host of its own: a network namespace joined to the root namespace by a veth pair. */
    public Host host(String name, String addressWithPrefix) {
        String namespace = prefix + "-" + name;
        Command.of("ip", "netns", "add", namespace).run();
        undo.push(() -> Command.of("ip", "netns", "delete", namespace).attempt());
        String device = deviceName(name);
        Command.of("ip", "link", "add", device, "type", "veth", "peer", "name", "eth0", "netns", namespace)
                .run();
        Command.of("ip", "link", "set", device, "up").run();
        Host host = new Host(this, namespace, device, addressWithPrefix.substring(0, addressWithPrefix.indexOf('/')));
        // No router solicitations, MLD reports or duplicate address detection: only the story's packets.
        host.run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1");
        host.run("ip", "link", "set", "lo", "up");
        host.run("ip", "address", "add", addressWithPrefix, "dev", "eth0");
        host.run("ip", "link", "set", "eth0", "up");
        return host;
    }

    /** Starts a program that ends with the lab at the latest. */
    public Daemon start(List<String> words, Map<String, String> environment) {
        Path log = folder.resolve("log" + logs++ + ".txt");
        Daemon daemon = Daemon.start(words, environment, log);
        undo.push(daemon::close);
        return daemon;
    }

    /** Closes {@code resource} with the lab. */
    public <T extends AutoCloseable> T add(T resource) {
        undo.push(() -> {
            try {
                resource.close();
            } catch (Exception e) {
                throw new IllegalStateException("closing " + resource, e);
            }
        });
        return resource;
    }

    @Override
    public void close() {
        List<RuntimeException> failures = new ArrayList<>();
        while (!undo.isEmpty()) {
            try {
                undo.pop().run();
            } catch (RuntimeException e) {
                failures.add(e);
            }
        }
        if (!failures.isEmpty()) {
            RuntimeException first = failures.removeFirst();
            failures.forEach(first::addSuppressed);
            throw first;
        }
    }

    private void deleteFolder() {
        try (Stream<Path> paths = Files.walk(folder)) {
            paths.sorted(Comparator.reverseOrder())
                    .forEach(path -> path.toFile().delete());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
