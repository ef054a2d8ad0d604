package io.turnstile.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.turnstile.telemetry.MetricsEndpoint;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** The setting and what is said about it. */
class MetricsSettingsTest {
    private final Logger logger = (Logger) LoggerFactory.getLogger("io.turnstile.bridge");
    private final ListAppender<ILoggingEvent> told = new ListAppender<>();
    private final MetricsEndpoint endpoint = new MetricsEndpoint(() -> "");
    private final MetricsSettings settings = new MetricsSettings(endpoint);

    @BeforeEach
    void listenToTheLog() {
        told.start();
        logger.addAppender(told);
    }

    @AfterEach
    void close() {
        logger.detachAppender(told);
        endpoint.close();
    }

    private List<String> warnings() {
        return told.list.stream()
                .filter(event -> event.getLevel() == Level.WARN)
                .map(ILoggingEvent::getFormattedMessage)
                .toList();
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private static InetSocketAddress at(String address, int port) {
        return new InetSocketAddress(address, port);
    }

    @Test
    void thePortIsFollowedLive() throws IOException {
        String first = String.valueOf(freePort());
        settings.reconfigure(Map.of("metrics-port", first));
        assertThat(endpoint.address()).isEqualTo(at("127.0.0.1", Integer.parseInt(first)));
        InetSocketAddress before = endpoint.address();
        settings.reconfigure(Map.of("metrics-port", first, "max-idle", "1"));
        assertThat(endpoint.address()).as("left alone").isEqualTo(before);
        String second = String.valueOf(freePort());
        settings.reconfigure(Map.of("metrics-port", second, "metrics-address", "127.0.0.2"));
        assertThat(endpoint.address()).isEqualTo(at("127.0.0.2", Integer.parseInt(second)));
        settings.reconfigure(Map.of("metrics-address", "127.0.0.2"));
        assertThat(endpoint.address()).isNull();
        assertThat(warnings()).isEmpty();
    }

    @Test
    void aBadPortIsWarnedOfOnceAndServesNothing() {
        for (String bad : List.of("0", "65536", "-1", "http", "")) {
            told.list.clear();
            settings.reconfigure(Map.of("metrics-port", bad));
            settings.reconfigure(Map.of("metrics-port", bad));
            assertThat(warnings())
                    .containsExactly("other_config: metrics-port=" + bad
                            + ": not a port from 1 to 65535, no metrics are served");
            assertThat(endpoint.address()).isNull();
        }
    }

    @Test
    void aBadAddressIsWarnedOfOnceAndIsLoopback() throws IOException {
        Map<String, String> config =
                Map.of("metrics-port", String.valueOf(freePort()), "metrics-address", "example.org");
        settings.reconfigure(config);
        settings.reconfigure(config);
        assertThat(warnings())
                .containsExactly("other_config: metrics-address=example.org: not an IP address, taken as 127.0.0.1");
        assertThat(endpoint.address().getAddress().getHostAddress()).isEqualTo("127.0.0.1");
    }

    @Test
    void aPortInUseIsWarnedOfOnceAndTriedAgain() throws IOException {
        int port;
        Map<String, String> config;
        try (MetricsEndpoint other = new MetricsEndpoint(() -> "")) {
            other.listen(at("127.0.0.1", 0));
            port = other.address().getPort();
            config = Map.of("metrics-port", String.valueOf(port));
            settings.reconfigure(config);
            settings.reconfigure(config);
            assertThat(warnings())
                    .containsExactly("other_config: metrics-port=" + port + ": cannot listen at 127.0.0.1:" + port
                            + ": Address already in use; tried again with the next change");
        }
        settings.reconfigure(config);
        assertThat(endpoint.address()).isEqualTo(at("127.0.0.1", port));
    }
}
