package io.turnstile.stories;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.lab.Await;
import io.turnstile.lab.Daemon;
import io.turnstile.lab.Host;
import io.turnstile.lab.Lab;
import io.turnstile.lab.Turnstile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * One story for each thing that an offload provider is told, driven by ovs-vsctl, ovs-ofctl, ovs-appctl, ping and curl
 * alone. Hosts {@code a} and {@code b} are joined by veth pairs; the dummy ports {@code d3} and {@code d4} are for UDP,
 * which neither ping nor curl sends.
 */
@Tag("system")
class OffloadStoryTest {
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final int PINGS = 400;
    private static final String IDLE_UDP_PORT = "54";
    /** Answered UDP lives 30 s after its last packet; then providers are asked. */
    private static final String IDLE_MS = "31000";

    private static Lab lab;
    private static Host a;
    private static Host b;
    private static String bridge;
    private static Turnstile turnstile;
    private static OffloadReading offload;

    @BeforeAll
    static void joinTwoHosts() throws Exception {
        lab = new Lab("of");
        try {
            a = lab.host("a", "10.3.0.1/24");
            b = lab.host("b", "10.3.0.2/24");
            bridge = lab.deviceName("br");
            Path plugins = lab.folder().resolve("plugins");
            ProviderJar.write(plugins, ClaimingProvider.class);
            turnstile = lab.add(Turnstile.start(lab, "--enable-dummy", "--plugins=" + plugins));
            offload = new OffloadReading(turnstile);
            configure();
        } catch (Exception e) {
            lab.close();
            throw e;
        }
    }

    private static void configure() throws Exception {
        turnstile
                .vsctl(
                        "add-br",
                        bridge,
                        "--",
                        "set",
                        "bridge",
                        bridge,
                        "datapath_type=netdev",
                        "fail_mode=secure",
                        "--",
                        "add-port",
                        bridge,
                        a.device(),
                        "--",
                        "set",
                        "interface",
                        a.device(),
                        "ofport_request=1",
                        "--",
                        "add-port",
                        bridge,
                        b.device(),
                        "--",
                        "set",
                        "interface",
                        b.device(),
                        "ofport_request=2",
                        "--",
                        "add-port",
                        bridge,
                        "d3",
                        "--",
                        "set",
                        "interface",
                        "d3",
                        "type=dummy",
                        "ofport_request=3",
                        "--",
                        "add-port",
                        bridge,
                        "d4",
                        "--",
                        "set",
                        "interface",
                        "d4",
                        "type=dummy",
                        "ofport_request=4")
                .run();
        Path flows = lab.folder().resolve("flows.txt");
        Files.write(
                flows,
                List.of(
                        "arp actions=NORMAL",
                        "ip,ct_state=-trk actions=ct(table=1)",
                        "table=1,in_port=1,ip,ct_state=+trk-inv actions=ct(commit),2",
                        "table=1,in_port=2,ip,ct_state=+trk+est actions=1",
                        "table=1,in_port=3,ip,ct_state=+trk-inv actions=ct(commit),4",
                        "table=1,in_port=4,ip,ct_state=+trk+est actions=3"));
        turnstile.ofctl("add-flows", bridge, flows.toString()).run();
    }

    @AfterAll
    static void leave() {
        lab.close();
    }

    @BeforeEach
    void beginWithOffloadOffAndNoConnection() {
        turnstile.vsctl("clear", "open_vswitch", ".", "other_config").run();
        turnstile.appctl("dpctl/flush-conntrack").run();
    }

    private static void turnOn() {
        hwOffload("true");
        offload.forgetEvents();
    }

    private static void hwOffload(String value) {
        turnstile
                .vsctl("set", "open_vswitch", ".", "other_config:hw-offload=" + value)
                .run();
    }

