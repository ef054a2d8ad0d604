package io.turnstile.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.conntrack.InvalidReason;
import io.turnstile.datapath.Datapath;
import io.turnstile.datapath.DropReason;
import io.turnstile.offload.OffloadDispatcher;
import io.turnstile.offload.PathBook;
import io.turnstile.offload.PathGate;
import io.turnstile.offload.PortDirectory;
import io.turnstile.offload.conformance.IdleProvider;
import io.turnstile.offload.provider.dummy.DummyProvider;
import io.turnstile.offload.spi.Direction;
import io.turnstile.offload.spi.ProviderContext;
import io.turnstile.packet.Frames;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.port.DummyPort;
import io.turnstile.time.ManualClock;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Each value of the page against the counter it comes from, and each line against Prometheus' grammar. */
class MetricsPageTest {
    private static final Pattern COMMENT =
            Pattern.compile("# (HELP [a-zA-Z_:][a-zA-Z0-9_:]* .*|TYPE [a-zA-Z_:][a-zA-Z0-9_:]* "
                    + "(counter|gauge|histogram|summary|untyped))");
    private static final String LABEL = "[a-zA-Z_][a-zA-Z0-9_]*=\"(?:[^\"\\\\\\n]|\\\\[\\\\\"n])*\"";
    private static final Pattern SAMPLE = Pattern.compile("([a-zA-Z_:][a-zA-Z0-9_:]*(?:\\{" + LABEL + "(?:," + LABEL
            + ")*,?})?) (-?[0-9.]+(?:E-?[0-9]+)?|NaN|[+-]Inf)");

    private final ManualClock clock = new ManualClock(0, 0);
    private final ConnectionTracker tracker = new ConnectionTracker(clock, 3);
    private final Datapath datapath = new Datapath(tracker, clock);
    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final FakePaths book = new FakePaths();
    private final PathGate paths = new PathGate(book);
    private final LongAdder lost = new LongAdder();
    private final MetricsPage page = new MetricsPage(
            registry,
            new SwitchMeters(
                    tracker, datapath, paths, "1.2.3", List.of(new RareEvent("packet_in_queue_full", lost::sum))));

    @AfterEach
    void close() {
        page.close();
    }

    /** All samples, by name and labels as they stand there. */
    private Map<String, Double> read() {
        Map<String, Double> samples = new HashMap<>();
        for (String line : page.text().lines().toList()) {
            if (line.startsWith("#")) {
                assertThat(line).matches(COMMENT);
                continue;
            }
            Matcher sample = SAMPLE.matcher(line);
            assertThat(sample.matches()).as(line).isTrue();
            String value = sample.group(2).replace("Inf", "Infinity");
            assertThat(samples.put(sample.group(1), Double.valueOf(value)))
                    .as("twice: " + line)
                    .isNull();
        }
        return samples;
    }

    private void commit(int zone, int port) {
        PacketBatch batch = new PacketBatch();
        batch.add(Frames.udp("10.0.0.1:" + port + " > 10.0.0.2:53").packet());
        tracker.track(batch, CtRequest.commit(zone), clock.nowNs());
    }

    @Test
    void connectionsAndRefusalsAreCounted() {
        tracker.zoneLimits().set(7, 1);
        for (int port = 1; port <= 4; port++) {
            commit(0, port);
        }
        assertThat(read())
                .containsEntry("turnstile_connections", 3.0)
                .containsEntry("turnstile_connections_max", 3.0)
                .containsEntry("turnstile_connections_refused_total{reason=\"table_full\"}", 1.0)
                .containsEntry("turnstile_connections_refused_total{reason=\"zone_full\"}", 0.0);
        tracker.flush(null, clock.nowNs());
        assertThat(read())
                .containsEntry("turnstile_connections_removed_total{cause=\"flushed\"}", 3.0)
                .containsEntry("turnstile_connections_removed_total{cause=\"expired\"}", 0.0)
                .containsEntry("turnstile_connections_refused_total{reason=\"nat_exhausted\"}", 0.0);
        commit(7, 1);
        commit(7, 2);
        assertThat(read())
                .containsEntry("turnstile_connections", 1.0)
                .containsEntry("turnstile_zone_connections{zone=\"7\"}", 1.0)
                .containsEntry("turnstile_zone_connections_max{zone=\"7\"}", 1.0)
                .containsEntry("turnstile_connections_refused_total{reason=\"zone_full\"}", 1.0);
        tracker.zoneLimits().clear(7);
        assertThat(read())
                .doesNotContainKeys(
                        "turnstile_zone_connections{zone=\"7\"}", "turnstile_zone_connections_max{zone=\"7\"}");
    }

