package io.turnstile.bench.soak;

import io.turnstile.bench.traffic.EchoProbe;
import io.turnstile.bench.traffic.ManyTuples;
import io.turnstile.bench.traffic.Programs;
import io.turnstile.lab.Await;
import io.turnstile.lab.Command;
import io.turnstile.lab.Daemon;
import io.turnstile.lab.Host;
import io.turnstile.lab.Lab;
import io.turnstile.lab.Turnstile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * One run of the soak. In the first third of the time the switch is killed now and then; after that one process lives
 * to the end, and its memory has to stay as it is.
 */
public final class Soak {
    private static final int PROBE_PORT = 7;
    private static final int PROBE_INTERVAL_MS = 2;
    private static final int TUPLES_A_SECOND = 5_000;
    private static final int FLOOD_SECONDS = 3;
    private static final int FLOWS = 2_000;
    private static final int MOST_CONNECTIONS = 100_000;
    private static final Duration REPORT = Duration.ofSeconds(30);
    private static final Duration KILL_PAUSE = Duration.ofSeconds(75);
    /** What the switch has to live with; garbage fills it in the course of an hour. */
    private static final Map<String, String> SMALL_HEAP = Map.of("TURNSTILE_HEAP", "128m");

    private static final Duration START_LIMIT = Duration.ofSeconds(30);
    /** What belongs to the run itself, and stays. */
    private static final List<String> FIREWALL = List.of(
            "table=0,priority=100,arp,actions=NORMAL",
            // The trickle has ports of its own: the flood fills its port's ring, and the table of connections.
            "table=0,priority=200,in_port=3,actions=4",
            "table=0,priority=200,in_port=4,actions=3",
            "table=0,priority=100,ip,ct_state=-trk,actions=ct(table=1)",
            "table=1,priority=100,ip,in_port=1,ct_state=+trk+new,actions=ct(commit),2",
            "table=1,priority=100,ip,in_port=1,ct_state=+trk+est,actions=2",
            "table=1,priority=100,ip,in_port=2,ct_state=+trk+est,actions=1",
            "table=1,priority=100,ip,ct_state=+trk+rel,actions=NORMAL");

    private final Duration length;
    private final Watch watch = new Watch();
    /** Held for writing while the switch is killed and starts anew. */
    private final ReentrantReadWriteLock lives = new ReentrantReadWriteLock(true);

    private volatile boolean over;

    public Soak(Duration length) {
        this.length = length;
    }

    /** Runs and prints; false if a bound was broken. */
    public boolean run() throws IOException, InterruptedException {
        try (Lab lab = new Lab("sk")) {
            Host inside = lab.host("in", "10.9.0.1/24");
            Host outside = lab.host("out", "10.9.0.2/24");
            Turnstile turnstile = lab.add(Turnstile.start(lab, SMALL_HEAP, "--max-connections=" + MOST_CONNECTIONS));
            turnstile.connect(inside, outside, FIREWALL);
            Daemon probe = startProbe(lab, turnstile);
            startTraffic(inside, outside);
            List<Thread> workers = new ArrayList<>();
            BadClients badClients = badClients(turnstile);
            for (Activity activity : activities(lab, turnstile, inside, outside, badClients)) {
                workers.add(Thread.ofPlatform().name(activity.name()).start(() -> repeat(activity)));
            }
            watch(turnstile, probe);
            over = true;
            for (Thread worker : workers) {
                worker.join();
            }
            badClients.leave();
            return watch.verdict();
        }
    }

    private static BadClients badClients(Turnstile turnstile) {
        return new BadClients(
                turnstile.runDirectory().resolve("db.sock"),
                turnstile.controlSocket(),
                turnstile.runDirectory().resolve("br0.mgmt"));
    }

    // ---- what is done ----

    private static Daemon startProbe(Lab lab, Turnstile turnstile) {
        Host asking = lab.host("ask", "10.9.1.1/24");
        Host echoing = lab.host("echo", "10.9.1.2/24");
        for (Host host : List.of(asking, echoing)) {
            String port = host == asking ? "3" : "4";
            turnstile
                    .vsctl(
                            "add-port",
                            "br0",
                            host.device(),
                            "--",
                            "set",
                            "interface",
                            host.device(),
                            "ofport_request=" + port)
                    .run();
        }
        Path ready = lab.folder().resolve("echo-ready");
        Daemon echo = echoing.start(Programs.java(EchoProbe.class, "serve", "" + PROBE_PORT, ready.toString()));
        Await.until("the echo server is ready", START_LIMIT, () -> Files.exists(ready), echo::output);
        return asking.start(
                Programs.java(EchoProbe.class, "run", echoing.address(), "" + PROBE_PORT, "" + PROBE_INTERVAL_MS));
    }

