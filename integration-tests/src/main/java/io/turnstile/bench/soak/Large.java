package io.turnstile.bench.soak;

import io.turnstile.bench.traffic.EchoProbe;
import io.turnstile.bench.traffic.ManyTuples;
import io.turnstile.bench.traffic.Programs;
import io.turnstile.lab.Await;
import io.turnstile.lab.Command;
import io.turnstile.lab.Daemon;
import io.turnstile.lab.Host;
import io.turnstile.lab.Lab;
import io.turnstile.lab.LabSwitch;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * One switch, one large thing after the other, each asked for by Debian's tools. A line for each: how long it took, the
 * probe's longest time without an answer, and how long other clients' echoes took on the three kinds of sockets.
 */
public final class Large {
    private static final int PROBE_PORT = 7;
    private static final int PROBE_INTERVAL_MS = 2;
    private static final Duration ECHO_PAUSE = Duration.ofMillis(10);
    private static final Duration START_LIMIT = Duration.ofSeconds(30);
    private static final Duration STEP_LIMIT = Duration.ofMinutes(15);
    /** The probe reports whole seconds. */
    private static final Duration MARGIN = Duration.ofMillis(2100);

    private static final Duration IDLE = Duration.ofSeconds(5);
    private static final List<String> FIREWALL = List.of(
            "table=0,priority=60000,arp,actions=NORMAL",
            "table=0,priority=60000,udp,in_port=1,tp_dst=7,actions=2",
            "table=0,priority=60000,udp,in_port=2,tp_src=7,actions=1",
            "table=0,priority=50000,udp,in_port=1,actions=ct(commit)");

    private final int flows;
    private final int connections;
    private final Map<String, Latencies> echoes = new LinkedHashMap<>();
    private volatile boolean over;

    /** Something large. */
    private interface Step {
        void run() throws IOException, InterruptedException;
    }

    public Large(int flows, int connections) {
        this.flows = flows;
        this.connections = connections;
        List.of("OpenFlow", "OVSDB", "control").forEach(kind -> echoes.put(kind, new Latencies()));
    }

    /** Runs and prints. */
    public void run(Function<Lab, LabSwitch> starter) throws IOException, InterruptedException {
        try (Lab lab = new Lab("lg")) {
            Host inside = lab.host("in", "10.9.0.1/24");
            Host outside = lab.host("out", "10.9.0.2/24");
            // Open vSwitch 3.1's userspace datapath sends on what a veth's checksum offload has left open.
            List.of(inside, outside).forEach(Host::transmitOffloadOff);
            LabSwitch contestant = lab.add(starter.apply(lab));
            contestant.connect(inside, outside, FIREWALL);
            contestant.appctl("dpctl/ct-set-maxconns", "" + connections).run();
            keepUdp(contestant);
            Daemon probe = startProbe(lab, inside, outside);
            over = false;
            List<Thread> clients = startEchoes(contestant);
            System.out.printf(
                    "%s%n%-28s %8s %9s %6s  %s; resident%n",
                    contestant.name(), "step", "seconds", "gap ms", "lost", "echoes p99 (most), ms");
            steps(lab, contestant, inside, outside, probe);
            over = true;
            for (Thread client : clients) {
                client.join();
            }
        }
    }

    /** Nothing that is made here ends by itself. */
    private static void keepUdp(LabSwitch contestant) {
        contestant
                .vsctl(
                        "--id=@dp",
                        "create",
                        "Datapath",
                        "datapath_version=0",
                        "--",
                        "set",
                        "Open_vSwitch",
                        ".",
                        "datapaths:netdev=@dp")
                .run();
        contestant
                .vsctl("add-zone-tp", "netdev", "zone=0", "udp_first=7200", "udp_single=7200")
                .run();
    }

    private static Daemon startProbe(Lab lab, Host inside, Host outside) {
        Path ready = lab.folder().resolve("echo-ready");
        Daemon echo = outside.start(Programs.java(EchoProbe.class, "serve", "" + PROBE_PORT, ready.toString()));
        Await.until("the echo server is ready", START_LIMIT, () -> Files.exists(ready), echo::output);
        return inside.start(
                Programs.java(EchoProbe.class, "run", outside.address(), "" + PROBE_PORT, "" + PROBE_INTERVAL_MS));
    }

    private List<Thread> startEchoes(LabSwitch contestant) {
        Path directory = contestant.runDirectory();
        return List.of(
                        EchoClient.openFlow(directory.resolve("br0.mgmt"), latencies("OpenFlow")),
                        EchoClient.ovsdb(directory.resolve("db.sock"), latencies("OVSDB")),
                        EchoClient.control(contestant.controlSocket(), latencies("control")))
                .stream()
                .map(client -> Thread.ofPlatform().daemon().start(() -> askAgainAndAgain(client)))
                .toList();
    }

