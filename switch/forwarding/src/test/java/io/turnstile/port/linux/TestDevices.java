package io.turnstile.port.linux;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.atomic.AtomicInteger;

/** Network devices and namespaces of a system test, all gone when it closes. Needs root. */
final class TestDevices implements AutoCloseable {
    private static final AtomicInteger NEXT = new AtomicInteger();

    private final Deque<String> cleanups = new ArrayDeque<>();

    /** A name that no other run uses. */
    static String name() {
        return "ports" + ProcessHandle.current().pid() % 100_000_000 % 1_000_000 + "n" + NEXT.getAndIncrement();
    }

    /** A veth pair in this namespace, both ends up, quiet: no IPv6, so that no frame is sent but the test's. */
    String[] pair() {
        String[] names = {name(), name()};
        run("ip link add " + names[0] + " type veth peer name " + names[1]);
        cleanups.push("ip link del " + names[0]);
        for (String each : names) {
            silence(each);
            run("ip link set " + each + " up");
        }
        return names;
    }

    /** A namespace with a device {@code eth0} (address given) whose other end is here, under the name returned. */
    String namespace(String namespace, String address) {
        String device = name();
        run("ip netns add " + namespace);
        cleanups.push("ip netns del " + namespace);
        run("ip link add " + device + " type veth peer name eth0 netns " + namespace);
        silence(device);
        in(namespace, "sysctl -qw net.ipv6.conf.all.disable_ipv6=1");
        in(namespace, "ip link set eth0 up");
        in(namespace, "ip addr add " + address + " dev eth0");
        run("ip link set " + device + " up");
        return device;
    }

    void deleteLater(String device) {
        cleanups.push("ip link del " + device);
    }

    static void silence(String device) {
        try {
            Files.writeString(Path.of("/proc/sys/net/ipv6/conf", device, "disable_ipv6"), "1");
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    static void in(String namespace, String command) {
        run("ip netns exec " + namespace + " " + command);
    }

    static void run(String command) {
        run(command.split(" "));
    }

    static void run(String... command) {
        try {
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (process.waitFor() != 0) {
                throw new IllegalStateException(String.join(" ", command) + ": " + output);
            }
        } catch (IOException e) {
            throw new IllegalStateException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        while (!cleanups.isEmpty()) {
            try {
                run(cleanups.pop());
            } catch (IllegalStateException e) {
                // A test may have deleted it already; the rest must go all the same.
                continue;
            }
        }
    }
}
