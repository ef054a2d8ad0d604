package io.turnstile.bench;

import io.turnstile.bpf.asm.Helper;
import io.turnstile.lab.Command;
import io.turnstile.lab.Host;
import io.turnstile.lab.Lab;
import io.turnstile.lab.LabSwitch;
import io.turnstile.lab.OpenVswitch;
import io.turnstile.lab.Turnstile;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.LongSupplier;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/**
 * What carrying in the kernel brings: the same traffic between the same two hosts by the plain redirect that nothing
 * can be faster than, in the JVM, carried, and by ovs-vswitchd, in turn, round after round in one run. Prints each
 * round's figures and a table of medians.
 */
@CommandLine.Command(
        name = "carried",
        description = "hw-offload beside what the kernel can do, the JVM and ovs-vswitchd: throughput, CPU, latency")
public final class OffloadCarried implements Callable<Integer> {
    @Option(names = "--rounds", defaultValue = "5", description = "rounds of each column (default: ${DEFAULT-VALUE})")
    private int rounds;

    @Option(
            names = "--seconds",
            defaultValue = "5",
            description = "length of each measurement (default: ${DEFAULT-VALUE})")
    private int seconds;

    @Option(
            names = "--measure",
            split = ",",
            description = "of ${COMPLETION-CANDIDATES} only these, comma between them")
    private EnumSet<Measure> measures = EnumSet.allOf(Measure.class);

    @Option(
            names = "--columns",
            split = ",",
            description = "of ${COMPLETION-CANDIDATES} only these, comma between them (default: all but XDP and PEER)")
    private EnumSet<Column> columns = EnumSet.complementOf(EnumSet.of(Column.XDP, Column.PEER));

    @Option(
            names = "--tx",
            split = ",",
            description = "transmit offload of the hosts' devices, ${COMPLETION-CANDIDATES}: both unless one is named")
    private EnumSet<TransmitOffload> transmitOffloads = EnumSet.allOf(TransmitOffload.class);

    enum TransmitOffload {
        OFF,
        ON
    }

    /** Who carries. */
    enum Column {
        LIMIT("limit"),
        JVM("in the JVM"),
        CARRIED("carried"),
        /** With {@code offload-attach=xdp}; the hosts' devices join segments, which veth needs to be sent to by XDP. */
        XDP("carried, xdp"),
        /** As the limit, by {@code bpf_redirect_peer}. */
        PEER("to the peer"),
        OVS("ovs-vswitchd");

        private final String title;

        Column(String title) {
            this.title = title;
        }
    }

    /** What is measured. */
    enum Measure {
        TCP("TCP, one stream", "Gbit/s", 1e9),
        UDP("UDP, 18 bytes, delivered", "kpackets/s", 1e3),
        CONNECTIONS("short TCP connections", "a second", 1),
        LATENCY("UDP echo", "us", 1e3);

        private final String title;
        private final String unit;
        private final double perUnit;

        Measure(String title, String unit, double perUnit) {
            this.title = title;
            this.unit = unit;
            this.perUnit = perUnit;
        }
    }

    /** A row of the table: of a measure there may be several. */
    private enum Row {
        TCP(Measure.TCP, ""),
        TCP_CPU(Measure.TCP, ", CPU of the switch"),
        UDP(Measure.UDP, ""),
        UDP_CPU(Measure.UDP, ", CPU of the switch"),
        CONNECTIONS(Measure.CONNECTIONS, ""),
        /** Under one switch that is warm: what the knob costs, and nothing else. */
        CONNECTIONS_IN_TURN(Measure.CONNECTIONS, ", of those with the knob off in turn"),
        LATENCY_P50(Measure.LATENCY, ", p50"),
        LATENCY_P99(Measure.LATENCY, ", p99");

        private final Measure measure;
        private final String what;

        Row(Measure measure, String what) {
            this.measure = measure;
            this.what = what;
        }

        boolean isCpu() {
            return this == TCP_CPU || this == UDP_CPU;
        }

        /** What the switch says of itself, so that there is nothing to compare it with. */
        boolean isAlone() {
            return isCpu() || this == CONNECTIONS_IN_TURN;
        }

