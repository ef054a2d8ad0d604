package io.turnstile.telemetry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.offload.OffloadDispatcher;
import io.turnstile.offload.PortDirectory;
import io.turnstile.offload.provider.dummy.DummyProvider;
import io.turnstile.packet.Frames;
import io.turnstile.packet.PacketBatch;
import io.turnstile.telemetry.OffloadMonitor.From;
import io.turnstile.telemetry.OffloadMonitor.Request;
import io.turnstile.time.ManualClock;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class OffloadMonitorTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final long LONG_MS = 15_000;
    private static final From OLDEST = new From.Oldest();
    private static final From NOW = new From.Now();

    private final ManualClock clock = new ManualClock(0, 1_700_000_000_000L);
    private final ConnectionTracker tracker = new ConnectionTracker(clock, 1000);
    private final OffloadDispatcher dispatcher =
            OffloadDispatcher.drainedByCaller(tracker, clock, PortDirectory.named(port -> "p" + port));
    private OffloadMonitor monitor = new OffloadMonitor(dispatcher, clock, 64, TimeUnit.MINUTES.toNanos(1));

    @AfterEach
    void close() {
        monitor.close();
        dispatcher.close();
    }

    private void turnOn() {
        DummyProvider alpha = new DummyProvider("alpha", 200, 10);
        alpha.flushAtOnce(false); // a flush that is done would be an event of its own
        dispatcher.enable(List.of(alpha));
    }

    private void commit(int port) {
        PacketBatch batch = new PacketBatch();
        batch.add(Frames.udp("10.0.0.1:" + port + " > 10.0.0.2:53").packet());
        tracker.track(batch, CtRequest.commit(0), clock.nowNs());
        dispatcher.drain();
    }

    private CompletableFuture<String> read(From from, int limit, long waitMs) {
        return monitor.read(new Request(from, limit, waitMs)).thenApply(MonitorReading::text);
    }

    /** Every line is JSON; briefly what it says. */
    private static List<String> brief(String text) throws Exception {
        List<String> brief = new ArrayList<>();
        for (String line : text.lines().toList()) {
            JsonNode json = JSON.readTree(line);
            brief.add(
                    json.has("seq")
                            ? json.path("seq").asText() + " "
                                    + json.path("event").asText() + " "
                                    + json.path("provider").asText() + " "
                                    + json.path("state").asText()
                                    + json.path("result").asText()
                            : line);
        }
        return brief.stream().map(String::strip).toList();
    }

    @Test
    void theFirstLookBeginsToWatch() throws Exception {
        turnOn();
        assertThat(monitor.isListening()).isFalse();
        commit(1);
        assertThat(brief(read(OLDEST, 10, 0).get()))
                .containsExactly("1 watching", "2 provider alpha ready", "{\"next\":2,\"dropped\":0}");
        commit(2);
        assertThat(brief(read(new From.After(2), 10, 0).get()))
                .containsExactly("3 query alpha accepted", "4 add alpha ok", "{\"next\":4,\"dropped\":0}");
        assertThat(brief(read(new From.After(4), 10, 0).get())).containsExactly("{\"next\":4,\"dropped\":0}");
        assertThat(brief(read(OLDEST, 1, 0).get())).containsExactly("1 watching", "{\"next\":1,\"dropped\":0}");
    }

    @Test
    void whoWaitsGetsTheFirstEventAndHoldsUpNobody() throws Exception {
        turnOn();
        read(OLDEST, 10, 0).get();
        CompletableFuture<String> first = read(NOW, 10, LONG_MS);
        CompletableFuture<String> second = read(new From.After(2), 10, LONG_MS);
        assertThat(brief(read(NOW, 10, 0).get())).containsExactly("{\"next\":2,\"dropped\":0}");
        assertThat(first).isNotDone();
        commit(1);
        assertThat(brief(first.get())).startsWith("3 query alpha accepted");
        assertThat(second.get()).isEqualTo(first.get());
    }

    @Test
    void whoWaitedInVainGetsNothing() throws Exception {
        read(OLDEST, 10, 0).get();
        assertThat(read(NOW, 10, 30).get()).isEqualTo("{\"next\":1,\"dropped\":0}\n");
    }

    @Test
    void aProviderThatComesInAnotherStateIsALine() throws Exception {
        read(OLDEST, 10, 0).get();
        CompletableFuture<String> waiting = read(NOW, 10, LONG_MS);
        turnOn();
        assertThat(brief(waiting.get())).containsExactly("2 provider alpha ready", "{\"next\":2,\"dropped\":0}");
        dispatcher.disable();
        assertThat(brief(read(new From.After(2), 10, 0).get()))
                .as("after what it was told when it left")
                .anyMatch(line -> line.endsWith(" provider alpha closed"));
    }

    @Test
    void linesThatWereOverwrittenAreToldOf() throws Exception {
        turnOn();
        read(OLDEST, 10, 0).get();
        for (int port = 1; port <= 50; port++) {
            commit(port);
        }
        assertThat(brief(read(new From.After(2), 1, 0).get()))
                .containsExactly("{\"dropped\":36}", "39 query alpha accepted", "{\"next\":39,\"dropped\":36}");
    }

    @Test
    void nobodyAskingEndsTheWatch() throws Exception {
        turnOn();
        monitor.close();
        monitor = new OffloadMonitor(dispatcher, clock, 64, 0);
        read(OLDEST, 10, 0).get();
        while (monitor.isListening()) {
            Thread.onSpinWait();
        }
        commit(1);
        assertThat(brief(read(new From.After(1), 10, 0).get()))
                .containsExactly(
                        "{\"dropped\":1}", "3 watching", "4 provider alpha ready", "{\"next\":4,\"dropped\":1}");
    }

    @Test
    void theEndIsToldToThoseWhoWait() throws Exception {
        read(OLDEST, 10, 0).get();
        CompletableFuture<String> waiting = read(NOW, 10, LONG_MS);
        monitor.close();
        assertThatThrownBy(waiting::get)
                .isInstanceOf(ExecutionException.class)
                .hasMessageContaining("the switch is ending");
        assertThatThrownBy(read(OLDEST, 10, 0)::get).hasMessageContaining("the switch is ending");
        turnOn();
        commit(1);
    }

    @Test
    void aReaderWhoLeftIsForgotten() throws Exception {
        turnOn();
        read(OLDEST, 10, 0).get();
        CompletableFuture<MonitorReading> left = monitor.read(new Request(NOW, 10, LONG_MS));
        left.cancel(false);
        commit(1);
        assertThat(brief(read(new From.After(2), 10, 0).get())).hasSize(3);
    }
}