    private static int datapathPort(String device) {
        Matcher line = Pattern.compile("port (\\d+): " + Pattern.quote(device) + "\\b")
                .matcher(turnstile.appctl("dpctl/show").run().text());
        assertThat(line.find()).as("port %s", device).isTrue();
        return Integer.parseInt(line.group(1));
    }

    private static String ping(String... options) {
        List<String> words = new ArrayList<>(List.of("ping", "-W", "2"));
        words.addAll(List.of(options));
        words.add(b.address());
        return a.command(words.toArray(String[]::new)).attempt().output();
    }

    /** A UDP packet into a dummy port; the reply has source and destination exchanged. */
    private static void udp(String port, String from, String to, String sourcePort, String destinationPort) {
        turnstile
                .appctl(
                        "netdev-dummy/receive",
                        port,
                        ("in_port(1),eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),"
                                        + "eth_type(0x0800),ipv4(src=%s,dst=%s,proto=17,tos=0,ttl=64,frag=no),udp(src=%s,dst=%s)")
                                .formatted(from, to, sourcePort, destinationPort))
                .run();
    }

    private static void udpQuery(String destinationPort) {
        udp("d3", "10.4.0.1", "10.4.0.2", "1000", destinationPort);
    }

    private static void udpReply(String destinationPort) {
        udp("d4", "10.4.0.2", "10.4.0.1", destinationPort, "1000");
    }

    private static List<String> connections() {
        return turnstile.appctl("dpctl/dump-conntrack", "-s").run().lines();
    }

    private static void awaitConnections(int count) {
        Await.until(
                count + " connections",
                PATIENCE,
                () -> connections().size() == count,
                () -> connections().toString());
    }

    // ---- hw-offload ----

    @Test
    void trueRegistersTheProvidersAndFalseClosesThem() {
        assertThat(offload.text()).startsWith("hw-offload: disabled");
        hwOffload("true");
        assertThat(offload.text())
                .startsWith("hw-offload: enabled")
                .contains("provider dummy: priority 100, ready", "provider claiming: priority 100, ready");
        offload.awaitLastEvents("init");
        hwOffload("false");
        assertThat(offload.text())
                .startsWith("hw-offload: disabled")
                .contains("provider dummy: priority 100, closed", "provider claiming: priority 100, closed");
    }

    @Test
    void aValueThatIsNeitherTrueNorFalseIsWarnedOfOnceAndMeansFalse() {
        hwOffload("maybe");
        turnstile
                .vsctl("set", "open_vswitch", ".", "other_config:max-idle=9000")
                .run();
        turnstile
                .vsctl("set", "open_vswitch", ".", "other_config:max-idle=8000")
                .run();
        assertThat(turnstile.daemon().output().lines().filter(line -> line.contains("hw-offload=maybe")))
                .singleElement()
                .asString()
                .contains("WARN")
                .contains("other_config: hw-offload=maybe: neither true nor false, taken as false");
        assertThat(offload.text()).startsWith("hw-offload: disabled");
    }

    @Test
    void thePriorityListOrdersAndNoneLeavesOut() {
        turnstile
                .vsctl(
                        "set",
                        "open_vswitch",
                        ".",
                        "other_config:hw-offload=true",
                        "other_config:hw-offload-priority=\"dummy,claiming,none\"")
                .run();
        String both = offload.text();
        assertThat(both.indexOf("provider dummy")).isPositive().isLessThan(both.indexOf("provider claiming"));
        turnstile
                .vsctl("set", "open_vswitch", ".", "other_config:hw-offload-priority=\"claiming,none\"")
                .run();
        assertThat(offload.text())
                .contains("provider claiming: priority 100, ready")
                .doesNotContain("provider dummy");
    }

    // ---- query, add, established ----

