package io.turnstile.stories;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.lab.Await;
import io.turnstile.lab.Command;
import io.turnstile.lab.ControlConnection;
import io.turnstile.lab.Host;
import io.turnstile.lab.Lab;
import io.turnstile.lab.Turnstile;
import java.io.IOException;
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
    private static final int A_COMMAND = 2000;
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
            turnstile
                    .vsctl("add-port", bridge, "d3", "--", "set", "interface", "d3", "type=dummy", "ofport_request=3")
                    .run();
            Path flows = lab.folder().resolve("flows.txt");
            Files.write(flows, List.of("arp actions=NORMAL", "in_port=3,ip actions=ct(commit)", "icmp actions=ct(commit),NORMAL"));
            turnstile.ofctl("del-flows", bridge).run();
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

    /** Each connection's first packet, by the dummy port. */
    private void commitMany() throws IOException {
        try (ControlConnection control = ControlConnection.open(turnstile.controlSocket())) {
            for (int i = 0; i < CONNECTIONS; i += A_COMMAND) {
                List<String> words = new ArrayList<>(List.of("d3"));
                for (int j = i; j < i + A_COMMAND; j++) {
                    words.add(("in_port(1),eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),eth_type(0x0800),"
                                    + "ipv4(src=10.6.%d.%d,dst=10.7.0.1,proto=17,tos=0,ttl=64,frag=no),udp(src=1,dst=2)")
                            .formatted(j / 250, j % 250));
                }
                control.run("netdev-dummy/receive", words.toArray(String[]::new));
                awaitHoarded(i + A_COMMAND);
            }
        }
    }

    private void awaitHoarded(int count) {
        Await.until(
                count + " held",
                PATIENCE,
                () -> shown().lines()
                        .anyMatch(line -> line.startsWith("  hoarded: ")
                                && Integer.parseInt(line.substring("  hoarded: ".length())) >= count),
                this::shown);
    }

    private String shown() {
        return turnstile.appctl("conntrack/offload-show").run().text();
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
