package io.turnstile.demo;

import io.turnstile.bridge.DummyLevel;
import io.turnstile.daemon.DaemonConfig;
import io.turnstile.daemon.SwitchDaemon;
import io.turnstile.lab.Await;
import io.turnstile.lab.Command;
import io.turnstile.lab.Daemon;
import io.turnstile.lab.Host;
import io.turnstile.lab.Lab;
import io.turnstile.offload.OffloadEvent.Kind;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** The story with real packets: needs root. */
final class NamespaceDemo {
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final String WEB_PORT = "8080";
    private static final String FTP_PORT = "21";
    private static final int PAGE_BYTES = 1 << 20;
    /** Beyond the deadline of all that the demo has opened. */
    private static final String FAR_BEYOND_MS = "100000";

    private final Tally tally;

    NamespaceDemo(Tally tally) {
        this.tally = tally;
    }

    void run() throws Exception {
        try (Lab lab = new Lab("dm")) {
            say("Two hosts in namespaces, joined by Turnstile over veth pairs");
            Host inside = lab.host("in", "10.0.0.1/24");
            Host outside = lab.host("out", "10.0.0.2/24");
            int databasePort = freePort();
            try (SwitchDaemon sw = new SwitchDaemon(config(lab, databasePort))) {
                sw.dispatcher().addEventTap(tally::count);
                sw.start();
                try (DatabaseClient database = new DatabaseClient(databasePort)) {
                    configure(lab, database, inside, outside);
                    carry(lab, inside, outside);
                    ControlClient control = new ControlClient(sw.controlSocket());
                    show(control);
                    letTimePass(control);
                    turnOff(database, inside, outside);
                    say("A transfer, in the JVM, carried by the kernel, and in the JVM again");
                    new CarryingScene(inside, outside, control, database, NamespaceDemo::print).play();
                    summarize(control);
                }
            }
        }
    }

    private static DaemonConfig config(Lab lab, int databasePort) throws IOException {
        Path directory = Files.createDirectories(lab.folder().resolve("run"));
        DaemonConfig usual =
                DaemonConfig.in(directory).withDummies(DummyLevel.ALLOWED); // Time may be warped under --enable-dummy.
        return new DaemonConfig(
                directory,
                null,
                usual.databaseFile(),
                List.of(usual.remotes().getFirst(), "ptcp:" + databasePort + ":127.0.0.1"),
                usual.controlSocket(),
                usual.dummies(),
                usual.forwardingThreads(),
                usual.maxConnections(),
                null);
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    private void configure(Lab lab, DatabaseClient database, Host inside, Host outside) throws Exception {
        say("A stateful firewall: inside may open connections to outside, not the reverse. As a person would type it:");
        print("ovs-vsctl add-br br0 -- set bridge br0 datapath_type=netdev fail_mode=secure \\");
        print("    -- add-port br0 %s -- set interface %s ofport_request=1 \\"
                .formatted(inside.device(), inside.device()));
        print("    -- add-port br0 %s -- set interface %s ofport_request=2"
                .formatted(outside.device(), outside.device()));
        database.addBridge("br0", Map.of(Firewall.INSIDE, inside.device(), Firewall.OUTSIDE, outside.device()));
        try (OpenFlowClient openFlow = new OpenFlowClient(lab.folder().resolve("run/br0.mgmt"))) {
            for (String flow : Firewall.FLOWS) {
                print("ovs-ofctl add-flow br0 '" + flow + "'");
                openFlow.addFlow(flow);
            }
            openFlow.barrier();
        }
        print("ovs-vsctl set Open_vSwitch . other_config:hw-offload=true other_config:hw-offload-priority=dummy,none");
        database.setHwOffload(true, "dummy,none");
    }

    private void carry(Lab lab, Host inside, Host outside) throws Exception {
        Path pages = Files.createDirectories(lab.folder().resolve("pages"));
        Files.write(pages.resolve("page"), new byte[PAGE_BYTES]);
        try (Daemon web = serve(outside, pages, WEB_PORT);
                Daemon secret = serve(inside, pages, WEB_PORT)) {
            awaitListening(web);
            awaitListening(secret);
            say("HTTP from inside to outside");
            // The server does not answer before the provider knows: of what is over already it would not be told.
            web.pause();
            try (Daemon fetching =
                    fetch(inside, outside, WEB_PORT).start(lab.folder().resolve("fetched"))) {
                awaitAtLeast(Kind.ESTABLISHED, 1);
                web.resume();
                fetching.awaitEnd(Duration.ofSeconds(20));
                expect(fetching.output().equals("200 " + PAGE_BYTES), "HTTP from inside gave " + fetching.output());
            }
            print("1 MiB fetched");
            say("HTTP from outside to inside");
            expect(
                    !fetch(outside, inside, WEB_PORT).attempt().succeeded(),
                    "outside reached inside through the firewall");
            print("refused");
        }
        control(lab, inside, outside);
        say("ping from inside to outside");
        expect(ping(inside, outside), "ping from inside is not answered");
        print("answered");
        awaitAtLeast(Kind.ESTABLISHED, 2);
    }

    /** What answers on FTP's port is a web server: the helper only looks for PORT and PASV. */
    private void control(Lab lab, Host inside, Host outside) {
        say("A connection to FTP's control port, whose payload software has to read");
        try (Daemon web = serve(outside, lab.folder().resolve("pages"), FTP_PORT)) {
            awaitListening(web);
            expect(
                    fetch(inside, outside, FTP_PORT).run().text().equals("200 " + PAGE_BYTES),
                    "nothing came over FTP's port");
        }
        print("1 MiB fetched; no event: the provider is not even asked");
    }

    private static Daemon serve(Host host, Path pages, String port) {
        return host.start(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-m",
                "jdk.httpserver",
                "-b",
                host.address(),
                "-p",
                port,
                "-d",
                pages.toString()));
    }

