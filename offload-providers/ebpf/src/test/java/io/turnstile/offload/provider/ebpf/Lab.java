package io.turnstile.offload.provider.ebpf;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Two hosts and between them the place where a switch would be: three network namespaces and two veth pairs, gone when
 * it closes. Host {@code i} (1 or 2) has the addresses 10.0.0.i and 2001:db8::i, and 10.0.0.(10 + i) and so on; all
 * know one another's Ethernet addresses. Needs root.
 */
final class Lab implements AutoCloseable {
    private static final AtomicInteger NEXT = new AtomicInteger();

    final String middle;
    final List<String> hosts;
    /** The switch's ends, by host. */
    final List<String> devices = List.of("p1", "p2");

    Lab() {
        String prefix = "ebpf" + ProcessHandle.current().pid() + "n" + NEXT.getAndIncrement();
        middle = prefix + "m";
        hosts = List.of(prefix + "h1", prefix + "h2");
        run("ip netns add " + middle);
        for (int i = 1; i <= 2; i++) {
            String host = hosts.get(i - 1);
            run("ip netns add " + host);
            run("ip link add p" + i + " netns " + middle + " address 02:00:00:00:01:0" + i
                    + " type veth peer name eth0 netns " + host + " address 02:00:00:00:00:0" + i);
            in(
                    host,
                    "sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0"
                            + " net.ipv6.conf.eth0.accept_dad=0 net.ipv6.conf.eth0.router_solicitations=0");
            in(middle, "sysctl -qw net.ipv6.conf.p" + i + ".disable_ipv6=1");
            in(host, "ip link set lo up");
            in(host, "ip link set eth0 up");
            in(middle, "ip link set p" + i + " up");
            for (int base : new int[] {0, 10}) {
                in(host, "ip addr add 10.0.0." + (base + i) + "/24 dev eth0");
                in(host, "ip -6 addr add 2001:db8::" + Integer.toHexString(base + i) + "/64 dev eth0 nodad");
                in(host, "ip neigh add 10.0.0." + (base + 3 - i) + " lladdr 02:00:00:00:00:0" + (3 - i) + " dev eth0");
                in(
                        host,
                        "ip neigh add 2001:db8::" + Integer.toHexString(base + 3 - i) + " lladdr 02:00:00:00:00:0"
                                + (3 - i) + " dev eth0");
            }
        }
    }

    /** Whether hosts leave checksums and segments to others. */
    void transmitOffload(boolean on) {
        for (String host : hosts) {
            in(host, "ethtool -K eth0 tx " + (on ? "on" : "off"));
        }
    }

    /** Whether the switch's devices join segments. */
    void receiveOffload(boolean on) {
        for (String device : devices) {
            in(middle, "ethtool -K " + device + " gro " + (on ? "on" : "off"));
        }
    }

    int ifindex(String device) {
        return at(middle, () -> Libc.interfaceIndex(device));
    }

    /** Does something on a thread of its own in the namespace. */
    static <T> T at(String namespace, Callable<T> what) {
        FutureTask<T> task = new FutureTask<>(() -> {
            Libc.enterNetworkNamespace(namespace);
            return what.call();
        });
        Thread thread = new Thread(task, "in " + namespace);
        thread.start();
        try {
            return task.get();
        } catch (java.util.concurrent.ExecutionException e) {
            if (e.getCause() instanceof AssertionError error) {
                throw error;
            }
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    static void in(String namespace, String command) {
        run("ip netns exec " + namespace + " " + command);
    }

    /** What a command says in the namespace. */
    static String said(String namespace, String command) {
        return run("ip netns exec " + namespace + " " + command);
    }

    static String run(String command) {
        try {
            Path output = Files.createTempFile("lab", ".txt");
            Process process = new ProcessBuilder(command.split(" "))
                    .redirectErrorStream(true)
                    .redirectOutput(output.toFile())
                    .start();
            int result = process.waitFor();
            String said = Files.readString(output, StandardCharsets.UTF_8);
            Files.delete(output);
            if (result != 0) {
                throw new IllegalStateException(command + ": " + said);
            }
            return said;
        } catch (IOException e) {
            throw new IllegalStateException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        for (String host : hosts) {
            run("ip netns del " + host);
        }
        run("ip netns del " + middle);
    }
}
