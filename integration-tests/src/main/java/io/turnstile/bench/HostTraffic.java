package io.turnstile.bench;

import io.turnstile.bench.traffic.EchoProbe;
import io.turnstile.bench.traffic.EchoTime;
import io.turnstile.bench.traffic.Programs;
import io.turnstile.bench.traffic.ShortConnections;
import io.turnstile.bench.traffic.UdpStream;
import io.turnstile.lab.Await;
import io.turnstile.lab.Daemon;
import io.turnstile.lab.Host;
import io.turnstile.lab.Lab;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * Traffic between two hosts, of which each kind is begun, let warm up and measured for so many seconds.
 *
 * @param inside opens the connections
 */
record HostTraffic(Lab lab, Host inside, Host outside, int seconds) {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final int TCP_PORT = 5201;
    private static final int UDP_PORT = 9000;
    private static final int ECHO_PORT = 9001;
    private static final int FIRST_SERVICE_PORT = 8000;
    private static final int SERVICE_PORTS = 4;
    private static final int CLIENT_THREADS = 8;
    /** Compilers and caches warm up, and what can be carried comes to be carried. */
    private static final int WARM_UP_SECONDS = 3;

    /** One pair of turns differs from the next by a tenth. */
    private static final int PAIRS = 3;

    /** The code for connections is more than that for packets. */
    private static final int CONNECTIONS_WARM_UP_SECONDS = 8;

    /** A rate, and what share of a core the process that was watched used meanwhile. */
    record Rate(double perSecond, double cores) {}

    /** Half of the echoes were faster than that, and all but a hundredth. */
    record RoundTrip(double medianNs, double slowNs) {}

    /**
     * One stream of TCP, bits a second.
     *
     * @param cpuNs what the process that is watched has used of a core so far
     */
    Rate tcp(LongSupplier cpuNs) {
        try (Daemon server = outside.start(List.of("iperf3", "-s", "-p", "" + TCP_PORT))) {
            Await.until("iperf3 listens", PATIENCE, () -> isListening(TCP_PORT), server::output);
            try (Daemon client = inside.start(List.of(
                    "iperf3",
                    "-c",
                    outside.address(),
                    "-p",
                    "" + TCP_PORT,
                    "-t",
                    "" + seconds,
                    "-O",
                    "" + WARM_UP_SECONDS,
                    "-f",
                    "k"))) {
                pause(WARM_UP_SECONDS);
                long startCpuNs = cpuNs.getAsLong();
                long startNs = System.nanoTime();
                pause(Math.max(1, seconds - 1));
                double cores = (cpuNs.getAsLong() - startCpuNs) / (double) (System.nanoTime() - startNs);
                client.awaitEnd(Duration.ofSeconds(30));
                String summary = client.output()
                        .lines()
                        .filter(line -> line.endsWith("receiver"))
                        .findFirst()
                        .orElseThrow(() -> new IllegalStateException(client.output()));
                String[] words = summary.trim().split("\\s+");
                return new Rate(Double.parseDouble(words[Arrays.asList(words).indexOf("Kbits/sec") - 1]) * 1e3, cores);
            }
        }
    }

    private boolean isListening(int port) {
        return outside.run("ss", "-Hltn", "sport", "=", ":" + port).output().contains(":" + port);
    }

    /** Datagrams of 18 bytes one way, of a connection that was answered before; delivered a second. */
    Rate udp(LongSupplier cpuNs) {
        Path ready = ready();
        try (Daemon sink = outside.start(Programs.java(UdpStream.class, "serve", "" + UDP_PORT, ready.toString()))) {
            Await.until("the sink is ready", PATIENCE, () -> Files.exists(ready), sink::output);
            try (Daemon source = inside.start(Programs.java(
                    UdpStream.class,
                    "send",
                    outside.address(),
                    "" + UDP_PORT,
                    "" + WARM_UP_SECONDS,
                    "" + (seconds + 2 * WARM_UP_SECONDS)))) {
                Await.until("the stream flows", PATIENCE, () -> source.output().contains("flows"), source::output);
                pause(1);
                long startCpuNs = cpuNs.getAsLong();
                long startNs = System.nanoTime();
                long before = received();
                pause(seconds);
                long delivered = received() - before;
                double elapsedNs = System.nanoTime() - startNs;
                return new Rate(delivered * 1e9 / elapsedNs, (cpuNs.getAsLong() - startCpuNs) / elapsedNs);
            }
        }
    }

    private long received() {
        return Long.parseLong(
                outside.run("cat", "/sys/class/net/eth0/statistics/rx_packets").text());
    }

    /** Connections with one small request and one small answer, a second. */
    double shortConnections() {
        try (Daemon server = service(seconds + 30)) {
            exchange(CONNECTIONS_WARM_UP_SECONDS);
            return exchange(seconds) / seconds;
        }
    }

    /**
     * How many connections there are with something turned on for one with it turned off, in turn and with either one
     * first: the median of the pairs.
     */
    double shortConnectionsInTurn(Consumer<Boolean> knob) {
        List<Double> ratios = new ArrayList<>();
        try (Daemon server = service(PAIRS * 2 * (seconds + 5) + 60)) {
            for (int pair = 0; pair < PAIRS; pair++) {
                boolean onFirst = pair % 2 == 0;
                double first = turn(knob, onFirst);
                double second = turn(knob, !onFirst);
                ratios.add(onFirst ? first / second : second / first);
            }
        }
        return SideBySide.median(ratios);
    }

    private double turn(Consumer<Boolean> knob, boolean on) {
        knob.accept(on);
        exchange(1);
        return exchange(seconds);
    }

    private Daemon service(int forSeconds) {
        Path ready = ready();
        Daemon server = outside.start(Programs.java(
                ShortConnections.class,
                "serve",
                "" + FIRST_SERVICE_PORT,
                "" + SERVICE_PORTS,
                "" + forSeconds,
                ready.toString()));
        Await.until("the server is ready", PATIENCE, () -> Files.exists(ready), server::output);
        return server;
    }

    private double exchange(int forSeconds) {
        return Double.parseDouble(inside.command(Programs.java(
                                ShortConnections.class,
                                "run",
                                outside.address(),
                                "" + FIRST_SERVICE_PORT,
                                "" + SERVICE_PORTS,
                                "" + forSeconds,
                                "" + CLIENT_THREADS)
                        .toArray(String[]::new))
                .within(Duration.ofSeconds(forSeconds + 20))
                .run()
                .lines()
                .getLast());
    }

    /** Datagrams that come back, one after the other. */
    RoundTrip roundTrips() {
        Path ready = ready();
        try (Daemon server = outside.start(Programs.java(EchoProbe.class, "serve", "" + ECHO_PORT, ready.toString()))) {
            Await.until("the echo is ready", PATIENCE, () -> Files.exists(ready), server::output);
            String[] words = inside.command(Programs.java(
                                    EchoTime.class,
                                    outside.address(),
                                    "" + ECHO_PORT,
                                    "" + WARM_UP_SECONDS,
                                    "" + seconds)
                            .toArray(String[]::new))
                    .within(Duration.ofSeconds(WARM_UP_SECONDS + seconds + 20))
                    .run()
                    .lines()
                    .getLast()
                    .split(" ");
            return new RoundTrip(Double.parseDouble(words[0]), Double.parseDouble(words[1]));
        }
    }

    private Path ready() {
        return lab.folder().resolve("ready" + System.nanoTime());
    }

    private static void pause(int seconds) {
        Forwarder.pause(seconds);
    }
}