    @Test
    void whatIsCarriedAndWhyNotIsThere() {
        book.totals = new PathBook.Totals(3, 100, 6400);
        paths.refuse(1, Direction.REPLY, "more than one output", false);
        assertThat(read())
                .containsEntry("turnstile_offload_paths", 3.0)
                .containsEntry("turnstile_offload_paths_offered_total", 0.0)
                .containsEntry("turnstile_offload_paths_carried_packets_total", 100.0)
                .containsEntry("turnstile_offload_paths_carried_bytes_total", 6400.0)
                .containsEntry("turnstile_offload_paths_refused_total{reason=\"more than one output\"}", 1.0);
        paths.refuse(2, Direction.REPLY, "more than one output", false);
        paths.refuse(2, Direction.ORIGINAL, "controller", false);
        assertThat(read())
                .containsEntry("turnstile_offload_paths_refused_total{reason=\"more than one output\"}", 2.0)
                .containsEntry("turnstile_offload_paths_refused_total{reason=\"controller\"}", 1.0);
    }

    @Test
    void everyDropReasonAndTheLookupsAreThere() {
        Map<String, Double> samples = read();
        for (DropReason reason : DropReason.values()) {
            assertThat(samples)
                    .containsEntry("turnstile_packets_dropped_total{reason=\"" + reason.label() + "\"}", 0.0);
        }
        for (String result : List.of("hit", "missed", "lost")) {
            assertThat(samples).containsEntry("turnstile_datapath_lookups_total{result=\"" + result + "\"}", 0.0);
        }
        assertThat(samples)
                .containsKeys(
                        "turnstile_datapath_flows",
                        "turnstile_datapath_masks",
                        "turnstile_fragments_held",
                        "turnstile_fragments_total{ip=\"6\",result=\"beyond_limit\"}",
                        "process_uptime_seconds",
                        "turnstile_info{version=\"1.2.3\"}");
        assertThat(samples.keySet())
                .anyMatch(name -> name.startsWith("jvm_memory_used_bytes{area=\"heap\""))
                .anyMatch(name -> name.startsWith("jvm_gc_"));
    }

    @Test
    void everyReasonForInvalidAndWhatWasLostIsThere() {
        Map<String, Double> before = read();
        for (InvalidReason reason : InvalidReason.values()) {
            assertThat(before).containsEntry("turnstile_packets_invalid_total{reason=\"" + reason.label() + "\"}", 0.0);
        }
        assertThat(before).containsEntry("turnstile_events_lost_total{kind=\"packet_in_queue_full\"}", 0.0);
        PacketBatch batch = new PacketBatch();
        batch.add(Frames.udp("10.0.0.1:1 > 10.0.0.2:53").corruptChecksum().packet());
        tracker.track(batch, CtRequest.lookup(0), clock.nowNs());
        lost.add(3);
        assertThat(read())
                .containsEntry("turnstile_packets_invalid_total{reason=\"conntrack_l4csum_err\"}", 1.0)
                .containsEntry("turnstile_events_lost_total{kind=\"packet_in_queue_full\"}", 3.0);
    }

    @Test
    void offloadsGaugesShowTheProviderThatCameUpLast() {
        try (OffloadDispatcher dispatcher = new OffloadDispatcher(
                tracker, clock, PortDirectory.named(port -> "p" + port), MicrometerLaneMetrics.factory(registry))) {
            dispatcher.enable(List.of(new DummyProvider("alpha", 200, 10)));
            dispatcher.disable();
            dispatcher.enable(List.of(new DummyProvider("alpha", 200, 10)));
            commit(0, 1);
            dispatcher.drain();
            assertThat(read())
                    .containsEntry("turnstile_offload_connections_held{provider=\"alpha\"}", 1.0)
                    .containsEntry("turnstile_offload_queue_depth{provider=\"alpha\"}", 0.0)
                    .containsEntry("turnstile_offload_breaker_open{provider=\"alpha\"}", 0.0)
                    .containsEntry(
                            "turnstile_offload_operations_total{operation=\"add\",provider=\"alpha\",result=\"ok\"}",
                            1.0);
        }
    }

