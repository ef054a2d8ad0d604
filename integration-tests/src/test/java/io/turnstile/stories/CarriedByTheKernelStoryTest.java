package io.turnstile.stories;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.bench.traffic.EchoProbe;
import io.turnstile.bench.traffic.Programs;
import io.turnstile.lab.Await;
import io.turnstile.lab.Command;
import io.turnstile.lab.Daemon;
import io.turnstile.lab.Host;
import io.turnstile.lab.Lab;
import io.turnstile.lab.Turnstile;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What the kernel carries between two hosts stays what the switch's rules say: counted, timed and ended as if software
 * had carried it. A stateful firewall; inside is port 1, outside port 2, zone 5.
 */
@Tag("system")
class CarriedByTheKernelStoryTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final int TCP_PORT = 5201;
    private static final int ECHO_PORT = 7000;
    private static final String ECHO = "dport=" + ECHO_PORT;
    private static final String BOTH_CARRIED = "carried=(original:ebpf,reply:ebpf)";
    /** Longer than a packet is under way; shorter than anything that would hide one that was let through. */
    private static final long A_WHILE_MS = 500;

    private static final int ETHERNET_BYTES = 14;

    private static final Pattern COUNTS = Pattern.compile("n_packets=(\\d+), n_bytes=(\\d+)");
    private static final Pattern OBJECT = Pattern.compile("(?m)^(prog|map|link)_id:\\s+(\\d+)");
    private static final Pattern HITS = Pattern.compile("lookups: hit:(\\d+)");

    private static final String FROM_INSIDE = "1";
    private static final String FROM_OUTSIDE = "2";
    private static final String ESTABLISHED_FROM_INSIDE = "4";
    private static final String ESTABLISHED_FROM_OUTSIDE = "5";
    private static final List<String> FIREWALL = List.of(
            "cookie=1,table=0,ip,in_port=1,ct_state=-trk,actions=ct(table=1,zone=5)",
            "cookie=2,table=0,ip,in_port=2,ct_state=-trk,actions=ct(table=1,zone=5)",
            "cookie=3,table=1,ip,in_port=1,ct_state=+trk+new,actions=ct(commit,zone=5),2",
            "cookie=4,table=1,ip,in_port=1,ct_state=+trk+est,actions=2",
            "cookie=5,table=1,ip,in_port=2,ct_state=+trk+est,actions=1");

    private final Lab lab = new Lab("ck");
    private Host inside;
    private Host outside;
    private Turnstile turnstile;

    @BeforeEach
    void start() {
        try {
            inside = lab.host("in", "10.9.0.1/24");
            outside = lab.host("out", "10.9.0.2/24");
            for (Host host : List.of(inside, outside)) {
                host.transmitOffloadOff();
                // Only what the hosts say to each other, so that it can be counted.
                Command.of("sysctl", "-qw", "net.ipv6.conf." + host.device() + ".disable_ipv6=1")
                        .run();
            }
            introduce(inside, outside, outside.address());
            introduce(outside, inside, inside.address());
            turnstile = lab.add(Turnstile.start(lab));
        } catch (RuntimeException e) {
            lab.close();
            throw e;
        }
    }

    @AfterEach
    void leave() {
        lab.close();
    }

    private static void introduce(Host host, Host other, String address) {
        String mac = other.run("cat", "/sys/class/net/eth0/address").text();
        host.run("ip", "neighbour", "replace", address, "lladdr", mac, "dev", "eth0");
    }

    // ---- the switch ----

    private void connect(List<String> flows) throws IOException {
        turnstile.connect(inside, outside, flows);
        setOffload(true);
    }

    private void setOffload(boolean on) {
        turnstile
                .vsctl("set", "open_vswitch", ".", "other_config:hw-offload=" + on)
                .run();
    }

    private String appctl(String... words) {
        return turnstile.appctl(words).run().text();
    }

    private void ofctl(String... words) {
        turnstile.ofctl(words).run();
    }

    /** The lines of connections in which the text stands. */
    private String connections(String text) {
        return String.join(
                "\n",
                appctl("dpctl/dump-conntrack", "-m")
                        .lines()
                        .filter(line -> line.contains(text))
                        .toList());
    }

    private void awaitCarried(String text) {
        Await.until(
                "both directions of " + text + " are carried",
                PATIENCE,
                () -> connections(text).contains(BOTH_CARRIED),
                () -> connections("") + "\n" + appctl("conntrack/offload-show") + "\n"
                        + turnstile
                                .appctl("conntrack/offload-why", "ct_nw_src=10.9.0.1")
                                .attempt()
                                .output());
    }

    private record Count(long packets, long bytes) {}

    /** What the rules with this cookie have counted, all together. */
    private Count counted(String bridge, String cookie) {
        long packets = 0;
        long bytes = 0;
        Matcher counts = COUNTS.matcher(turnstile
                .ofctl("dump-flows", bridge, "cookie=" + cookie + "/-1")
                .run()
                .text());
        while (counts.find()) {
            packets += Long.parseLong(counts.group(1));
            bytes += Long.parseLong(counts.group(2));
        }
        return new Count(packets, bytes);
    }

    private Count counted(String cookie) {
        return counted("br0", cookie);
    }

    /** Packets that software has looked up so far. */
    private long lookedUp() {
        Matcher hits = HITS.matcher(appctl("dpctl/show"));
        assertThat(hits.find()).isTrue();
        return Long.parseLong(hits.group(1));
    }

    // ---- the hosts ----

    private static Count device(Host host, String direction) {
        String folder = "/sys/class/net/eth0/statistics/" + direction;
        List<String> lines =
                host.run("cat", folder + "_packets", folder + "_bytes").lines();
        return new Count(Long.parseLong(lines.get(0)), Long.parseLong(lines.get(1)));
    }

    private static long received(Host host) {
        return device(host, "rx").packets();
    }

    /** Datagrams to and fro, one a millisecond, until it is closed; they are carried once this returns. */
    private Daemon echoes() {
        Path ready = lab.folder().resolve("ready" + System.nanoTime());
        Daemon server = outside.start(Programs.java(EchoProbe.class, "serve", "" + ECHO_PORT, ready.toString()));
        Await.until("the server is ready", PATIENCE, () -> Files.exists(ready), server::output);
        Daemon client = inside.start(Programs.java(EchoProbe.class, "run", outside.address(), "" + ECHO_PORT, "1"));
        awaitCarried(ECHO);
        return client;
    }

    private void awaitEchoes() {
        long before = received(inside);
        Await.until(
                "echoes come",
                PATIENCE,
                () -> received(inside) > before + 100,
                () -> connections("") + "\n"
                        + turnstile.ofctl("dump-flows", "br0").attempt().output());
    }

    private void assertNothingComes(Host host) {
        long before = received(host);
        LockSupport.parkNanos(Duration.ofMillis(A_WHILE_MS).toNanos());
        assertThat(received(host)).as("packets that came").isEqualTo(before);
    }

    private Daemon listen() {
        Daemon server = outside.start(List.of("iperf3", "-s", "-p", "" + TCP_PORT));
        Await.until(
                "iperf3 listens",
                PATIENCE,
                () -> outside.run("ss", "-Hltn", "sport", "=", ":" + TCP_PORT)
                        .output()
                        .contains(":" + TCP_PORT),
                server::output);
        return server;
    }

    // ---- counters ----

    @Test
    void aTransferIsCarriedAndCountedAsIfSoftwareHadCarriedIt() throws Exception {
        connect(FIREWALL);
        try (Daemon server = listen();
                Daemon client =
                        inside.start(List.of("iperf3", "-c", outside.address(), "-p", "" + TCP_PORT, "-t", "6"))) {
            awaitCarried("dport=" + TCP_PORT);
            long lookedUp = lookedUp();
            Count before = counted(FROM_INSIDE);
            LockSupport.parkNanos(Duration.ofSeconds(2).toNanos());
            assertThat(appctl("dpctl/dump-flows", "type=offloaded", "-m"))
                    .contains("offloaded:yes, dp:ebpf")
                    .doesNotContain("dp:ovs");
            assertThat(appctl("dpctl/offload-stats-show")).contains("Inserted offloads:");
            Await.until(
                    "packets are counted",
                    PATIENCE,
                    () -> counted(FROM_INSIDE).packets() > before.packets() + 10_000,
                    () -> turnstile.ofctl("dump-flows", "br0").run().text());
            long carried = counted(FROM_INSIDE).packets() - before.packets();
            assertThat(lookedUp() - lookedUp).as("looked up, of %d", carried).isLessThan(carried / 20);
            client.awaitEnd(Duration.ofSeconds(20));
            assertThat(client.exitStatus()).as(client.output()).isZero();
        }
        awaitEqual(FROM_INSIDE, inside);
        awaitEqual(FROM_OUTSIDE, outside);
        assertThat(counted(ESTABLISHED_FROM_OUTSIDE)).isEqualTo(counted(FROM_OUTSIDE));
    }

    /** The rule has counted what the host has sent, segment by segment. */
    private void awaitEqual(String cookie, Host host) {
        Await.until(
                "the rule's counters and the device's agree",
                PATIENCE,
                () -> counted(cookie).equals(sent(host)),
                () -> counted(cookie) + " and " + sent(host));
    }

    /** As on a wire: a veth counts its bytes without the Ethernet header. */
    private static Count sent(Host host) {
        Count count = device(host, "tx");
        return new Count(count.packets(), count.bytes() + ETHERNET_BYTES * count.packets());
    }

    // ---- changes in mid-transfer ----

    @Test
    void nothingPassesByARuleThatIsGone() throws Exception {
        connect(FIREWALL);
        try (Daemon client = echoes()) {
            for (int i = 0; i < 3; i++) {
                ofctl("del-flows", "br0", "cookie=" + ESTABLISHED_FROM_INSIDE + "/-1");
                assertNothingComes(outside);
                ofctl("add-flow", "br0", FIREWALL.get(3));
                awaitEchoes();
                awaitCarried(ECHO);
            }
            ofctl("del-flows", "br0");
            assertNothingComes(outside);
            assertThat(client.isAlive()).isTrue();
        }
    }

    @Test
    void aRuleThatIsChangedIsFollowedAtOnce() throws Exception {
        connect(FIREWALL);
        try (Daemon client = echoes()) {
            ofctl("mod-flows", "br0", "table=1,ip,in_port=2,ct_state=+trk+est,actions=drop");
            assertNothingComes(inside);
            ofctl("mod-flows", "br0", "table=1,ip,in_port=2,ct_state=+trk+est,actions=1");
            awaitEchoes();
            awaitCarried(ECHO);
            assertThat(client.isAlive()).isTrue();
        }
    }

    @Test
    void nothingPassesByAPortThatIsGone() throws Exception {
        connect(FIREWALL);
        try (Daemon client = echoes()) {
            turnstile.vsctl("del-port", "br0", outside.device()).run();
            assertNothingComes(outside);
            turnstile
                    .vsctl(
                            "add-port",
                            "br0",
                            outside.device(),
                            "--",
                            "set",
                            "interface",
                            outside.device(),
                            "ofport_request=2")
                    .run();
            awaitEchoes();
            awaitCarried(ECHO);
            assertThat(client.isAlive()).isTrue();
        }
    }

    @Test
    void nothingIsCarriedByAPortThatIsToBeLeftAlone() throws Exception {
        connect(FIREWALL);
        try (Daemon client = echoes()) {
            turnstile
                    .vsctl("set", "interface", outside.device(), "options:offload-attach=none")
                    .run();
            awaitEchoes();
            String why = "no(offload-attach=none of " + outside.device() + ")";
            Await.until("that is said", PATIENCE, () -> connections(ECHO).contains(why), () -> connections(""));
            assertThat(connections(ECHO)).doesNotContain(":ebpf,");
            turnstile
                    .vsctl("remove", "interface", outside.device(), "options", "offload-attach")
                    .run();
            awaitCarried(ECHO);
            assertThat(client.isAlive()).isTrue();
        }
    }

    @Test
    void theKnobMovesATransferToSoftwareAndBackAndNothingIsLost() throws Exception {
        connect(FIREWALL);
        try (Daemon client = echoes()) {
            for (int i = 0; i < 5; i++) {
                setOffload(false);
                long lookedUp = lookedUp();
                assertThat(connections(ECHO)).isNotEmpty().doesNotContain("carried=");
                awaitEchoes();
                assertThat(lookedUp()).isGreaterThan(lookedUp + 100);
                setOffload(true);
                awaitCarried(ECHO);
            }
            LockSupport.parkNanos(Duration.ofSeconds(2).toNanos()); // the line of the last second
            long missing = 0;
            for (String line : client.output().lines().skip(1).toList()) {
                String[] words = line.split(" ");
                missing += Long.parseLong(words[1]) - Long.parseLong(words[2]);
            }
            // What is under way at the turn of a second is counted in the next.
            assertThat(missing).as(client.output()).isLessThanOrEqualTo(5);
        }
    }

    // ---- timeouts ----

    @Test
    void whatIsCarriedKeepsItsRulesAndItsConnectionAlive() throws Exception {
        connect(FIREWALL);
        turnstile
                .vsctl("-- --id=@m create Datapath datapath_version=0 -- set Open_vSwitch . datapaths:netdev=@m"
                        .split(" "))
                .run();
        turnstile
                .vsctl("add-zone-tp", "netdev", "zone=5", "udp_first=3", "udp_single=3", "udp_multiple=3")
                .run();
        try (Daemon client = echoes()) {
            FIREWALL.subList(3, 5).forEach(flow -> ofctl("add-flow", "br0", "idle_timeout=3," + flow));
            awaitCarried(ECHO);
            for (int i = 0; i < 16; i++) {
                LockSupport.parkNanos(Duration.ofMillis(500).toNanos());
                assertThat(connections(ECHO)).contains(BOTH_CARRIED);
                assertThat(counted(ESTABLISHED_FROM_INSIDE).packets()).isPositive();
            }
            client.close();
        }
        Await.until(
                "rules and connection expire",
                PATIENCE,
                () -> counted(ESTABLISHED_FROM_INSIDE).packets() == 0
                        && connections(ECHO).isEmpty(),
                () -> connections("") + "\n"
                        + turnstile.ofctl("dump-flows", "br0").run().text());
    }

    // ---- other ways ----

    @Test
    void addressesAreTranslatedOnTheWay() throws Exception {
        connect(List.of(
                "cookie=1,table=0,ip,in_port=1,ct_state=-trk,actions=ct(table=1,zone=5,nat)",
                "cookie=2,table=0,ip,in_port=2,ct_state=-trk,actions=ct(table=1,zone=5,nat)",
                "table=1,ip,in_port=1,ct_state=+trk+new,actions=ct(commit,zone=5,nat(src=10.9.0.77)),2",
                "table=1,ip,in_port=1,ct_state=+trk+est,actions=2",
                "table=1,ip,in_port=2,ct_state=+trk+est,actions=1"));
        introduce(outside, inside, "10.9.0.77");
        try (Daemon client = echoes()) {
            assertThat(connections(ECHO)).contains("dst=10.9.0.77");
            awaitEchoes();
            assertThat(client.isAlive()).isTrue();
        }
        try (Daemon server = listen()) {
            Command.Result result = inside.command("iperf3", "-c", outside.address(), "-p", "" + TCP_PORT, "-t", "2")
                    .attempt();
            assertThat(result.succeeded()).as(result.output() + result.errors()).isTrue();
            assertThat(server.output()).contains("from 10.9.0.77");
        }
    }

    @Test
    void aWayOverTwoBridgesIsOneWay() throws Exception {
        turnstile
                .vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev", "fail_mode=secure")
                .run();
        turnstile
                .vsctl("add-br", "br1", "--", "set", "bridge", "br1", "datapath_type=netdev", "fail_mode=secure")
                .run();
        addPort("br0", inside.device(), 1);
        addPort("br1", outside.device(), 1);
        addPort("br0", "pa0", 2, "type=patch", "options:peer=pa1");
        addPort("br1", "pa1", 2, "type=patch", "options:peer=pa0");
        for (Host host : List.of(inside, outside)) {
            turnstile
                    .vsctl("--timeout=10", "wait-until", "interface", host.device(), "link_state=up")
                    .run();
        }
        FIREWALL.forEach(flow -> ofctl("add-flow", "br0", flow));
        ofctl("add-flow", "br1", "cookie=1,in_port=1,actions=2");
        ofctl("add-flow", "br1", "cookie=2,in_port=2,actions=1");
        setOffload(true);
        try (Daemon client = echoes()) {
            long before = counted("br1", "2").packets();
            Await.until(
                    "the far bridge's rules count too",
                    PATIENCE,
                    () -> counted("br1", "2").packets() > before + 500,
                    () -> turnstile.ofctl("dump-flows", "br1").run().text());
            ofctl("del-flows", "br1", "cookie=2/-1");
            assertNothingComes(outside);
            assertThat(client.isAlive()).isTrue();
        }
    }

    private void addPort(String bridge, String name, int number, String... settings) {
        List<String> words = new ArrayList<>(
                List.of("add-port", bridge, name, "--", "set", "interface", name, "ofport_request=" + number));
        words.addAll(List.of(settings));
        turnstile.vsctl(words.toArray(String[]::new)).run();
    }

    // ---- the end ----

    @ParameterizedTest
    @ValueSource(strings = {"auto", "xdp"})
    void aKilledSwitchLeavesNothingInTheKernel(String attach) throws Exception {
        connect(FIREWALL);
        for (Host host : List.of(inside, outside)) {
            turnstile
                    .vsctl("set", "interface", host.device(), "options:offload-attach=" + attach)
                    .run();
        }
        try (Daemon client = echoes()) {
            Map<String, Set<String>> objects = objects(turnstile.daemon().pid());
            assertThat(objects.keySet()).containsExactlyInAnyOrder("prog", "map", "link");
            turnstile.daemon().kill();
            assertNothingComes(outside);
            objects.forEach((kind, ids) -> ids.forEach(id -> Await.until(
                    kind + " " + id + " is gone",
                    PATIENCE,
                    () -> !bpftool(kind, id).succeeded(),
                    () -> bpftool(kind, id).output())));
            assertThat(Command.of("ip", "-d", "link", "show", inside.device())
                            .run()
                            .text())
                    .doesNotContain("xdp");
            turnstile.restart();
            Await.until(
                    "the bridge is there",
                    PATIENCE,
                    () -> turnstile.ofctl("dump-flows", "br0").attempt().succeeded(),
                    () -> turnstile.daemon().output());
            FIREWALL.forEach(flow -> ofctl("add-flow", "br0", flow));
            awaitEchoes();
            awaitCarried(ECHO);
            assertThat(client.isAlive()).isTrue();
        }
    }

    private static Command.Result bpftool(String kind, String id) {
        return Command.of("bpftool", kind, "show", "id", id).attempt();
    }

    /** What the process has of BPF: numbers of its programs, maps and links. */
    private static Map<String, Set<String>> objects(long pid) throws IOException {
        Map<String, Set<String>> objects = new TreeMap<>();
        try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(Path.of("/proc/" + pid + "/fdinfo"))) {
            for (Path descriptor : descriptors) {
                Matcher number = OBJECT.matcher(textOf(descriptor));
                while (number.find()) {
                    objects.computeIfAbsent(number.group(1), kind -> new TreeSet<>())
                            .add(number.group(2));
                }
            }
        }
        return objects;
    }

    private static String textOf(Path descriptor) throws IOException {
        try {
            return Files.readString(descriptor);
        } catch (NoSuchFileException e) {
            return ""; // closed meanwhile
        }
    }
}
