package io.turnstile.bench;

import io.turnstile.bench.traffic.Programs;
import io.turnstile.bench.traffic.UdpFlood;
import io.turnstile.lab.Await;
import io.turnstile.lab.Daemon;
import io.turnstile.lab.Host;
import io.turnstile.lab.Lab;
import io.turnstile.lab.LabSwitch;
import io.turnstile.lab.OpenVswitch;
import io.turnstile.lab.Turnstile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Function;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/**
 * Turnstile and ovs-vswitchd (userspace datapath) with the same stateful firewall between the same two hosts, in turn,
 * round after round in one run. Prints each round's figures, then medians and ratios: on a small noisy machine only the
 * ratio of neighbouring rounds means anything.
 */
@CommandLine.Command(
        name = "switch",
        description = "Turnstile and ovs-vswitchd side by side: TCP, small UDP, short connections")
public final class SideBySide implements Callable<Integer> {
    /** A stateful firewall: port 1 may begin connections. */
    static final List<String> FIREWALL = List.of(
            "table=0,priority=100,arp,actions=NORMAL",
            "table=0,priority=100,ip,ct_state=-trk,actions=ct(table=1)",
            "table=0,priority=0,actions=drop",
            "table=1,priority=100,ip,in_port=1,ct_state=+trk+new,actions=ct(commit),2",
            "table=1,priority=100,ip,in_port=1,ct_state=+trk+est,actions=2",
            "table=1,priority=100,ip,in_port=2,ct_state=+trk+est,actions=1",
            "table=1,priority=0,actions=drop");

    private static final int UDP_PORT = 9000;

    @Option(names = "--rounds", defaultValue = "3", description = "rounds of each switch (default: ${DEFAULT-VALUE})")
    private int rounds;

    @Option(
            names = "--seconds",
            defaultValue = "5",
            description = "length of each measurement (default: ${DEFAULT-VALUE})")
    private int seconds;

    @Option(names = "--only", description = "run one switch alone: turnstile or ovs-vswitchd")
    private String only;

    @Option(
            names = "--measure",
            split = ",",
            description = "of ${COMPLETION-CANDIDATES} only these, comma between them")
    private EnumSet<Measure> measures = EnumSet.allOf(Measure.class);

    /** What is measured; larger is better for each. */
    enum Measure {
        TCP("TCP, one stream, MTU 1500, tx offload off", "Gbit/s", 1e9),
        UDP("UDP, 60-byte frames, delivered", "kpackets/s", 1e3),
        CONNECTIONS("short TCP connections", "connections/s", 1);

        private final String title;
        private final String unit;
        private final double perUnit;

        Measure(String title, String unit, double perUnit) {
            this.title = title;
            this.unit = unit;
            this.perUnit = perUnit;
        }

        String show(double value) {
            return "%.2f %s".formatted(value / perUnit, unit);
        }
    }

    @Override
    public Integer call() throws IOException {
        if (!Lab.isPossible("turnstile bench switch")) {
            return 1;
        }
        Map<String, Function<Lab, LabSwitch>> contestants = new LinkedHashMap<>();
        contestants.put("turnstile", Turnstile::start);
        contestants.put("ovs-vswitchd", OpenVswitch::start);
        if (only != null) {
            contestants.keySet().retainAll(List.of(only));
        }
        Map<String, Map<Measure, List<Double>>> figures = new LinkedHashMap<>();
        for (int round = 1; round <= rounds; round++) {
            for (var contestant : contestants.entrySet()) {
                Map<Measure, Double> result = round(contestant.getValue());
                result.forEach((measure, value) -> figures.computeIfAbsent(
                                contestant.getKey(), name -> new EnumMap<>(Measure.class))
                        .computeIfAbsent(measure, m -> new ArrayList<>())
                        .add(value));
                System.out.printf("round %d  %-13s %s%n", round, contestant.getKey(), show(result));
            }
        }
        summarise(figures);
        return 0;
    }

    private static String show(Map<Measure, Double> result) {
        StringBuilder line = new StringBuilder();
        result.forEach((measure, value) -> line.append("  ").append(measure.show(value)));
        return line.toString();
    }

    private void summarise(Map<String, Map<Measure, List<Double>>> figures) {
        System.out.println();
        for (Measure measure : measures) {
            StringBuilder line = new StringBuilder("%-45s".formatted(measure.title));
            List<Double> medians = new ArrayList<>();
            figures.forEach((name, byMeasure) -> {
                double median = median(byMeasure.get(measure));
                medians.add(median);
                line.append("  ").append(name).append(' ').append(measure.show(median));
            });
            if (medians.size() == 2) {
                line.append("  ratio %.2f".formatted(medians.get(0) / medians.get(1)));
            }
            System.out.println(line);
        }
    }

    /** The middle of two in the middle. */
    static double median(List<Double> values) {
        double[] sorted =
                values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        int middle = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    private Map<Measure, Double> round(Function<Lab, LabSwitch> starter) throws IOException {
        try (Lab lab = new Lab("bn")) {
            Host inside = lab.host("in", "10.9.0.1/24");
            Host outside = lab.host("out", "10.9.0.2/24");
            for (Host host : List.of(inside, outside)) {
                host.transmitOffloadOff();
                host.run("sysctl", "-qw", "net.ipv4.ip_local_port_range=1024 65535");
            }
            LabSwitch contestant = starter.apply(lab);
            contestant.connect(inside, outside, FIREWALL);
            HostTraffic traffic = new HostTraffic(lab, inside, outside, seconds);
            Map<Measure, Double> result = new EnumMap<>(Measure.class);
            // The first second warms compilers and caches on both sides; it is not counted.
            for (Measure measure : measures) {
                result.put(
                        measure,
                        switch (measure) {
                            case TCP -> traffic.tcp(() -> 0).perSecond();
                            case UDP -> udpPacketsPerSecond(lab, inside, outside);
                            case CONNECTIONS -> traffic.shortConnections();
                        });
            }
            return result;
        }
    }

    private double udpPacketsPerSecond(Lab lab, Host inside, Host outside) {
        Path ready = lab.folder().resolve("udp-ready");
        int patience = seconds + 20;
        try (Daemon sink =
                outside.start(Programs.java(UdpFlood.class, "sink", "" + UDP_PORT, "" + patience, ready.toString()))) {
            Await.until("the sink is ready", Duration.ofSeconds(10), () -> Files.exists(ready), sink::output);
            udpSend(inside, outside, 2);
            long before = receivedPackets(outside);
            long startNs = System.nanoTime();
            long sendNs = udpSend(inside, outside, seconds);
            long delivered = receivedPackets(outside) - before;
            return delivered * 1e9 / Math.min(sendNs, System.nanoTime() - startNs);
        }
    }

    /** Sends for so long; returns that long in nanoseconds, without the sender's start. */
    private static long udpSend(Host from, Host to, int forSeconds) {
        from.command(Programs.java(UdpFlood.class, "send", to.address(), "" + UDP_PORT, "" + forSeconds)
                        .toArray(String[]::new))
                .within(Duration.ofSeconds(forSeconds + 20))
                .run();
        return forSeconds * 1_000_000_000L;
    }

    private static long receivedPackets(Host host) {
        return Long.parseLong(
                host.run("cat", "/sys/class/net/eth0/statistics/rx_packets").text());
    }
}