    /** Keeps what it was given at init. */
    private static final class Counting extends IdleProvider {
        private volatile @Nullable ProviderContext context;

        Counting(String name) {
            super(name);
        }

        @Override
        public void init(ProviderContext context) {
            this.context = context;
        }

        void count(String name, int count) {
            Objects.requireNonNull(context).counter(name, "a counter").add(count);
        }

        void stand(String name, double value) {
            Objects.requireNonNull(context).gauge(name, "a gauge").set(value);
        }
    }

    private static Map<String, Double> ofProviders(Map<String, Double> samples) {
        Map<String, Double> own = new TreeMap<>();
        samples.forEach((name, value) -> {
            if (name.startsWith("turnstile_offload_provider_")) {
                own.put(name.substring("turnstile_offload_provider_".length()), value);
            }
        });
        return own;
    }

    @Test
    void aProvidersOwnNumbersAreThereWhateverTheirNames() {
        try (OffloadDispatcher dispatcher = new OffloadDispatcher(
                tracker, clock, PortDirectory.named(port -> "p" + port), MicrometerLaneMetrics.factory(registry))) {
            Counting alpha = new Counting("alpha");
            Counting beta = new Counting("beta");
            dispatcher.enable(List.of(alpha, beta));
            alpha.count("x", 1);
            alpha.stand("x", 2);
            alpha.count("x_total", 3);
            alpha.stand("x_total", 4);
            alpha.stand("y_info", 5);
            alpha.count("y_created", 6);
            alpha.stand("y_count", 7);
            alpha.count("y_sum", 8);
            alpha.stand("y_max", 9);
            alpha.count("y_bucket", 10);
            alpha.stand("total", 11);
            alpha.count("a_b", 12);
            alpha.count("a__b", 13);
            alpha.count("a_b_", 14);
            beta.stand("a_b", 15);
            beta.count("x", 16);
            read();
            System.gc();
            alpha.count("x", 100);
            alpha.stand("x", 102);
            assertThat(ofProviders(read()))
                    .containsExactlyInAnyOrderEntriesOf(Map.ofEntries(
                            Map.entry("x_total{provider=\"alpha\"}", 101.0),
                            Map.entry("x_gauge{provider=\"alpha\"}", 102.0),
                            Map.entry("x_counter_total{provider=\"alpha\"}", 3.0),
                            Map.entry("x_total_gauge{provider=\"alpha\"}", 4.0),
                            Map.entry("y_info_gauge{provider=\"alpha\"}", 5.0),
                            Map.entry("y_created_counter_total{provider=\"alpha\"}", 6.0),
                            Map.entry("y_count{provider=\"alpha\"}", 7.0),
                            Map.entry("y_sum_total{provider=\"alpha\"}", 8.0),
                            Map.entry("y_max{provider=\"alpha\"}", 9.0),
                            Map.entry("y_bucket_counter_total{provider=\"alpha\"}", 10.0),
                            Map.entry("total_gauge{provider=\"alpha\"}", 11.0),
                            Map.entry("a_b_total{provider=\"alpha\"}", 12.0),
                            Map.entry("a__b_total{provider=\"alpha\"}", 13.0),
                            Map.entry("a_b__total{provider=\"alpha\"}", 14.0),
                            Map.entry("a_b_gauge{provider=\"beta\"}", 15.0),
                            Map.entry("x_total{provider=\"beta\"}", 16.0)));
        }
    }

    @Test
    void portsComeAndGoAndComeAnew() {
        DummyPort port = new DummyPort("p\"1", "dummy", Map.of(), clock::nowNs);
        int number = datapath.addPort(port, -1);
        String received = "turnstile_port_packets_total{direction=\"rx\",port=\"p\\\"1\"}";
        assertThat(read())
                .containsEntry(received, 0.0)
                .containsKey(received.replace("rx", "tx"))
                .containsKey(received.replace("packets", "bytes"));
        port.deliver(new byte[60]);
        Packet[] pool = new Packet[PacketBatch.CAPACITY];
        pool[0] = Frames.udp("10.0.0.1:1 > 10.0.0.2:2").packet();
        port.receive(pool, new PacketBatch());
        assertThat(read()).containsEntry(received, 1.0);
        datapath.removePort(number);
        assertThat(read()).doesNotContainKey(received);
        datapath.addPort(new DummyPort("p\"1", "dummy", Map.of(), clock::nowNs), -1);
        assertThat(read()).containsEntry(received, 0.0);
    }
}
