package io.turnstile.stories;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.lab.Await;
import io.turnstile.lab.Daemon;
import io.turnstile.lab.Host;
import io.turnstile.lab.Lab;
import io.turnstile.lab.LabSwitch;
import io.turnstile.lab.Turnstile;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Controllers that people have drive the switch between hosts that ping each other. */
@Tag("system")
class ControllersStoryTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    /** A learning switch as people write their first with os-ken, in each version that it speaks. */
    @ParameterizedTest
    @ValueSource(strings = {"1.0", "1.2", "1.3", "1.4", "1.5"})
    void osKensLearningSwitchLearns(String version) throws Exception {
        try (Lab lab = new Lab("osken")) {
            Hosts hosts = new Hosts(lab);
            try (LabSwitch sw = Turnstile.start(lab)) {
                String port = hosts.connect(sw, "OpenFlow" + version.replace(".", ""));
                try (Daemon controller = osKen(lab, "learning_switch.py", port, version)) {
                    hosts.awaitPing(controller);
                    Await.until(
                            "each direction has a flow",
                            PATIENCE,
                            () -> flows(sw, version)
                                            .lines()
                                            .filter(line -> line.contains("priority=1,"))
                                            .count()
                                    == 2,
                            controller::output);
                    assertThat(controller.output()).doesNotContain("another reason");
                }
                assertThat(hosts.ping(hosts.first, hosts.second))
                        .as("by its flows, without it")
                        .isTrue();
            }
        }
    }

    @Test
    void osKensFirewallLetsAnswersIn() throws Exception {
        try (Lab lab = new Lab("oskenfw")) {
            Hosts hosts = new Hosts(lab);
            try (LabSwitch sw = Turnstile.start(lab)) {
                String port = hosts.connect(sw, "OpenFlow13");
                try (Daemon controller = osKen(lab, "firewall.py", port, "1.3")) {
                    hosts.awaitPing(controller);
                    assertThat(hosts.ping(hosts.second, hosts.first))
                            .as("who may only answer")
                            .isFalse();
                    assertThat(flows(sw, "1.3")).contains("actions=ct(table=1,zone=7)", "ct_state=+new+trk");
                }
            }
        }
    }

    /** What Mininet starts where no other controller is named. */
    @ParameterizedTest
    @ValueSource(strings = {"OpenFlow10", "OpenFlow13"})
    void openVswitchsTestControllerSwitches(String protocol) throws Exception {
        try (Lab lab = new Lab("testctl")) {
            Hosts hosts = new Hosts(lab);
            try (LabSwitch sw = Turnstile.start(lab)) {
                String port = freePort();
                List<String> words = List.of(
                        "ovs-testcontroller",
                        "-O",
                        protocol,
                        "--unixctl=" + lab.folder().resolve("testcontroller.ctl"),
                        "ptcp:" + port + ":127.0.0.1");
                try (Daemon controller = lab.start(words, Map.of())) {
                    hosts.connect(sw, protocol, port);
                    hosts.awaitPing(controller);
                    assertThat(hosts.ping(hosts.second, hosts.first)).isTrue();
                    assertThat(sw.ofctl("-O", protocol, "dump-flows", "br0")
                                    .run()
                                    .output())
                            .as("flows of pings that it knows both ends of")
                            .contains("icmp,in_port=1", "icmp,in_port=2");
                }
            }
        }
    }

    private static String flows(LabSwitch sw, String version) {
        return sw.ofctl("-O", "OpenFlow" + version.replace(".", ""), "dump-flows", "br0")
                .run()
                .output();
    }

    private static Daemon osKen(Lab lab, String name, String port, String version) throws Exception {
        Path application = lab.folder().resolve(name);
        try (var in = ControllersStoryTest.class.getResourceAsStream("/os-ken/" + name)) {
            Files.copy(in, application);
        }
        return lab.start(
                List.of(
                        "osken-manager",
                        "--ofp-listen-host",
                        "127.0.0.1",
                        "--ofp-tcp-listen-port",
                        port,
                        application.toString()),
                Map.of("OPENFLOW_VERSION", version));
    }

    private static String freePort() throws Exception {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return Integer.toString(socket.getLocalPort());
        }
    }

    /** Two of them, at ports 1 and 2 of br0. */
    private static final class Hosts {
        private final Host first;
        private final Host second;

        Hosts(Lab lab) {
            first = lab.host("a", "10.7.0.1/24");
            second = lab.host("b", "10.7.0.2/24");
        }

        /** Returns the TCP port at which the bridge looks for its controller. */
        String connect(LabSwitch sw, String protocol) throws Exception {
            String port = freePort();
            connect(sw, protocol, port);
            return port;
        }

        void connect(LabSwitch sw, String protocol, String port) {
            sw.vsctl("add-br", "br0").run();
            sw.vsctl("set", "bridge", "br0", "fail_mode=secure", "protocols=" + protocol)
                    .run();
            sw.vsctl("add-port", "br0", first.device(), "--", "set", "interface", first.device(), "ofport_request=1")
                    .run();
            sw.vsctl("add-port", "br0", second.device(), "--", "set", "interface", second.device(), "ofport_request=2")
                    .run();
            sw.vsctl("set-controller", "br0", "tcp:127.0.0.1:" + port).run();
        }

        void awaitPing(Daemon controller) {
            Await.until("a ping is answered", PATIENCE, () -> ping(first, second), controller::output);
        }

        boolean ping(Host from, Host to) {
            return from.command(
                            "ping",
                            "-c",
                            "3",
                            "-i",
                            "0.2",
                            "-W",
                            "1",
                            to.address().replaceFirst("/.*", ""))
                    .attempt()
                    .succeeded();
        }
    }
}
