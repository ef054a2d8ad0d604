package io.turnstile.stories;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.lab.Await;
import io.turnstile.lab.Command;
import io.turnstile.lab.Daemon;
import io.turnstile.lab.Lab;
import io.turnstile.lab.Turnstile;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * How operators see what offload does, by ovs-appctl, ovs-vsctl, curl and {@code ./turnstile offload-monitor}. Two
 * providers: one takes every connection, the other is there to have a second column; control connections of FTP are
 * declined.
 */
@Tag("system")
class OffloadSeeingStoryTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final String UDP = "udp,orig=(src=10.4.0.1,dst=10.4.0.2,sport=1000,dport=54),"
            + "reply=(src=10.4.0.2,dst=10.4.0.1,sport=54,dport=1000)";
    private static final String FTP = "tcp,orig=(src=10.4.0.1,dst=10.4.0.2,sport=1000,dport=21),"
            + "reply=(src=10.4.0.2,dst=10.4.0.1,sport=21,dport=1000)";
    private static final Pattern COMMENT =
            Pattern.compile("# (HELP \\w+ .+|TYPE \\w+ (counter|gauge|histogram|summary))");
    private static final String LABEL = "\\w+=\"(?:[^\"\\\\]|\\\\[\\\\\"n])*\"";
    private static final Pattern SAMPLE =
            Pattern.compile("(\\w+(?:\\{" + LABEL + "(?:," + LABEL + ")*})?) (-?[0-9.]+(?:E-?[0-9]+)?|NaN|[+-]Inf)");

    private static Lab lab;
    private static Turnstile turnstile;
    private static OffloadReading offload;

    @BeforeAll
    static void startWithDummyPorts() throws Exception {
        lab = new Lab("os");
        try {
            Path plugins = lab.folder().resolve("plugins");
            ProviderJar.write(plugins, ClaimingProvider.class);
            turnstile = lab.add(Turnstile.start(lab, "--enable-dummy=override", "--plugins=" + plugins));
            offload = new OffloadReading(turnstile);
            turnstile
                    .vsctl(
                            "add-br",
                            "br0",
                            "--",
                            "set",
                            "bridge",
                            "br0",
                            "datapath_type=dummy",
                            "fail_mode=secure",
                            "--",
                            "add-port",
                            "br0",
                            "d3",
                            "--",
                            "set",
                            "interface",
                            "d3",
                            "type=dummy",
                            "ofport_request=3",
                            "--",
                            "add-port",
                            "br0",
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
                            "ip,ct_state=-trk actions=ct(table=1)",
                            "table=1,priority=40000,in_port=3,tcp,tp_dst=21,ct_state=+trk+new actions=ct(commit,alg=ftp),4",
                            "table=1,in_port=3,ip,ct_state=+trk-inv actions=ct(commit),4",
                            "table=1,in_port=4,ip,ct_state=+trk+est actions=3"));
            turnstile.ofctl("add-flows", "br0", flows.toString()).run();
        } catch (Exception e) {
            lab.close();
            throw e;
        }
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

    private static void set(String... settings) {
        String[] words = new String[settings.length + 3];
        System.arraycopy(settings, 0, words, 3, settings.length);
        words[0] = "set";
        words[1] = "open_vswitch";
        words[2] = ".";
        turnstile.vsctl(words).run();
    }

    private static void turnOn() {
        set("other_config:hw-offload=true", "other_config:hw-offload-priority=\"dummy,claiming,none\"");
        offload.forgetEvents();
    }

    private static String appctl(String... words) {
        return turnstile.appctl(words).run().text();
    }

    private static void packet(String port, String from, String to, String transport) {
        turnstile
                .appctl(
                        "netdev-dummy/receive",
                        port,
                        ("in_port(1),eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),"
                                        + "eth_type(0x0800),ipv4(src=%s,dst=%s,proto=%d,tos=0,ttl=64,frag=no),%s")
                                .formatted(from, to, transport.startsWith("udp") ? 17 : 6, transport))
                .run();
    }

    private static void udpQuery() {
        packet("d3", "10.4.0.1", "10.4.0.2", "udp(src=1000,dst=54)");
    }

    private static void udpReply() {
        packet("d4", "10.4.0.2", "10.4.0.1", "udp(src=54,dst=1000)");
    }

    private static void ftpOpens() {
        packet("d3", "10.4.0.1", "10.4.0.2", "tcp(src=1000,dst=21),tcp_flags(syn)");
    }

    private static void awaitDump(String words, String expected) {
        Await.until(
                expected,
                PATIENCE,
                () -> appctl("dpctl/dump-conntrack", words).equals(expected),
                () -> appctl("dpctl/dump-conntrack", words) + "\n" + offload.text());
    }

    // ---- one connection ----

    @Test
    void aDumpWithMoreEndsWithTheStateAtEveryProviderWhileOffloadIsOn() {
        udpQuery();
        udpReply();
        awaitDump("-m", UDP + ",id=0,status=0");
        turnOn();
        awaitDump("-m", UDP + ",id=0,status=0,offload=(dummy:established,claiming:established)");
        assertThat(appctl("dpctl/dump-conntrack")).isEqualTo(UDP);
        turnstile.appctl("dpctl/flush-conntrack").run();
        ftpOpens();
        String declined = "declined(alg control connection)";
        awaitDump(
                "-m",
                FTP + ",id=0,status=0,protoinfo=(state_orig=SYN_SENT,state_reply=CLOSED,flags_orig=0,flags_reply=0),"
                        + "helper=ftp,offload=(dummy:" + declined + ",claiming:" + declined + ")");
        set("other_config:hw-offload=false");
        assertThat(appctl("dpctl/dump-conntrack", "-m")).contains("helper=ftp").doesNotContain("offload=");
    }

    @Test
    void whyIsAnsweredForTheTupleOfEitherDirection() {
        String tuple = "ct_nw_src=10.4.0.1,ct_nw_dst=10.4.0.2,ct_nw_proto=17,ct_tp_src=1000,ct_tp_dst=54";
        udpQuery();
        assertThat(appctl("conntrack/offload-why", tuple)).isEqualTo("hw-offload is disabled");
        turnOn();
        ftpOpens();
        String added = UDP + "\n  held by dummy, not yet established\n  held by claiming, not yet established";
        Await.until(
                "an answer",
                PATIENCE,
                () -> appctl("conntrack/offload-why", tuple).equals(added),
                () -> appctl("conntrack/offload-why", tuple));
        udpReply();
        String reversed = "ct_nw_src=10.4.0.2,ct_nw_proto=17,ct_tp_src=54";
        String established = UDP + "\n  held by dummy, both directions\n  held by claiming, both directions";
        Await.until(
                "an answer",
                PATIENCE,
                () -> appctl("conntrack/offload-why", "zone=0", reversed).equals(established),
                () -> appctl("conntrack/offload-why", "zone=0", reversed));
        assertThat(appctl("conntrack/offload-why", "ct_nw_proto=6"))
                .startsWith(FTP)
                .endsWith(
                        "\n  declined by dummy: alg control connection\n  declined by claiming: alg control connection");
        Command.Result nothing =
                turnstile.appctl("conntrack/offload-why", "zone=1", tuple).attempt();
        assertThat(nothing.exitStatus()).isEqualTo(2);
        assertThat(nothing.errors()).startsWith("ovs-vswitchd: no connection matches (No such file or directory)\n");
    }

    // ---- the stream of events ----

    /** Number of the last line, and of nothing before it. */
    private static String now() {
        return next(appctl("conntrack/offload-monitor", "since=now"));
    }

    private static String next(String reply) {
        Matcher end = Pattern.compile("\\{\"next\":(\\d+),\"dropped\":0}$").matcher(reply);
        assertThat(end.find()).as(reply).isTrue();
        return end.group(1);
    }

    private static String event(String line) {
        return line.replaceFirst(
                "\\{\"seq\":\\d+,\"time\":\"[^\"]*\",\"event\":\"(\\w+)\",\"provider\":\"(\\w+)\".*", "$1 $2");
    }

    @Test
    void eventsAreReadOnFromWhereOneWas() {
        turnOn();
        String since = now();
        udpQuery();
        offload.awaitCount("add", 1);
        Await.until(
                "four lines",
                PATIENCE,
                () -> appctl("conntrack/offload-monitor", "since=" + since)
                                .lines()
                                .count()
                        == 5,
                () -> appctl("conntrack/offload-monitor", "since=" + since));
        String all = appctl("conntrack/offload-monitor", "since=" + since);
        assertThat(all.lines().limit(4).map(OffloadSeeingStoryTest::event))
                .containsExactlyInAnyOrder("query dummy", "add dummy", "query claiming", "add claiming");
        assertThat(all.lines().filter(line -> event(line).equals("add dummy")))
                .singleElement()
                .asString()
                .contains(
                        "\"result\":\"ok\"",
                        "\"proto\":\"udp\"",
                        "\"orig\":{\"src\":\"10.4.0.1\",\"dst\":\"10.4.0.2\",\"sport\":1000,\"dport\":54}",
                        "\"zone\":0",
                        "\"in_port_name\":\"d3\"");
        String one = appctl("conntrack/offload-monitor", "since=" + since, "limit=1");
        assertThat(one.lines()).hasSize(2);
        assertThat(Long.parseLong(next(one))).isEqualTo(Long.parseLong(since) + 1);
        String rest = appctl("conntrack/offload-monitor", "since=" + next(one));
        assertThat(one.lines().limit(1).toList() + "\n" + rest)
                .isEqualTo(all.lines().limit(1).toList() + "\n"
                        + String.join("\n", all.lines().skip(1).toList()));
        assertThat(appctl("conntrack/offload-monitor"))
                .startsWith("{\"seq\":")
                .contains(all.lines().findFirst().orElseThrow());
    }

    @Test
    void whoWaitsHearsOfTheFirstEventWhileOthersAreAnswered() throws Exception {
        turnOn();
        String since = now();
        Daemon waiting = turnstile
                .appctl("conntrack/offload-monitor", "since=" + since, "wait=15000")
                .start(lab.folder().resolve("waiting.txt"));
        assertThat(appctl("conntrack/offload-monitor", "since=" + since, "wait=50"))
                .startsWith("{\"next\":" + since + ",");
        assertThat(waiting.isAlive()).isTrue();
        udpQuery();
        waiting.awaitEnd(PATIENCE);
        assertThat(waiting.output()
                        .lines()
                        .findFirst()
                        .map(OffloadSeeingStoryTest::event)
                        .orElseThrow())
                .isIn("query dummy", "query claiming");
        assertThat(turnstile
                        .appctl("conntrack/offload-monitor", "wait=1s")
                        .attempt()
                        .errors())
                .startsWith("wait=1s: not a whole number from 0 to 60000\n");
    }

    @Test
    void turningOnAndOffIsALineForEachProvider() {
        set("other_config:hw-offload=false");
        String since = now();
        turnOn();
        Await.until(
                "both are up",
                PATIENCE,
                () -> {
                    String text = appctl("conntrack/offload-monitor", "since=" + since);
                    return text.contains("\"event\":\"provider\",\"provider\":\"dummy\",\"state\":\"ready\"}")
                            && text.contains("\"event\":\"provider\",\"provider\":\"claiming\",\"state\":\"ready\"}");
                },
                () -> appctl("conntrack/offload-monitor", "since=" + since));
    }

    @Test
    void theLiveViewPrintsLinesAsTheyComeAndEndsWhenNobodyReads() throws Exception {
        turnOn();
        String launcher = Turnstile.repositoryRoot().resolve("turnstile").toString();
        String view = launcher + " offload-monitor --target=" + turnstile.controlSocket();
        now();
        try (Daemon live = Command.of("sh", "-c", "exec " + view + " --since=0")
                        .start(lab.folder().resolve("live.txt"));
                Daemon one = Command.of("sh", "-c", view + " --since=0 | head -n 1")
                        .start(lab.folder().resolve("one.txt"))) {
            Await.until(
                    "what was kept", PATIENCE, () -> live.output().contains("\"event\":\"watching\""), live::output);
            udpQuery();
            udpReply();
            Await.until(
                    "the events",
                    PATIENCE,
                    () -> live.output()
                            .lines()
                            .map(OffloadSeeingStoryTest::event)
                            .toList()
                            .containsAll(
                                    List.of("query dummy", "add dummy", "established dummy", "established claiming")),
                    live::output);
            assertThat(live.isAlive()).isTrue();
            Await.until(
                    "the end",
                    PATIENCE,
                    () -> {
                        udpReply();
                        turnstile.appctl("dpctl/flush-conntrack").run();
                        udpQuery();
                        return !one.isAlive();
                    },
                    one::output);
            assertThat(one.output().lines()).hasSize(1);
            assertThat(live.output()).doesNotContain("\"next\"");
        }
    }

    // ---- metrics ----

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private static Command.Result curl(int port) {
        return Command.of(
                        "curl", "--silent", "--show-error", "--max-time", "10", "http://127.0.0.1:" + port + "/metrics")
                .attempt();
    }

    /** Every line has to be as Prometheus reads it; the samples by name with labels. */
    private static Map<String, Double> scrape(int port) {
        Command.Result page = curl(port);
        assertThat(page.succeeded()).as(page.errors()).isTrue();
        Map<String, Double> samples = new HashMap<>();
        for (String line : page.lines()) {
            if (line.startsWith("#")) {
                assertThat(line).matches(COMMENT);
            } else {
                Matcher sample = SAMPLE.matcher(line);
                assertThat(sample.matches()).as(line).isTrue();
                assertThat(samples.put(
                                sample.group(1), Double.valueOf(sample.group(2).replace("Inf", "Infinity"))))
                        .as(line)
                        .isNull();
            }
        }
        return samples;
    }

    private static long warningsOf(String text) {
        return turnstile
                .daemon()
                .output()
                .lines()
                .filter(line -> line.contains("WARN") && line.contains(text))
                .count();
    }

    @Test
    void metricsAreServedWhereTheSettingSaysAndFollowIt() throws Exception {
        int first = freePort();
        assertThat(curl(first).succeeded()).isFalse();
        set("other_config:metrics-port=" + first);
        turnOn();
        double added = scrape(first)
                .getOrDefault(
                        "turnstile_offload_operations_total{operation=\"add\",provider=\"dummy\",result=\"ok\"}", 0.0);
        double received = scrape(first).get("turnstile_port_packets_total{direction=\"rx\",port=\"d3\"}");
        udpQuery();
        offload.awaitCount("add", 1);
        Map<String, Double> samples = scrape(first);
        assertThat(samples)
                .containsEntry("turnstile_connections", 1.0)
                .containsEntry("turnstile_port_packets_total{direction=\"rx\",port=\"d3\"}", received + 1)
                .containsKeys(
                        "turnstile_connections_max",
                        "turnstile_datapath_lookups_total{result=\"hit\"}",
                        "turnstile_packets_dropped_total{reason=\"datapath_drop_upcall_error\"}");
        assertThat(samples.get(
                        "turnstile_offload_operations_total{operation=\"add\",provider=\"dummy\",result=\"ok\"}"))
                .isEqualTo(added + 1);
        assertThat(samples.keySet())
                .anyMatch(name -> name.startsWith("turnstile_offload_call_seconds_bucket{provider=\"dummy\""))
                .anyMatch(name -> name.startsWith("jvm_memory_used_bytes{area=\"heap\""));
        int second = freePort();
        set("other_config:metrics-port=" + second);
        assertThat(curl(first).succeeded()).isFalse();
        assertThat(scrape(second)).containsEntry("turnstile_connections", 1.0);
        turnstile
                .vsctl("remove", "open_vswitch", ".", "other_config", "metrics-port")
                .run();
        assertThat(curl(second).succeeded()).isFalse();
    }

    @Test
    void aBadPortAndOneInUseAreWarnedOfOnce() throws Exception {
        set("other_config:metrics-port=http");
        set("other_config:max-idle=9000");
        assertThat(warningsOf("metrics-port=http: not a port from 1 to 65535, no metrics are served"))
                .isEqualTo(1);
        int port;
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = taken.getLocalPort();
            set("other_config:metrics-port=" + port);
            set("other_config:max-idle=8000");
            assertThat(warningsOf("metrics-port=" + port + ": cannot listen at 127.0.0.1:" + port))
                    .isEqualTo(1);
        }
        set("other_config:max-idle=7000");
        assertThat(scrape(port)).containsKey("turnstile_connections");
    }
}
