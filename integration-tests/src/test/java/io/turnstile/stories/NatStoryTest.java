package io.turnstile.stories;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.lab.Await;
import io.turnstile.lab.Host;
import io.turnstile.lab.Lab;
import io.turnstile.lab.LabSwitch;
import io.turnstile.lab.OpenVswitch;
import io.turnstile.lab.Turnstile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Real clients and servers through {@code nat(…)}: curl, ping in fragments, FTP in every mode and TFTP. The client
 * stands behind port 1, the server behind port 2; the translated addresses have more digits than the real ones, so that
 * FTP's dialogue changes its length.
 */
@Tag("system")
class NatStoryTest {
    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final String CLIENT = "10.1.0.1";
    private static final String SERVER = "10.1.0.2";
    /** Under which the server knows the client, and the client the server. */
    private static final String CLIENT_OUTSIDE = "10.1.0.240";

    private static final String SERVER_OUTSIDE = "10.1.0.150";

    /** What is translated. */
    private enum Way {
        SOURCE("nat(src=" + CLIENT_OUTSIDE + ")", "nat(src=fd00::240)", SERVER, "fd00::2"),
        DESTINATION("nat(dst=" + SERVER + ")", "nat(dst=fd00::2)", SERVER_OUTSIDE, "fd00::150"),
        /** A bare {@code nat} with commit is not taken by Open vSwitch 3.1. */
        NOTHING("exec(set_field:0x1->ct_mark)", "exec(set_field:0x1->ct_mark)", SERVER, "fd00::2");

        private final String ipv4;
        private final String ipv6;
        private final String target;
        private final String target6;

        Way(String ipv4, String ipv6, String target, String target6) {
            this.ipv4 = ipv4;
            this.ipv6 = ipv6;
            this.target = target;
            this.target6 = target6;
        }

        private List<String> flows() {
            List<String> flows = new ArrayList<>(List.of(
                    "table=0,priority=100,arp,actions=NORMAL",
                    "table=0,priority=100,icmp6,icmp_type=135,actions=NORMAL",
                    "table=0,priority=100,icmp6,icmp_type=136,actions=NORMAL",
                    "table=0,priority=90,ip,actions=ct(table=1,zone=5,nat)",
                    "table=0,priority=90,ipv6,actions=ct(table=1,zone=5,nat)",
                    "table=0,priority=0,actions=drop",
                    "table=1,priority=0,actions=drop"));
            for (String family : List.of("ip", "ipv6")) {
                String suffix = family.equals("ip") ? "" : "6";
                String nat = family.equals("ip") ? ipv4 : ipv6;
                String fresh = ",in_port=1,ct_state=+trk+new-rel,";
                flows.add("table=1,priority=100,tcp" + suffix + fresh + "tp_dst=21,actions=ct(commit,zone=5,alg=ftp,"
                        + nat + "),2");
                flows.add("table=1,priority=100,udp" + suffix + fresh + "tp_dst=69,actions=ct(commit,zone=5,alg=tftp,"
                        + nat + "),2");
                flows.add("table=1,priority=90," + family + fresh + "actions=ct(commit,zone=5," + nat + "),2");
                for (int port = 1; port <= 2; port++) {
                    String from = "," + family + ",in_port=" + port + ",ct_state=+trk";
                    flows.add("table=1,priority=80" + from + "+new+rel,actions=ct(commit,zone=5,nat)," + (3 - port));
                    flows.add("table=1,priority=80" + from + "-new+rel,actions=" + (3 - port));
                    flows.add("table=1,priority=80" + from + "+est,actions=" + (3 - port));
                }
            }
            return flows;
        }
    }

    /** Both hosts and the switch between them. */
    private record Scene(Host client, Host server, LabSwitch sw, Way way) {
        private String curl(String... words) {
            List<String> all = new ArrayList<>(List.of("curl", "-sS", "--max-time", "10"));
            all.addAll(List.of(words));
            return client.command(all.toArray(String[]::new)).attempt().toString();
        }

        private String connections() {
            return sw.appctl("dpctl/dump-conntrack").run().output();
        }
    }

    private interface Story {
        void play(Scene scene) throws Exception;
    }

    private static void stage(Function<Lab, LabSwitch> starter, Way way, Story story) throws Exception {
        try (Lab lab = new Lab("nat")) {
            Host client = lab.host("in", CLIENT + "/16");
            Host server = lab.host("out", SERVER + "/16");
            for (Host host : List.of(client, server)) {
                host.transmitOffloadOff();
                host.run(
                        "sysctl",
                        "-qw",
                        "net.ipv6.conf.eth0.disable_ipv6=0",
                        "net.ipv6.conf.eth0.router_solicitations=0");
                host.run(
                        "ip",
                        "-6",
                        "address",
                        "add",
                        host == client ? "fd00::1/64" : "fd00::2/64",
                        "dev",
                        "eth0",
                        "nodad");
            }
            // Nobody answers for the addresses that only the switch knows.
            neighbours(server, client, CLIENT_OUTSIDE, "fd00::240");
            neighbours(client, server, SERVER_OUTSIDE, "fd00::150");
            try (LabSwitch sw = starter.apply(lab)) {
                configure(sw, way, client, server);
                story.play(new Scene(client, server, sw, way));
            }
        }
    }