    @Test
    void pingIsQueriedAddedAndEstablishedOnceWithTheReplyPort() {
        turnOn();
        assertThat(ping("-c", "20", "-i", "0.01")).contains("20 received");
        offload.awaitEvents(
                "query -> accept", "add in=" + datapathPort(a.device()), "established in=" + datapathPort(b.device()));
        assertThat(offload.eventsWithConnections())
                .last()
                .asString()
                .contains(
                        "icmp,orig=(src=10.3.0.1,dst=10.3.0.2,id=",
                        "type=8,code=0),reply=(src=10.3.0.2,dst=10.3.0.1,id=");
        assertThat(offload.count("claiming", "established")).isEqualTo(1);
    }

    @Test
    void udpIsQueriedAddedAndEstablishedOnceWithTheReplyPort() {
        turnOn();
        udpQuery(IDLE_UDP_PORT);
        offload.awaitEvents("query -> accept", "add in=" + datapathPort("d3"));
        for (int i = 0; i < 3; i++) {
            udpReply(IDLE_UDP_PORT);
            udpQuery(IDLE_UDP_PORT);
        }
        offload.awaitEvents("query -> accept", "add in=" + datapathPort("d3"), "established in=" + datapathPort("d4"));
    }

    @Test
    void aTcpTransferIsQueriedAddedEstablishedOnceAndSeenToClose() throws Exception {
        Path pages = Files.createDirectories(lab.folder().resolve("pages"));
        Files.write(pages.resolve("page"), new byte[300_000]);
        try (Daemon web = b.start(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-m",
                "jdk.httpserver",
                "-b",
                b.address(),
                "-p",
                "8080",
                "-d",
                pages.toString()))) {
            Await.until(
                    "the web server listens",
                    Duration.ofSeconds(20),
                    () -> b.run("ss", "-Hltn", "sport", "=", ":8080").output().contains(":8080"),
                    web::output);
            turnOn();
            web.pause(); // what is over before the provider hears of it is never established there
            Daemon transfer = a.start(List.of(
                    "curl",
                    "--silent",
                    "--show-error",
                    "--max-time",
                    "30",
                    "--output",
                    "/dev/null",
                    "--write-out",
                    "%{http_code} %{size_download}",
                    "http://" + b.address() + ":8080/page"));
            offload.awaitCount("established", 1);
            web.resume();
            transfer.awaitEnd(PATIENCE);
            assertThat(transfer.output()).isEqualTo("200 300000");
            offload.awaitCount("changed", 1); // both FINs, in one event or in two
            assertThat(offload.events())
                    .startsWith(
                            "query -> accept",
                            "add in=" + datapathPort(a.device()),
                            "established in=" + datapathPort(b.device()))
                    .last()
                    .isEqualTo("changed tcp");
            assertThat(offload.count("dummy", "established")).isEqualTo(1);
            assertThat(offload.eventsWithConnections())
                    .last()
                    .asString()
                    .contains("tcp,orig=(src=10.3.0.1,dst=10.3.0.2,");
        }
    }

    // ---- update ----

    @Test
    void aProviderThatClaimsUseKeepsItsConnectionAlive() {
        turnOn();
        String busy = Integer.toString(ClaimingProvider.BUSY_PORT);
        for (String port : List.of(busy, IDLE_UDP_PORT)) {
            udpQuery(port);
            udpReply(port);
        }
        offload.awaitCount("established", 2);
        turnstile.appctl("time/warp", IDLE_MS).run();
        Await.until(
                "the busy one's deadline is put off",
                PATIENCE,
                () -> secondsLeft(busy) > 20,
                () -> connections().toString());
        awaitConnections(1);
        offload.awaitCount("delete", 1);
        assertThat(offload.events()).contains("update -> unknown");
        assertThat(offload.eventsWithConnections())
                .last()
                .asString()
                .startsWith("del expired udp,")
                .contains("dport=54");
        turnstile.appctl("time/warp", "100000").run();
        assertThat(connections()).singleElement().asString().contains("dport=53");
        assertThat(offload.count("dummy", "delete")).isEqualTo(1);
    }

    private static int secondsLeft(String destinationPort) {
        return connections().stream()
                .filter(line -> line.contains("dport=" + destinationPort + ")"))
                .map(line -> line.replaceFirst(".*timeout=(\\d+).*", "$1"))
                .mapToInt(Integer::parseInt)
                .max()
                .orElse(-1);
    }

    // ---- ports ----

    @Test
    void anInterfaceSaysWhoMayCarryItsConnectionsAndChangesItsMindLive() {
        turnOn();
        udpQuery(IDLE_UDP_PORT);
        offload.awaitHeldByDummy(1);
        turnstile
                .vsctl("set", "interface", "d3", "other_config:hw-offload-priority=\"claiming,none\"")
                .run();
        offload.awaitHeldByDummy(0);
        offload.awaitEvents("query -> accept", "add in=" + datapathPort("d3"), "del port excluded");
        String line = turnstile.appctl("dpctl/dump-conntrack", "-m").run().text();
        assertThat(line).contains("dummy:refused(port excluded)").contains("claiming:added");
        assertThat(turnstile
                        .appctl("conntrack/offload-why", "ct_nw_proto=17")
                        .run()
                        .text())
                .contains("not offered to dummy: port excluded");
        turnstile
                .vsctl("remove", "interface", "d3", "other_config", "hw-offload-priority")
                .run();
        offload.awaitHeldByDummy(1);
        turnstile
                .vsctl("set", "interface", "d4", "other_config:hw-offload-priority=none")
                .run();
        udpReply(IDLE_UDP_PORT);
        offload.awaitHeldByDummy(0); // the reply's port counts, too
        turnstile.vsctl("clear", "interface", "d4", "other_config").run();
        offload.awaitHeldByDummy(1);
    }

    // ---- del ----

    @Test
    void anUnusedConnectionIsAskedAboutThenDeletedAsExpired() {
        turnOn();
        udpQuery(IDLE_UDP_PORT);
        udpReply(IDLE_UDP_PORT);
        offload.awaitCount("established", 1);
        turnstile.appctl("time/warp", "40000").run();
        offload.awaitEvents(
                "query -> accept",
                "add in=" + datapathPort("d3"),
                "established in=" + datapathPort("d4"),
                "update -> unknown",
                "del expired");
        assertThat(connections()).isEmpty();
    }

    @Test
    void aFlushDeletesAsFlushed() {
        turnOn();
        udpQuery(IDLE_UDP_PORT);
        offload.awaitCount("add", 1);
        turnstile.appctl("dpctl/flush-conntrack").run();
        offload.awaitEvents("query -> accept", "add in=" + datapathPort("d3"), "del flushed");
        assertThat(connections()).isEmpty();
    }

    @Test
    void offTakesBackAndOnReplaysConnectionsThatLive() {
        udpQuery(IDLE_UDP_PORT);
        udpReply(IDLE_UDP_PORT);
        awaitConnections(1);
        String added = "add in=" + datapathPort("d3");
        String established = "established in=" + datapathPort("d4");
        hwOffload("true");
        offload.awaitLastEvents("init", "query -> accept", added, established);
        hwOffload("false");
        assertThat(connections()).hasSize(1);
        hwOffload("true");
        offload.awaitLastEvents(
                "init",
                "query -> accept",
                added,
                established,
                "del provider leaving",
                "close",
                "init",
                "query -> accept",
                added,
                established);
    }

    @Test
    void onAndOffFiveTimesUnderTrafficLosesNoPing() {
        CompletableFuture<String> pinging =
                CompletableFuture.supplyAsync(() -> ping("-c", Integer.toString(PINGS), "-i", "0.02"));
        awaitConnections(1);
        for (int i = 0; i < 5; i++) {
            hwOffload("true");
            offload.awaitHeldByDummy(1);
            hwOffload("false");
        }
        assertThat(pinging).as("still under way").isNotDone();
        assertThat(pinging.join()).contains(PINGS + " packets transmitted, " + PINGS + " received");
    }
}