    private static void startTraffic(Host inside, Host outside) {
        outside.start(List.of("iperf3", "-s"));
        // A kill of the switch can leave an iperf3 that does not end: it would send nothing and take a core.
        String transfers = "while true; do timeout 40 iperf3 -c %s -b 20M -P 4 -t 20 || sleep 1; done"
                .formatted(outside.address());
        inside.start(List.of("sh", "-c", transfers));
        inside.start(Programs.java(ManyTuples.class, outside.address(), "" + TUPLES_A_SECOND));
    }

    private List<Activity> activities(Lab lab, Turnstile turnstile, Host inside, Host outside, BadClients badClients)
            throws IOException {
        Path flows = lab.folder().resolve("churn.txt");
        Files.write(flows, churnFlows());
        String port = lab.deviceName("x");
        EchoClient openFlow =
                EchoClient.openFlow(turnstile.runDirectory().resolve("br0.mgmt"), watch.echoes("OpenFlow"));
        EchoClient ovsdb = EchoClient.ovsdb(turnstile.runDirectory().resolve("db.sock"), watch.echoes("OVSDB"));
        EchoClient control = EchoClient.control(turnstile.controlSocket(), watch.echoes("control"));
        Duration tenth = Duration.ofMillis(100);
        return List.of(
                new Activity("OpenFlow echo", tenth, openFlow::ask),
                new Activity("OVSDB echo", tenth, ovsdb::ask),
                new Activity("control echo", tenth, control::ask),
                new Activity("flows", Duration.ofSeconds(1), () -> churn(turnstile, flows)),
                new Activity("ports", Duration.ofSeconds(1), () -> addAndDeletePort(turnstile, port)),
                new Activity("providers", Duration.ofSeconds(3), () -> turnOffloadOnAndOff(turnstile)),
                new Activity("dumps", Duration.ofSeconds(1), () -> dump(turnstile)),
                new Activity("flood", Duration.ofSeconds(40), () -> flood(inside, outside)),
                new Activity(
                        "flush",
                        Duration.ofSeconds(25),
                        () -> turnstile
                                .appctl("dpctl/flush-conntrack", "zone=0", "ct_nw_proto=17,ct_tp_dst=10007")
                                .run()),
                new Activity("bad clients", Duration.ofSeconds(15), badClients::renew));
    }

    private static List<String> churnFlows() {
        Random random = new Random(1);
        List<String> flows = new ArrayList<>();
        for (int i = 0; i < FLOWS; i++) {
            flows.add("cookie=0x50,table=%d,priority=%d,tcp,nw_dst=10.77.%d.%d,tp_dst=%d,actions=ct(commit,table=9)"
                    .formatted(2 + i % 5, 1 + i, i >>> 8, i & 0xff, 1 + random.nextInt(65_000)));
        }
        return flows;
    }

    private static void churn(Turnstile turnstile, Path flows) {
        turnstile
                .ofctl("-O", "OpenFlow15", "--bundle", "add-flows", "br0", flows.toString())
                .run();
        String counted =
                turnstile.ofctl("dump-aggregate", "br0", "cookie=0x50/-1").run().text();
        if (!counted.contains("flow_count=" + FLOWS)) {
            throw new IllegalStateException("not " + FLOWS + " flows: " + counted);
        }
        turnstile.ofctl("del-flows", "br0", "cookie=0x50/-1").run();
    }

    private static void addAndDeletePort(Turnstile turnstile, String device) {
        Command.of("ip", "link", "delete", device).attempt(); // of a turn that a kill has cut short
        Command.of("ip", "link", "add", device, "type", "veth", "peer", "name", device + "p")
                .run();
        turnstile.vsctl("--may-exist", "add-port", "br0", device).run();
        String number =
                turnstile.vsctl("get", "interface", device, "ofport").run().text();
        if (!number.matches("[0-9]+")) {
            throw new IllegalStateException("port " + device + " has number " + number);
        }
        turnstile.vsctl("del-port", "br0", device).run();
        Command.of("ip", "link", "delete", device).run();
    }