    private static void neighbours(Host host, Host other, String address, String address6) {
        String mac = other.run("cat", "/sys/class/net/eth0/address").text();
        host.run("ip", "neighbour", "add", address, "lladdr", mac, "dev", "eth0");
        host.run("ip", "neighbour", "add", address6, "lladdr", mac, "dev", "eth0");
    }

    private static void configure(LabSwitch sw, Way way, Host client, Host server) throws IOException {
        sw.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev", "fail_mode=secure")
                .run();
        sw.vsctl("add-port", "br0", client.device(), "--", "set", "interface", client.device(), "ofport_request=1")
                .run();
        sw.vsctl("add-port", "br0", server.device(), "--", "set", "interface", server.device(), "ofport_request=2")
                .run();
        for (Host host : List.of(client, server)) {
            sw.vsctl("--timeout=10", "wait-until", "interface", host.device(), "link_state=up")
                    .run();
        }
        Path flows = Files.createTempFile("flows", ".txt");
        Files.write(flows, way.flows());
        sw.ofctl("-O", "OpenFlow13", "add-flows", "br0", flows.toString()).attempt();
        sw.ofctl("add-flows", "br0", flows.toString()).run();
        Files.delete(flows);
        Await.until(
                "the hosts know each other",
                LIMIT,
                () -> client.command("ping", "-c", "1", "-W", "1", way.target)
                                .attempt()
                                .succeeded()
                        && client.command("ping", "-c", "1", "-W", "1", way.target6)
                                .attempt()
                                .succeeded(),
                () -> sw.ofctl("dump-flows", "br0").run().output());
        sw.appctl("dpctl/flush-conntrack").run();
    }

    // ---- HTTP and ping, beside Open vSwitch ----

    @ParameterizedTest
    @EnumSource
    void webAndPingPassAsTheyDoWithOpenVswitch(Way way) throws Exception {
        String[] transcripts = new String[2];
        for (int i = 0; i < 2; i++) {
            int index = i;
            stage(index == 0 ? Turnstile::start : OpenVswitch::start, way, scene -> {
                Transcript transcript = new Transcript(scene.client(), scene.server());
                Path folder = published(scene);
                startWeb(scene, folder, "::");
                transcript.add("web", scene.curl("--local-port", "40000", "http://" + way.target + "/first.txt"));
                transcript.add(
                        "web, IPv6", scene.curl("--local-port", "40001", "http://[" + way.target6 + "]/second.txt"));
                transcript.add("ping in fragments", ping(scene, way.target));
                transcript.add("ping in fragments, IPv6", ping(scene, way.target6));
                transcript.addSorted(
                        "connections",
                        scene.sw().appctl("dpctl/dump-conntrack").run().lines().stream()
                                .map(line -> line.replaceAll("id=\\d+", "id=N").replaceAll("state=\\w+", "state=S"))
                                .toList());
                assertThat(toClosedPort(scene))
                        .as("the ICMP error comes back translated")
                        .contains("Connection refused");
                transcripts[index] = transcript.toString();
            });
        }
        assertThat(transcripts[0])
                .contains("The first file.", "The second file.", "3 received")
                .isEqualTo(transcripts[1]);
    }

