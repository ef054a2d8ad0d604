package io.turnstile.stories;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.lab.Await;
import io.turnstile.lab.Command;
import io.turnstile.lab.ControlConnection;
import io.turnstile.lab.Host;
import io.turnstile.lab.Lab;
import io.turnstile.lab.Turnstile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The end of a switch whose provider holds more than it can let go of in a moment: everything is taken back, the
 * provider is closed, and packets pass as long as that takes.
 */
@Tag("system")
class OffloadEndStoryTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int CONNECTIONS = 50_000;
    private static final int DUMMIES = 10;
    /** As many packets as a dummy port keeps until they are forwarded. */
    private static final int QUEUE_LENGTH = 100;
    /** For all of them more than 5 s. */
    private static final String DELETE_US = "100";

    private final Lab lab = new Lab("oe");
    private Host a;
    private Host b;
    private Turnstile turnstile;

    private Path log() {
        return lab.folder().resolve("sw.log");
    }

    private Path told() {
        return lab.folder().resolve("told");
    }

    @BeforeEach
    void hoard() throws IOException {
        try {
            a = lab.host("a", "10.5.0.1/24");
            b = lab.host("b", "10.5.0.2/24");
            Path plugins = lab.folder().resolve("plugins");
            ProviderJar.write(plugins, HoardingProvider.class);
            turnstile = lab.add(Turnstile.start(
                    lab, "--enable-dummy", "--plugins=" + plugins, "--log-file=" + log(), "-vconsole:off"));
            String bridge = lab.deviceName("br");
            turnstile
                    .vsctl("add-br", bridge, "--", "add-port", bridge, a.device(), "--", "add-port", bridge, b.device())
                    .run();
            for (int port = 0; port < DUMMIES; port++) {
                String name = "d" + port;
                turnstile
                        .vsctl("add-port", bridge, name, "--", "set", "interface", name, "type=dummy")
                        .run();
            }
            Path flows = lab.folder().resolve("flows.txt");
            Files.write(
                    flows,
                    List.of("arp actions=NORMAL", "udp actions=ct(commit,zone=5)", "icmp actions=ct(commit),NORMAL"));
            turnstile.ofctl("del-flows", bridge).run();
            turnstile
                    .vsctl("-- --id=@m create Datapath datapath_version=0 -- set Open_vSwitch . datapaths:system=@m"
                            .split(" "))
                    .run();
            turnstile
                    .vsctl("add-zone-tp", "system", "zone=5", "udp_single=3600")
                    .run();
            turnstile.ofctl("add-flows", bridge, flows.toString()).run();
            turnstile
                    .vsctl(
                            "set",
                            "open_vswitch",
                            ".",
                            "other_config:hw-offload=true",
                            "other_config:hw-offload-priority=\"hoarding,none\"",
                            "other_config:offload-hoarding-" + HoardingProvider.FILE + "=" + told(),
                            "other_config:offload-hoarding-" + HoardingProvider.DELETE_US + "=" + DELETE_US)
                    .run();
            commitMany();
            assertThat(ping(5)).contains("5 received");
        } catch (IOException | RuntimeException | Error e) {
            lab.close();
            throw e;
        }
    }

    /** Each connection's first packet. */
    private void commitMany() throws IOException {
        try (ControlConnection control = ControlConnection.open(turnstile.controlSocket())) {
            int sent = 0;
            while (sent < CONNECTIONS) {
                for (int port = 0; port < DUMMIES; port++) {
                    control.run("netdev-dummy/receive", firstPackets(port, sent));
                    sent += QUEUE_LENGTH;
                }
                awaitHoarded(control, sent);
            }
        }
    }

    private static String[] firstPackets(int port, int from) {
        List<String> words = new ArrayList<>(List.of("d" + port));
        for (int i = from; i < from + QUEUE_LENGTH; i++) {
            words.add(("in_port(1),eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),eth_type(0x0800),"
                            + "ipv4(src=10.6.%d.%d,dst=10.7.0.1,proto=17,tos=0,ttl=64,frag=no),udp(src=1,dst=2)")
                    .formatted(i / 250, i % 250));
        }
        return words.toArray(String[]::new);
    }

    private static void awaitHoarded(ControlConnection control, int count) {
        Await.until(
                count + " held",
                PATIENCE,
                () -> shown(control).contains("\n  hoarded: " + count + "\n"),
                () -> shown(control));
    }

    private static String shown(ControlConnection control) {
        try {
            return control.run("conntrack/offload-show");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String ping(int count) {
        return a.command("ping", "-W", "1", "-i", "0.2", "-c", Integer.toString(count), b.address())
                .attempt()
                .output();
    }

    @AfterEach
    void leave() {
        lab.close();
    }

    private void assertThatAllWasTakenBack() throws IOException {
        Await.until("the end", PATIENCE, () -> !turnstile.daemon().isAlive(), this::logged);
        assertThat(told()).content().isEqualTo("closed, 0 held");
        assertThat(logged())
                .containsPattern("waiting for offload provider hoarding to let go of [0-9]+ connections")
                .doesNotContain("was not closed", "ended without having closed everything");
    }

    private String logged() {
        try {
            return Files.readString(log());
        } catch (IOException e) {
            return e.toString();
        }
    }

    @Test
    void exitTakesEverythingBackWhilePacketsPass() throws IOException {
        turnstile.appctl("exit").run();
        assertThat(ping(15)).contains("15 received");
        assertThat(told()).as("written at the close, which is still to come").doesNotExist();
        assertThatAllWasTakenBack();
    }

    @Test
    void aSignalTakesEverythingBackToo() throws IOException {
        Command.of("kill", "-TERM", Long.toString(turnstile.daemon().pid())).run();
        assertThatAllWasTakenBack();
    }
}