    private Latencies latencies(String kind) {
        return echoes.computeIfAbsent(kind, _ -> new Latencies());
    }

    private void askAgainAndAgain(EchoClient client) {
        try {
            while (!over) {
                client.ask();
                Thread.sleep(ECHO_PAUSE);
            }
            client.disconnect();
        } catch (IOException e) {
            System.out.println("an echo was not answered: " + e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void steps(Lab lab, LabSwitch contestant, Host inside, Host outside, Daemon probe)
            throws IOException, InterruptedException {
        Path file = lab.folder().resolve("flows.txt");
        writeFlows(file);
        String bridge = contestant.runDirectory().resolve("br0.mgmt").toString();
        measure("nothing", contestant, probe, () -> Thread.sleep(IDLE));
        measure(flows + " flows loaded", contestant, probe, () -> shell("ovs-ofctl add-flows " + bridge + " " + file));
        measure("dumped", contestant, probe, () -> {
            String lines = shell("ovs-ofctl dump-flows " + bridge + " cookie=0x50/-1 | grep -c cookie=0x50");
            check(lines, flows);
        });
        measure("counted", contestant, probe, () -> shell("ovs-ofctl dump-aggregate " + bridge));
        measure("removed", contestant, probe, () -> shell("ovs-ofctl del-flows " + bridge + " cookie=0x50/-1"));
        measure(
                connections + " connections made",
                contestant,
                probe,
                () -> makeConnections(contestant, inside, outside));
        String appctl = "ovs-appctl --target=" + contestant.controlSocket() + " dpctl/";
        measure("dumped", contestant, probe, () -> {
            String lines = shell(appctl + "dump-conntrack | grep -c udp");
            check(lines, connections);
        });
        measure("counted by port", contestant, probe, () -> shell(appctl + "ct-bkts >/dev/null"));
        measure("flushed", contestant, probe, () -> {
            shell(appctl + "flush-conntrack");
            Await.until("all are gone", STEP_LIMIT, () -> count(contestant) == 0, () -> "");
        });
    }

    private void writeFlows(Path file) throws IOException {
        try (BufferedWriter out = Files.newBufferedWriter(file)) {
            for (int i = 0; i < flows; i++) {
                out.write("cookie=0x50,table=%d,priority=%d,tcp,nw_dst=10.%d.%d.%d,tp_dst=%d,actions=ct(table=9)%n"
                        .formatted(1 + i % 5, 1 + i % 1000, i >>> 16, i >>> 8 & 0xff, i & 0xff, 1 + i % 65_000));
            }
        }
    }

    private void makeConnections(LabSwitch contestant, Host inside, Host outside) {
        try (Daemon flood = inside.start(Programs.java(ManyTuples.class, outside.address(), "0"))) {
            Await.until(
                    "there are " + connections,
                    STEP_LIMIT,
                    () -> count(contestant) >= connections,
                    () -> count(contestant) + " of " + connections + "\n" + flood.output());
        }
    }

    private static int count(LabSwitch contestant) {
        return Integer.parseInt(contestant.appctl("dpctl/ct-get-nconns").run().text());
    }

    private static String shell(String command) {
        return Command.of("bash", "-o", "pipefail", "-c", command)
                .within(STEP_LIMIT)
                .run()
                .text();
    }

    private static void check(String lines, int expected) {
        if (Integer.parseInt(lines) != expected) {
            throw new IllegalStateException(lines + " instead of " + expected);
        }
    }

    private void measure(String what, LabSwitch contestant, Daemon probe, Step step)
            throws IOException, InterruptedException {
        echoes.values().forEach(Latencies::clear);
        long fromSecond = System.currentTimeMillis() / 1000;
        long beganNs = System.nanoTime();
        step.run();
        double seconds = (System.nanoTime() - beganNs) / 1e9;
        StringBuilder text = new StringBuilder();
        echoes.forEach((kind, latencies) ->
                text.append("  %s %.1f (%.0f)".formatted(kind, latencies.quantileMs(0.99), latencies.quantileMs(1))));
        long toSecond = System.currentTimeMillis() / 1000;
        Thread.sleep(MARGIN);
        long longestGapMs = 0;
        long lost = 0;
        for (String line : probe.output().lines().toList()) {
            String[] words = line.split(" ");
            if (words.length == 5 && Long.parseLong(words[0]) >= fromSecond && Long.parseLong(words[0]) <= toSecond) {
                lost += Long.parseLong(words[1]) - Long.parseLong(words[2]);
                longestGapMs = Math.max(longestGapMs, Long.parseLong(words[3]));
            }
        }
        System.out.printf(
                "%-28s %8.1f %9d %6d %s  %d MiB%n",
                what,
                seconds,
                longestGapMs,
                lost,
                text,
                Daemon.residentBytes(contestant.daemon().pid()) >> 20);
    }
}
