package io.turnstile.demo;

import com.sun.management.OperatingSystemMXBean;
import io.turnstile.lab.Await;
import io.turnstile.lab.Daemon;
import io.turnstile.lab.Host;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * A transfer in the JVM, carried by the kernel, and in the JVM again, with its throughput and what this process, which
 * is the switch, uses of a core.
 */
final class CarryingScene {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final Duration PHASE = Duration.ofSeconds(3);
    private static final String PORT = "5001";
    private static final String TUPLE = "ct_nw_proto=6,ct_tp_dst=" + PORT;
    private static final String CARRIER = "ebpf";
    private static final OperatingSystemMXBean PROCESS =
            ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);

    private final Host inside;
    private final Host outside;
    private final ControlClient control;
    private final DatabaseClient database;
    private final Consumer<String> print;

    /** What a phase came to. */
    private record Reading(double gigabits, double cores) {
        @Override
        public String toString() {
            return "%.2f Gbit/s, the switch uses %.1f %% of a core".formatted(gigabits, cores * 100);
        }
    }

    CarryingScene(Host inside, Host outside, ControlClient control, DatabaseClient database, Consumer<String> print) {
        this.inside = inside;
        this.outside = outside;
        this.control = control;
        this.database = database;
        this.print = print;
    }

    void play() throws Exception {
        try (Daemon receiver = outside.start(java("receive", PORT))) {
            Await.until(
                    "the receiver listens", PATIENCE, () -> receiver.output().contains("listens"), receiver::output);
            try (Daemon sender = inside.start(java("send", outside.address(), PORT))) {
                Await.until("the transfer begins", PATIENCE, () -> received() > 1 << 20, sender::output);
                print.accept("in the JVM:       " + measure());
                print.accept("ovs-vsctl set Open_vSwitch . other_config:hw-offload=true");
                database.setHwOffload(true, CARRIER + ",none");
                if (!isCarrierUp()) {
                    print.accept("this kernel, or this process's rights, do not let the provider carry:");
                    control.run("conntrack/offload-show").lines().forEach(print);
                    return;
                }
                Await.until("the transfer is carried", PATIENCE, this::isCarried, this::why);
                print.accept("carried:          " + measure());
                print.accept("ovs-appctl conntrack/offload-why " + TUPLE);
                why().lines().map(line -> "  " + line).forEach(print);
                print.accept("ovs-vsctl set Open_vSwitch . other_config:hw-offload=false");
                database.setHwOffload(false);
                print.accept("in the JVM again: " + measure());
            }
        }
    }

    private static List<String> java(String... arguments) {
        List<String> words = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx64m",
                "-cp",
                System.getProperty("java.class.path"),
                Transfer.class.getName()));
        words.addAll(List.of(arguments));
        return words;
    }

    private long received() {
        return Long.parseLong(
                outside.run("cat", "/sys/class/net/eth0/statistics/rx_bytes").text());
    }

    private Reading measure() {
        LockSupport.parkNanos(Duration.ofSeconds(1).toNanos()); // until it flows evenly
        long startNs = System.nanoTime();
        long startCpuNs = PROCESS.getProcessCpuTime();
        long startBytes = received();
        LockSupport.parkNanos(PHASE.toNanos());
        long bytes = received() - startBytes;
        double tookNs = System.nanoTime() - startNs;
        return new Reading(bytes * 8 / tookNs, (PROCESS.getProcessCpuTime() - startCpuNs) / tookNs);
    }

    private boolean isCarrierUp() throws IOException {
        return control.run("conntrack/offload-show")
                .lines()
                .anyMatch(line -> line.startsWith("provider " + CARRIER) && line.endsWith("ready"));
    }

    private boolean isCarried() {
        return why().contains("original carried by " + CARRIER);
    }

    private String why() {
        try {
            return control.run("conntrack/offload-why", TUPLE);
        } catch (IOException e) {
            return e.toString();
        }
    }
}
