package io.turnstile.stories;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.embedded.EmbeddedSwitch;
import io.turnstile.lab.Await;
import io.turnstile.lab.Daemon;
import io.turnstile.packet.Frames;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** os-ken, with a learning switch as people write their first, in each version of OpenFlow that it speaks. */
@Tag("system")
class OsKenStoryTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String APPLICATION = "/os-ken/learning_switch.py";
    private static final String THERE = "10.0.0.1:1 > 10.0.0.2:2";
    private static final String BACK = "10.0.0.2:2 > 10.0.0.1:1";

    @ParameterizedTest
    @ValueSource(strings = {"1.0", "1.2", "1.3", "1.4", "1.5"})
    void aLearningSwitchLearns(String version, @TempDir Path dir) throws Exception {
        Path application = dir.resolve("learning_switch.py");
        try (var in = OsKenStoryTest.class.getResourceAsStream(APPLICATION)) {
            Files.copy(in, application);
        }
        String port = Integer.toString(freePort());
        List<String> words = List.of(
                "osken-manager",
                "--ofp-listen-host",
                "127.0.0.1",
                "--ofp-tcp-listen-port",
                port,
                application.toString());
        try (Daemon controller = Daemon.start(words, Map.of("OPENFLOW_VERSION", version), dir.resolve("osken.log"));
                EmbeddedSwitch sw = EmbeddedSwitch.withPorts(1, 2, 3)) {
            sw.connectController("tcp:127.0.0.1:" + port);
            Await.until(
                    "what is not known is flooded",
                    PATIENCE,
                    () -> {
                        sw.receive(1, Frames.udp(THERE));
                        return !sw.takeSent(2).isEmpty() && !sw.takeSent(3).isEmpty();
                    },
                    controller::output);
            sw.receive(2, Frames.udp(BACK));
            Await.until("the answer has a flow", PATIENCE, () -> flowsOf(sw) == 1, controller::output);
            Await.until("it is sent itself", PATIENCE, () -> !sw.takeSent(1).isEmpty(), controller::output);
            sw.takeSent(3);
            sw.receive(2, Frames.udp(BACK));
            assertThat(sw.takeSent(1)).as("without the controller").hasSize(1);
            assertThat(sw.takeSent(3)).isEmpty();
        }
    }

    /** Besides that for misses. */
    private static long flowsOf(EmbeddedSwitch sw) {
        return sw.dumpFlows().stream()
                .filter(flow -> flow.contains("priority=1,"))
                .count();
    }

    private static int freePort() throws Exception {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