    private static void awaitListening(Daemon server) {
        Await.until(
                "the web server listens",
                Duration.ofSeconds(20),
                () -> server.output().contains("Serving") || server.output().contains("URL"),
                server::output);
    }

    private static Command fetch(Host from, Host to, String port) {
        return from.command(
                "curl",
                "--silent",
                "--connect-timeout",
                "2",
                "--max-time",
                "10",
                "--output",
                "/dev/null",
                "--write-out",
                "%{http_code} %{size_download}",
                "http://" + to.address() + ":" + port + "/page");
    }

    private static boolean ping(Host from, Host to) {
        // Debian's smallest images have no ping; the JDK can send an echo request itself.
        return from.command(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Reach.class.getName(),
                        to.address())
                .attempt()
                .succeeded();
    }

    private void show(ControlClient control) throws IOException {
        say("The connection table, with the state at each provider (ovs-appctl dpctl/dump-conntrack -m)");
        String table = control.run("dpctl/dump-conntrack", "-m");
        table.lines().forEach(NamespaceDemo::print);
        expect(
                table.contains("icmp") && table.contains("offload=(dummy:established)"),
                "the ping's connection is not in the table as established at the provider");
        String ftp = "ct_nw_proto=6,ct_tp_dst=" + FTP_PORT;
        say("Who carries the FTP connection, and why not? (ovs-appctl conntrack/offload-why " + ftp + ")");
        String why = control.run("conntrack/offload-why", ftp);
        why.lines().forEach(NamespaceDemo::print);
        expect(
                why.contains("declined by dummy: alg control connection"),
                "it is not said that the provider must not have it");
    }

    private void letTimePass(ControlClient control) throws IOException {
        say("Idle: at its deadline the provider is asked about a connection; nobody used them, so they expire "
                + "(ovs-appctl time/warp " + FAR_BEYOND_MS + ")");
        int held = tally.of(Kind.ADD);
        control.run("time/warp", FAR_BEYOND_MS);
        awaitAtLeast(Kind.UPDATE, held);
        awaitAtLeast(Kind.DELETE, held);
        expect(control.run("dpctl/dump-conntrack").isBlank(), "expired connections are still in the table");
    }

    private void turnOff(DatabaseClient database, Host inside, Host outside) throws Exception {
        say("A new connection, then hw-offload is turned off while it lives");
        int before = tally.of(Kind.ESTABLISHED);
        expect(ping(inside, outside), "ping from inside is not answered");
        awaitAtLeast(Kind.ESTABLISHED, before + 1);
        print("ovs-vsctl set Open_vSwitch . other_config:hw-offload=false");
        database.setHwOffload(false);
        awaitAtLeast(Kind.DELETE, tally.of(Kind.ADD));
        int added = tally.of(Kind.ADD);
        expect(ping(inside, outside), "ping is not answered with offload off");
        expect(tally.of(Kind.ADD) == added, "a provider was told of a connection with offload off");
        print("traffic goes on, nobody is told");
    }

    private void summarize(ControlClient control) throws IOException {
        say("Summary");
        print("inside opens connections, outside does not; the provider was told of each life: " + tally);
        print(control.run("dpctl/show").lines().findFirst().orElse("") + " "
                + control.run("dpctl/show")
                        .lines()
                        .skip(1)
                        .findFirst()
                        .orElse("")
                        .strip());
    }

    private void awaitAtLeast(Kind kind, int count) {
        Await.until(count + " " + kind + " events", PATIENCE, () -> tally.of(kind) >= count, tally::toString);
    }

    private static void expect(boolean condition, String otherwise) {
        if (!condition) {
            throw new AssertionError(otherwise);
        }
    }

    private static void say(String text) {
        System.out.println();
        System.out.println("== " + text);
    }

    private static void print(String text) {
        System.out.println("  " + text);
    }
}