        String title() {
            String unit = isCpu() ? ", % of a core" : this == CONNECTIONS_IN_TURN ? "" : ", " + measure.unit;
            return measure.title + what + unit;
        }

        String show(double value) {
            return isCpu() ? "%.1f".formatted(value * 100) : "%.2f".formatted(value / measure.perUnit);
        }
    }

    @Override
    public Integer call() throws IOException {
        if (!Lab.isPossible("turnstile bench offload carried")) {
            return 1;
        }
        Map<TransmitOffload, Map<Row, Map<Column, List<Double>>>> figures = new EnumMap<>(TransmitOffload.class);
        for (int round = 1; round <= rounds; round++) {
            for (TransmitOffload transmit : transmitOffloads) {
                for (Column column : columnsWith(transmit)) {
                    Map<Row, Double> result = round(column, transmit);
                    StringBuilder line = new StringBuilder();
                    result.forEach((row, value) -> {
                        figures.computeIfAbsent(transmit, key -> new EnumMap<>(Row.class))
                                .computeIfAbsent(row, key -> new EnumMap<>(Column.class))
                                .computeIfAbsent(column, key -> new ArrayList<>())
                                .add(value);
                        line.append("  ").append(row.title()).append(' ').append(row.show(value));
                    });
                    System.out.printf("round %d  tx %-3s  %-12s%s%n", round, transmit, column.title, line);
                }
            }
        }
        figures.forEach(OffloadCarried::print);
        return 0;
    }

    /** ovs-vswitchd sends on what a host has left to its device to sum up as it is, and no stream comes through. */
    private EnumSet<Column> columnsWith(TransmitOffload transmit) {
        EnumSet<Column> all = EnumSet.copyOf(columns);
        if (transmit == TransmitOffload.ON) {
            all.remove(Column.OVS);
        }
        return all;
    }

    // ---- a round ----

    private Map<Row, Double> round(Column column, TransmitOffload transmit) throws IOException {
        try (Lab lab = new Lab("cb")) {
            Host inside = lab.host("in", "10.9.0.1/24");
            Host outside = lab.host("out", "10.9.0.2/24");
            for (Host host : List.of(inside, outside)) {
                if (transmit == TransmitOffload.OFF) {
                    host.transmitOffloadOff();
                }
                host.run("sysctl", "-qw", "net.ipv4.ip_local_port_range=1024 65535");
            }
            HostTraffic traffic = new HostTraffic(lab, inside, outside, seconds);
            return switch (column) {
                case LIMIT -> limit(lab, traffic, Helper.REDIRECT);
                case PEER -> limit(lab, traffic, Helper.REDIRECT_PEER);
                case JVM, CARRIED, XDP, OVS -> bySwitch(column, lab, traffic);
            };
        }
    }

    private Map<Row, Double> limit(Lab lab, HostTraffic traffic, Helper redirecting) throws IOException {
        Map<Row, Double> result = new EnumMap<>(Row.class);
        LongSupplier nobody = () -> 0;
        try (PlainRedirect redirect = new PlainRedirect(traffic.inside(), traffic.outside(), redirecting)) {
            for (Measure measure : measures) {
                if (measure != Measure.LATENCY || redirecting != Helper.REDIRECT) {
                    measure(measure, traffic, nobody, result);
                }
            }
        }
        if (measures.contains(Measure.LATENCY) && redirecting == Helper.REDIRECT) {
            bridge(lab, traffic);
            measure(Measure.LATENCY, traffic, nobody, result);
        }
        result.keySet().removeIf(Row::isCpu);
        return result;
    }

    /** Joins the hosts by the kernel's own bridge. */
    private static void bridge(Lab lab, HostTraffic traffic) {
        String bridge = lab.deviceName("br");
        Command.of("ip", "link", "add", bridge, "type", "bridge", "forward_delay", "0")
                .run();
        for (Host host : List.of(traffic.inside(), traffic.outside())) {
            Command.of("ip", "link", "set", host.device(), "master", bridge).run();
        }
        Command.of("ip", "link", "set", bridge, "up").run();
    }

