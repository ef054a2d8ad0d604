package io.turnstile.bench;

import com.sun.management.OperatingSystemMXBean;
import io.turnstile.lab.Host;
import io.turnstile.lab.Lab;
import io.turnstile.offload.provider.ebpf.EbpfProvider;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.management.ObjectName;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/**
 * How fast paths come to the provider that carries in the kernel and go again, and what memory they take: there, and in
 * this process. The programs are loaded and attached to devices of their own; no packet is carried.
 */
@CommandLine.Command(
        name = "paths",
        description = "paths into the kernel and out again: how many a second, and bytes of memory for each")
public final class OffloadPaths implements Callable<Integer> {
    /** A thread that used less than this part of the process's time is not shown. */
    private static final int THREADS_SHOWN = 50;

    @Option(
            names = "--connections",
            defaultValue = "100k",
            converter = Amount.class,
            description = "with two paths each (default: ${DEFAULT-VALUE})")
    private int connections;

    @Option(names = "--rounds", defaultValue = "3", description = "of each (default: ${DEFAULT-VALUE})")
    private int rounds;

    @Option(
            names = "--list",
            defaultValue = "64",
            description = "operations that the provider alone is handed at once (default: ${DEFAULT-VALUE})")
    private int listLength;

    @Option(
            names = "--through",
            split = ",",
            description = "of ${COMPLETION-CANDIDATES} only these, comma between them")
    private EnumSet<Through> through = EnumSet.allOf(Through.class);

    @Option(names = "--classes", description = "say which classes the heap's bytes are of")
    private boolean classes;

    /** How far a path comes. */
    enum Through {
        /** Calls of the provider. */
        PROVIDER,
        /** From a packet to the provider: datapath, keeper of paths, dispatcher, lane. */
        SWITCH
    }

    /** Something that is done to all paths. */
    private interface Work {
        void run() throws Exception;
    }

    @Override
    public Integer call() throws Exception {
        if (!Lab.isPossible("turnstile bench offload paths")) {
            return 1;
        }
        try (Lab lab = new Lab("pb")) {
            int[] ifindexes = {ifindex(lab.host("in", "10.9.0.1/24")), ifindex(lab.host("out", "10.9.0.2/24"))};
            for (int round = 1; round <= rounds; round++) {
                for (Through each : through) {
                    System.out.printf("round %d, %s%n", round, each == Through.PROVIDER ? "provider alone" : "switch");
                    if (each == Through.PROVIDER) {
                        providerAlone(ifindexes);
                    } else {
                        throughSwitch(ifindexes);
                    }
                }
            }
        }
        return 0;
    }

    private static int ifindex(Host host) throws IOException {
        return Integer.parseInt(Files.readString(Path.of("/sys/class/net", host.device(), "ifindex"))
                .strip());
    }

    private void providerAlone(int[] ifindexes) throws Exception {
        Map<String, String> settings = Map.of("max-paths", Integer.toString(2 * connections));
        try (ProviderAlone alone =
                new ProviderAlone(new EbpfProvider(), settings, ifindexes, connections, listLength)) {
            Taken before = Taken.now();
            measure("put", alone::put);
            System.out.println(Taken.now().since(before, 2L * connections));
            alone.describe().forEach(line -> System.out.println("    " + line));
            measure("statistics read", alone::readStatistics);
            measure("deleted", alone::delete);
        }
    }

    private void throughSwitch(int[] ifindexes) throws Exception {
        Map<String, String> otherConfig = Map.of("offload-ebpf-max-paths", Integer.toString(2 * connections));
        EbpfProvider provider = new EbpfProvider();
        try (CarryingSwitch carrying = new CarryingSwitch(connections, ifindexes)) {
            carrying.enable(provider, otherConfig);
            carrying.establish();
            Histogram held = classes ? Histogram.now() : null;
            Taken before = Taken.now();
            measure("put", carrying::carry);
            System.out.println(Taken.now().since(before, 2L * connections));
            provider.describe().forEach(line -> System.out.println("    " + line));
            if (held != null) {
                Histogram.now().printSince(held, 2L * connections);
            }
            measure("deleted", carrying::takeBack);
        }
    }

    private void measure(String what, Work work) throws Exception {
        long paths = 2L * connections;
        long collectingNs = Memory.collectingNs();
        Map<Long, Long> before = CpuTime.ofThreadsNs("");
        long cpuNs = processCpuNs();
        long beganNs = System.nanoTime();
        work.run();
        long lengthNs = System.nanoTime() - beganNs;
        long processNs = processCpuNs() - cpuNs;
        System.out.printf(
                "  %-16s %8.0f a second, %8.0f a CPU second of the process; collections %d ms%n",
                what,
                paths * 1e9 / lengthNs,
                paths * 1e9 / processNs,
                (Memory.collectingNs() - collectingNs) / 1_000_000);
        CpuTime.byNameSinceNs(before).forEach((thread, ns) -> {
            if (ns > processNs / THREADS_SHOWN) {
                System.out.printf("    %-24s %8.0f a CPU second%n", thread, paths * 1e9 / ns);
            }
        });
    }

    private static long processCpuNs() {
        return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    /** Memory taken at some moment, once garbage is collected. */
    private record Taken(long heapBytes, long slabBytes) {
        static Taken now() throws IOException {
            System.gc();
            Runtime runtime = Runtime.getRuntime();
            return new Taken(runtime.totalMemory() - runtime.freeMemory(), unreclaimable());
        }

        /** The kernel's memory that is somebody's, on the whole machine. */
        private static long unreclaimable() throws IOException {
            for (String line : Files.readAllLines(Path.of("/proc/meminfo"))) {
                if (line.startsWith("SUnreclaim:")) {
                    return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
                }
            }
            throw new IOException("no SUnreclaim in /proc/meminfo");
        }

        String since(Taken before, long paths) {
            return "  bytes a path: heap %.0f; slabs of the whole machine's kernel %.0f"
                    .formatted(
                            (double) (heapBytes - before.heapBytes) / paths,
                            (double) (slabBytes - before.slabBytes) / paths);
        }
    }

    /** Bytes on the heap by class, once garbage is collected. */
    private record Histogram(Map<String, Long> bytes) {
        private static final Pattern LINE = Pattern.compile("\\s*\\d+:\\s+\\d+\\s+(\\d+)\\s+(\\S+).*");
        private static final int LEAST_BYTES = 2;

        static Histogram now() throws Exception {
            String text = (String) ManagementFactory.getPlatformMBeanServer()
                    .invoke(
                            new ObjectName("com.sun.management:type=DiagnosticCommand"),
                            "gcClassHistogram",
                            new Object[] {new String[0]},
                            new String[] {String[].class.getName()});
            Map<String, Long> bytes = new HashMap<>();
            text.lines()
                    .map(LINE::matcher)
                    .filter(Matcher::matches)
                    .forEach(line -> bytes.merge(line.group(2), Long.parseLong(line.group(1)), Long::sum));
            return new Histogram(bytes);
        }

        void printSince(Histogram before, long paths) {
            List<Map.Entry<String, Double>> rows = new ArrayList<>();
            bytes.forEach((name, now) ->
                    rows.add(Map.entry(name, (now - before.bytes.getOrDefault(name, 0L)) / (double) paths)));
            rows.sort(Map.Entry.<String, Double>comparingByValue().reversed());
            rows.stream()
                    .filter(row -> row.getValue() >= LEAST_BYTES)
                    .forEach(row -> System.out.printf("    %6.1f  %s%n", row.getValue(), row.getKey()));
        }
    }
}
