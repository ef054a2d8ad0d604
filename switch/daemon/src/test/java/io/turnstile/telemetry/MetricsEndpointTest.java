package io.turnstile.telemetry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class MetricsEndpointTest {
    private final MetricsEndpoint endpoint = new MetricsEndpoint(this::page);
    private final HttpClient client = HttpClient.newHttpClient();
    private int looks;
    private boolean broken;

    private String page() {
        if (broken) {
            throw new IllegalStateException("no counters");
        }
        return "looks " + ++looks + "\n";
    }

    @BeforeEach
    void listen() throws IOException {
        endpoint.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    }

    @AfterEach
    void close() {
        endpoint.close();
        client.close();
    }

    private HttpResponse<String> ask(String method, String path) throws Exception {
        URI uri = URI.create("http://127.0.0.1:" + endpoint.address().getPort() + path);
        return client.send(
                HttpRequest.newBuilder(uri)
                        .method(method, HttpRequest.BodyPublishers.noBody())
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    @Test
    void eachLookIsMadeAnew() throws Exception {
        HttpResponse<String> first = ask("GET", "/metrics");
        assertThat(first.statusCode()).isEqualTo(200);
        assertThat(first.headers().firstValue("content-type")).contains("text/plain; version=0.0.4; charset=utf-8");
        assertThat(first.body()).isEqualTo("looks 1\n");
        assertThat(ask("GET", "/metrics?x=y").body()).isEqualTo("looks 2\n");
        assertThat(ask("HEAD", "/metrics"))
                .satisfies(head -> assertThat(head.body()).isEmpty())
                .extracting(HttpResponse::statusCode)
                .isEqualTo(200);
    }

    @Test
    void otherPathsAndMethodsAreRefused() throws Exception {
        for (String path : new String[] {"/", "/metrics/", "/metricsx", "/m", "//metrics"}) {
            assertThat(ask("GET", path).statusCode()).as(path).isEqualTo(404);
        }
        HttpResponse<String> post = ask("POST", "/metrics");
        assertThat(post.statusCode()).isEqualTo(405);
        assertThat(post.headers().firstValue("allow")).contains("GET, HEAD");
        assertThat(looks).isZero();
    }

    @Test
    void aPageThatCannotBeMadeIsAnErrorAndTheNextIsFine() throws Exception {
        broken = true;
        assertThat(ask("GET", "/metrics").statusCode()).isEqualTo(500);
        broken = false;
        assertThat(ask("GET", "/metrics").body()).isEqualTo("looks 1\n");
    }

    @Test
    void oneWhoSaysNothingHoldsUpNobody() throws Exception {
        try (Socket silent = new Socket(
                        InetAddress.getLoopbackAddress(), endpoint.address().getPort());
                Socket halfway = new Socket(
                        InetAddress.getLoopbackAddress(), endpoint.address().getPort())) {
            halfway.getOutputStream().write("GET /met".getBytes(StandardCharsets.US_ASCII));
            assertThat(ask("GET", "/metrics").statusCode()).isEqualTo(200);
            assertThat(silent.isConnected()).isTrue();
        }
    }

    @Test
    void itMovesAndEnds() throws Exception {
        InetSocketAddress before = endpoint.address();
        endpoint.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        assertThat(endpoint.address()).isNotEqualTo(before);
        assertThat(ask("GET", "/metrics").statusCode()).isEqualTo(200);
        endpoint.listen(before);
        assertThat(endpoint.address()).isEqualTo(before);
        endpoint.listen(null);
        assertThat(endpoint.address()).isNull();
        assertThatThrownBy(() -> new Socket(before.getAddress(), before.getPort()).close())
                .isInstanceOf(IOException.class);
    }

    @Test
    void aPlaceThatIsTakenIsAnErrorAndLeavesItNowhere() throws Exception {
        try (MetricsEndpoint other = new MetricsEndpoint(() -> "")) {
            other.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            assertThatThrownBy(() -> endpoint.listen(other.address()))
                    .isInstanceOf(IOException.class)
                    .hasMessage("Address already in use");
            assertThat(endpoint.address()).isNull();
        }
    }
}
