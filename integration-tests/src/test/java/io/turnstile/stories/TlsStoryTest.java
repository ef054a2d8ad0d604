package io.turnstile.stories;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.lab.Await;
import io.turnstile.lab.Command;
import io.turnstile.lab.Daemon;
import io.turnstile.lab.Lab;
import io.turnstile.lab.Turnstile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Debian's tools speak with the switch over TLS, with keys and certificates of ovs-pki: who shows one that the
 * authority has signed is served, and nobody else.
 */
@Tag("system")
class TlsStoryTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final int LARGE = 100_000;
    private static final String SWITCH_AUTHORITY = "pki/switchca/cacert.pem";
    private static final String CONTROLLER_AUTHORITY = "pki/controllerca/cacert.pem";

    private final Lab lab = new Lab("tls");
    private Turnstile turnstile;

    @BeforeEach
    void start() {
        try {
            pki("init");
            pki("req+sign", "sw", "switch");
            pki("req+sign", "ctl", "controller");
            turnstile = lab.add(Turnstile.start(lab));
            turnstile.vsctl("add-br", "br0").run();
        } catch (RuntimeException e) {
            lab.close();
            throw e;
        }
    }

    @AfterEach
    void leave() {
        lab.close();
    }

    private Path file(String name) {
        return lab.folder().resolve(name);
    }

    private void pki(String... words) {
        Stream<String> command = Stream.of(
                "env", "-C", lab.folder().toString(), "ovs-pki", "--dir=" + file("pki"), "--log=" + file("pki.log"));
        Command.of(Stream.concat(command, Stream.of(words)).toList()).run();
    }

    /** The options by which a tool is who the name says, and trusts the switch's authority. */
    private List<String> as(String name) {
        return List.of(
                "--private-key=" + file(name + "-privkey.pem"),
                "--certificate=" + file(name + "-cert.pem"),
                "--ca-cert=" + file(SWITCH_AUTHORITY));
    }

    private void setSsl(String... options) {
        turnstile
                .vsctl(Stream.concat(
                                Stream.of(options),
                                Stream.of(
                                        "set-ssl",
                                        file("sw-privkey.pem").toString(),
                                        file("sw-cert.pem").toString(),
                                        file(CONTROLLER_AUTHORITY).toString()))
                        .toArray(String[]::new))
                .run();
    }

    private static int freePort() {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Command.Result tool(String program, List<String> options, String... words) {
        return Command.of(Stream.of(List.of(program, "--timeout=10"), options, List.of(words))
                        .flatMap(List::stream)
                        .toList())
                .attempt();
    }

    private boolean isConnected() {
        return turnstile
                .vsctl("get", "controller", "br0", "is_connected")
                .run()
                .text()
                .equals("true");
    }

    private void awaitConnected(Daemon controller) {
        Await.until(
                "the controller is connected",
                PATIENCE,
                this::isConnected,
                () -> turnstile.vsctl("list", "controller").run().output()
                        + controller.output()
                        + turnstile.daemon().output());
    }

    private Daemon controller(int port, String... options) {
        return lab.start(
                Stream.of(
                                List.of("ovs-testcontroller", "--unixctl=" + file("controller.ctl")),
                                as("ctl"),
                                List.of(options),
                                List.of("pssl:" + port + ":127.0.0.1"))
                        .flatMap(List::stream)
                        .toList(),
                Map.of("OVS_RUNDIR", lab.folder().toString()));
    }

    @Test
    void theDatabaseIsServedToWhomTheAuthorityHasSigned() {
        int port = freePort();
        setSsl();
        turnstile.vsctl("set-manager", "pssl:" + port + ":127.0.0.1").run();
        String database = "--db=ssl:127.0.0.1:" + port;
        Await.until(
                "the server listens",
                PATIENCE,
                () -> tool("ovs-vsctl", as("ctl"), database, "list-br").succeeded(),
                turnstile.daemon()::output);
        assertThat(tool("ovs-vsctl", as("ctl"), database, "list-br").text()).isEqualTo("br0");
        assertThat(tool("ovs-vsctl", as("ctl"), database, "add-br", "br1").succeeded())
                .isTrue();
        assertThat(turnstile.vsctl("list-br").run().lines()).containsExactly("br0", "br1");
        String large = "x".repeat(LARGE); // more than a record, both ways
        tool("ovs-vsctl", as("ctl"), database, "set", "bridge", "br1", "external_ids:large=" + large);
        assertThat(tool("ovs-vsctl", as("ctl"), database, "get", "bridge", "br1", "external_ids:large")
                        .text())
                .isEqualTo(large);
        assertThat(tool("ovs-vsctl", as("sw"), database, "list-br").succeeded())
                .as("another authority's")
                .isFalse();
        assertThat(tool("ovs-vsctl", List.of(), "--db=tcp:127.0.0.1:" + port, "list-br")
                        .succeeded())
                .as("without encryption")
                .isFalse();
    }

    /** Has the bridge listen; returns where. */
    private String listen() {
        int port = freePort();
        setSsl();
        turnstile.vsctl("set-controller", "br0", "pssl:" + port + ":127.0.0.1").run();
        String bridge = "ssl:127.0.0.1:" + port;
        Await.until(
                "the bridge listens",
                PATIENCE,
                () -> tool("ovs-ofctl", as("ctl"), "show", bridge).succeeded(),
                turnstile.daemon()::output);
        return bridge;
    }

    @Test
    void aBridgeIsProgrammedByWhomTheAuthorityHasSigned() {
        String bridge = listen();
        assertThat(tool("ovs-ofctl", as("ctl"), "add-flow", bridge, "priority=7,actions=drop")
                        .succeeded())
                .isTrue();
        assertThat(tool("ovs-ofctl", as("ctl"), "dump-flows", bridge).output()).contains("priority=7 actions=drop");
        assertThat(tool("ovs-ofctl", as("sw"), "show", bridge).succeeded())
                .as("another authority's")
                .isFalse();
    }

    @Test
    void aControllerIsConnectedTo() {
        int port = freePort();
        Daemon controller = controller(port);
        setSsl();
        turnstile.vsctl("set-controller", "br0", "ssl:127.0.0.1:" + port).run();
        awaitConnected(controller);
    }

    @Test
    void withoutCertificatesItIsSaidWhyThereIsNoConnection() {
        turnstile.vsctl("set-controller", "br0", "ssl:127.0.0.1:" + freePort()).run();
        Await.until(
                "the cause is said",
                PATIENCE,
                () -> turnstile
                        .vsctl("get", "controller", "br0", "status:last_error")
                        .attempt()
                        .output()
                        .contains("Private key must be configured to use SSL"),
                () -> turnstile.vsctl("list", "controller").run().output());
    }

    @Test
    void theAuthorityIsLearntFromTheFirstController() throws IOException {
        Path authority = file(CONTROLLER_AUTHORITY);
        Path kept = Files.move(authority, file("kept.pem"));
        int port = freePort();
        Daemon controller = controller(port, "--peer-ca-cert=" + kept);
        setSsl("--bootstrap");
        turnstile.vsctl("set-controller", "br0", "ssl:127.0.0.1:" + port).run();
        awaitConnected(controller);
        // ovs-pki writes what the certificate says in words before it.
        String text = Files.readString(kept);
        assertThat(authority).hasContent(text.substring(text.indexOf("-----BEGIN")));
    }

    @Test
    void newFilesCountForTheNextConnection() throws IOException {
        String bridge = listen();
        Files.copy(file(SWITCH_AUTHORITY), file(CONTROLLER_AUTHORITY), StandardCopyOption.REPLACE_EXISTING);
        assertThat(tool("ovs-ofctl", as("ctl"), "show", bridge).succeeded()).isFalse();
        assertThat(tool("ovs-ofctl", as("sw"), "show", bridge).succeeded()).isTrue();
    }
}