    private static void turnOffloadOnAndOff(Turnstile turnstile) {
        turnstile
                .vsctl(
                        "set",
                        "Open_vSwitch",
                        ".",
                        "other_config:hw-offload-priority=dummy",
                        "other_config:hw-offload=true")
                .run();
        turnstile.appctl("conntrack/offload-show").run();
        turnstile
                .vsctl("set", "Open_vSwitch", ".", "other_config:hw-offload=false")
                .run();
    }

    private static void dump(Turnstile turnstile) {
        for (String command :
                List.of("dpctl/dump-conntrack", "dpctl/dump-flows", "dpctl/ct-stats-show", "coverage/show")) {
            turnstile.appctl(command).run();
        }
        turnstile.ofctl("dump-flows", "br0").run();
    }

    private static void flood(Host inside, Host outside) throws InterruptedException {
        try (Daemon flood = inside.start(Programs.java(ManyTuples.class, outside.address(), "0"))) {
            Thread.sleep(FLOOD_SECONDS * 1000L);
        }
    }

    private void repeat(Activity activity) {
        while (!over) {
            lives.readLock().lock();
            try {
                activity.step().run();
                watch.did(activity.name());
            } catch (Exception e) {
                watch.failed(activity.name(), e);
            } finally {
                lives.readLock().unlock();
            }
            pause(activity.pause());
        }
    }

    private void pause(Duration pause) {
        long endNs = System.nanoTime() + pause.toNanos();
        while (!over && System.nanoTime() - endNs < 0) {
            try {
                Thread.sleep(Math.clamp((endNs - System.nanoTime()) / 1_000_000, 1, 200));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    // ---- what is seen ----

    private void watch(Turnstile turnstile, Daemon probe) throws IOException, InterruptedException {
        long startNs = System.nanoTime();
        long reportNs = startNs + REPORT.toNanos();
        long killNs = startNs + KILL_PAUSE.toNanos();
        int lines = 0;
        boolean weighed = false;
        while (System.nanoTime() - startNs < length.toNanos()) {
            Thread.sleep(1000);
            long nowNs = System.nanoTime();
            if (nowNs - startNs < length.toNanos() / 3 && nowNs - killNs >= 0) {
                killAndRestart(turnstile);
                killNs = System.nanoTime() + KILL_PAUSE.toNanos();
            }
            List<String> probed = probe.output().lines().toList();
            probed.subList(lines, probed.size()).forEach(watch::probed);
            lines = probed.size();
            if (!turnstile.daemon().isAlive()) {
                throw new IllegalStateException(
                        "the switch has ended:\n" + turnstile.daemon().output());
            }
            watch.resident(turnstile.daemon().residentBytes());
            if (!weighed && nowNs - startNs >= length.toNanos() / 3 * 2) {
                weighed = true;
                weigh(turnstile);
            }
            if (nowNs - reportNs >= 0) {
                System.out.printf("%4d s  %s%n", (nowNs - startNs) / 1_000_000_000, watch.status());
                reportNs += REPORT.toNanos();
            }
        }
        weigh(turnstile);
    }

    /** Without a collection no leak could be told from the garbage that the process grows by for an hour. */
    private void weigh(Turnstile turnstile) throws IOException {
        turnstile.daemon().collectGarbage();
        watch.weighed(turnstile.daemon().residentBytes());
    }

    private void killAndRestart(Turnstile turnstile) {
        watch.killed();
        turnstile.daemon().kill();
        lives.writeLock().lock(); // what is under way fails, and is over
        try {
            turnstile.restart();
            restoreFlows(turnstile);
        } finally {
            watch.restarted();
            lives.writeLock().unlock();
        }
    }

    /** Flows are in no database; the bridge fails secure until it has them again. */
    private static void restoreFlows(Turnstile turnstile) {
        Await.until(
                "the bridge is there again",
                START_LIMIT,
                () -> turnstile.ofctl("show", "br0").attempt().succeeded(),
                turnstile.daemon()::output);
        FIREWALL.forEach(flow -> turnstile.ofctl("add-flow", "br0", flow).run());
    }
}