    private Map<Row, Double> bySwitch(Column column, Lab lab, HostTraffic traffic) throws IOException {
        LabSwitch carrier = lab.add(column == Column.OVS ? OpenVswitch.start(lab) : Turnstile.start(lab));
        carrier.connect(traffic.inside(), traffic.outside(), SideBySide.FIREWALL);
        boolean carries = column == Column.CARRIED || column == Column.XDP;
        turn(carrier, carries);
        if (column == Column.XDP) {
            for (Host host : List.of(traffic.inside(), traffic.outside())) {
                carrier.vsctl("set", "interface", host.device(), "options:offload-attach=xdp")
                        .run();
                host.run("ethtool", "-K", "eth0", "gro", "on");
            }
        }
        Map<Row, Double> result = new EnumMap<>(Row.class);
        for (Measure measure : measures) {
            measure(measure, traffic, carrier.daemon()::cpuNs, result);
        }
        if (carries && measures.contains(Measure.CONNECTIONS)) {
            result.put(Row.CONNECTIONS_IN_TURN, traffic.shortConnectionsInTurn(on -> turn(carrier, on)));
        }
        if (carries) {
            System.out.println(carrier.appctl("dpctl/offload-stats-show").run().text());
        }
        return result;
    }

    private static void turn(LabSwitch carrier, boolean on) {
        carrier.vsctl("set", "open_vswitch", ".", "other_config:hw-offload=" + on)
                .run();
    }

    private static void measure(Measure measure, HostTraffic traffic, LongSupplier cpuNs, Map<Row, Double> result) {
        switch (measure) {
            case TCP -> put(traffic.tcp(cpuNs), Row.TCP, Row.TCP_CPU, result);
            case UDP -> put(traffic.udp(cpuNs), Row.UDP, Row.UDP_CPU, result);
            case CONNECTIONS -> result.put(Row.CONNECTIONS, traffic.shortConnections());
            case LATENCY -> {
                HostTraffic.RoundTrip roundTrip = traffic.roundTrips();
                result.put(Row.LATENCY_P50, roundTrip.medianNs());
                result.put(Row.LATENCY_P99, roundTrip.slowNs());
            }
        }
    }

    private static void put(HostTraffic.Rate rate, Row row, Row cpuRow, Map<Row, Double> result) {
        result.put(row, rate.perSecond());
        result.put(cpuRow, rate.cores());
    }

    // ---- the table ----

    private static void print(TransmitOffload transmit, Map<Row, Map<Column, List<Double>>> rows) {
        System.out.printf("%nmedians with tx %s in the hosts' namespaces%n", transmit);
        StringBuilder head = new StringBuilder("| %-42s |".formatted("traffic"));
        for (Column column : Column.values()) {
            head.append(" %12s |".formatted(column.title));
        }
        System.out.println(head + " carried/limit | carried/JVM | carried/OVS |");
        System.out.println("|" + "---|".repeat(1 + Column.values().length + 3));
        rows.forEach((row, byColumn) -> {
            StringBuilder line = new StringBuilder("| %-42s |".formatted(row.title()));
            for (Column column : Column.values()) {
                List<Double> values = byColumn.get(column);
                line.append(" %12s |".formatted(values == null ? "–" : row.show(SideBySide.median(values))));
            }
            line.append(" %13s |".formatted(ratio(row, byColumn, Column.LIMIT)));
            line.append(" %11s |".formatted(ratio(row, byColumn, Column.JVM)));
            line.append(" %11s |".formatted(ratio(row, byColumn, Column.OVS)));
            System.out.println(line);
        });
        System.out.println("limit: a plain tcx redirect; of latency the kernel's bridge");
    }

    private static String ratio(Row row, Map<Column, List<Double>> byColumn, Column to) {
        List<Double> carried = byColumn.get(Column.CARRIED);
        List<Double> other = byColumn.get(to);
        return carried == null || other == null || row.isAlone()
                ? "–"
                : "%.2f".formatted(SideBySide.median(carried) / SideBySide.median(other));
    }
}