    private static void startWeb(Scene scene, Path folder, String address) {
        scene.server()
                .start(List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-m",
                        "jdk.httpserver",
                        "-b",
                        address,
                        "-p",
                        "80",
                        "-d",
                        folder.toString()));
        Await.until(
                "the web server listens",
                LIMIT,
                () -> scene.server().run("ss", "-ltnH").output().contains(":80 "),
                () -> scene.server().run("ss", "-ltn").output());
    }

    private static String toClosedPort(Scene scene) {
        return scene.client()
                .command(
                        "bash", "-c", "exec 3<>/dev/udp/" + scene.way().target + "/7001; echo x >&3; read -r -t 5 -u 3")
                .attempt()
                .errors();
    }

    private static String ping(Scene scene, String target) {
        return scene
                .client()
                .command("ping", "-s", "5000", "-c", "3", "-i", "0.2", "-W", "1", target)
                .attempt()
                .lines()
                .stream()
                .filter(line -> line.contains("packets transmitted"))
                .findFirst()
                .orElseThrow()
                .replaceAll(", time .*", "");
    }

    private static Path published(Scene scene) throws IOException {
        Path folder = Files.createDirectory(scene.client().lab().folder().resolve("published"));
        Files.setPosixFilePermissions(scene.client().lab().folder(), PosixFilePermissions.fromString("rwxr-xr-x"));
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
        Files.writeString(folder.resolve("first.txt"), "The first file.");
        Files.writeString(folder.resolve("second.txt"), "The second file.");
        return folder;
    }

    // ---- FTP and TFTP ----

    @ParameterizedTest
    @EnumSource
    void ftpIsUnderstoodInEveryMode(Way way) throws Exception {
        stage(Turnstile::start, way, scene -> {
            Path folder = published(scene);
            startFtp(scene, folder);
            for (String host : List.of(way.target, "[" + way.target6 + "]")) {
                for (List<String> mode : List.of(
                        List.of("--disable-epsv"),
                        List.<String>of(),
                        List.of("--ftp-port", "-", "--disable-eprt"),
                        List.of("--ftp-port", "-"))) {
                    List<String> words = new ArrayList<>(mode);
                    words.addAll(List.of("ftp://" + host + "/first.txt", "ftp://" + host + "/second.txt"));
                    // Both over one control connection: it must go on after its dialogue has changed its length.
                    assertThat(scene.curl(words.toArray(String[]::new)))
                            .as(way + " " + words + "\n" + scene.connections())
                            .contains("The first file.", "The second file.");
                }
            }
            assertThat(scene.connections()).contains("helper=ftp");
            assertThat(scene.sw().appctl("dpctl/dump-conntrack", "-m").run().output())
                    .contains("parent=(src=");
        });
    }

    private static void startFtp(Scene scene, Path folder) throws IOException {
        Path lab = scene.client().lab().folder();
        Path empty = Files.createDirectory(lab.resolve("empty"));
        Files.setPosixFilePermissions(empty, PosixFilePermissions.fromString("r-xr-xr-x"));
        Path config = lab.resolve("vsftpd.conf");
        Files.write(
                config,
                Stream.of(
                                "listen_ipv6=YES",
                                "background=NO",
                                "anonymous_enable=YES",
                                "local_enable=NO",
                                "no_anon_password=YES",
                                "anon_root=" + folder,
                                "secure_chroot_dir=" + empty,
                                "ftp_username=ftp",
                                "nopriv_user=nobody",
                                "seccomp_sandbox=NO",
                                "xferlog_enable=NO",
                                "connect_from_port_20=NO")
                        .toList());
        scene.server().start(List.of("vsftpd", config.toString()));
        Await.until(
                "the FTP server listens",
                LIMIT,
                () -> scene.server().run("ss", "-ltnH").output().contains(":21 "),
                () -> scene.server().run("ss", "-ltn").output());
    }

    @ParameterizedTest
    @EnumSource
    void tftpIsAnsweredFromAnotherPort(Way way) throws Exception {
        stage(Turnstile::start, way, scene -> {
            Path folder = published(scene);
            scene.server()
                    .start(List.of(
                            "dnsmasq",
                            "--no-daemon",
                            "--conf-file=/dev/null",
                            "--port=0",
                            "--enable-tftp",
                            "--tftp-root=" + folder,
                            "--user=root",
                            "--pid-file="));
            Await.until(
                    "the TFTP server listens",
                    LIMIT,
                    () -> scene.server().run("ss", "-lunH").output().contains(":69 "),
                    () -> scene.server().run("ss", "-lun").output());
            assertThat(scene.curl("tftp://" + way.target + "/first.txt"))
                    .as(scene.connections())
                    .contains("The first file.");
            assertThat(scene.curl("tftp://[" + way.target6 + "]/second.txt"))
                    .as(scene.connections())
                    .contains("The second file.");
            assertThat(scene.sw().appctl("dpctl/dump-conntrack-exp").run().output())
                    .contains("udp,orig=(");
        });
    }

    @Test
    void twoConnectionsWithOneSourcePortShareAnAddress() throws Exception {
        stage(Turnstile::start, Way.SOURCE, scene -> {
            scene.client().run("ip", "address", "add", "10.1.0.3/16", "dev", "eth0");
            Path folder = published(scene);
            startWeb(scene, folder, SERVER);
            for (String source : List.of(CLIENT, "10.1.0.3")) {
                assertThat(scene.curl(
                                "--interface", source, "--local-port", "40000", "http://" + SERVER + "/first.txt"))
                        .contains("The first file.");
            }
            assertThat(scene.connections())
                    .contains("dst=10.1.0.240,sport=80,dport=40000", "dst=10.1.0.240,sport=80,dport=40001");
        });
    }
}
