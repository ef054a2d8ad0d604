package io.turnstile.offload;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.distribution.HistogramSnapshot;
import io.turnstile.offload.ProviderCaller.Outcome;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;

/**
 * What is counted about one provider, over all of its spans. Meters are named {@code turnstile.offload.…} and tagged
 * with the provider's name; one that comes back under the same name goes on counting.
 *
 * <p>Threads: any.
 */
final class LaneMetrics {
    private static final String PREFIX = "turnstile.offload.";
    private static final double[] PERCENTILES = {0.5, 0.99};
    private static final Duration SHORTEST = Duration.ofNanos(1_000);
    private static final Duration LONGEST = Duration.ofSeconds(10);

    private final Counter[][] operations = new Counter[OffloadEvent.Kind.values().length][Outcome.values().length];
    private final Counter queueFull;
    private final Counter neverAnnounced;
    private final Counter givenUp;
    private final DistributionSummary batchLength;
    private final Timer calls;
    private final Timer waits;

    LaneMetrics(MeterRegistry registry, String provider) {
        for (OffloadEvent.Kind kind : OffloadEvent.Kind.values()) {
            for (Outcome outcome : Outcome.values()) {
                operations[kind.ordinal()][outcome.ordinal()] = Counter.builder(PREFIX + "operations")
                        .description("operations that the provider was given")
                        .tag("provider", provider)
                        .tag("operation", kind.toString())
                        .tag("result", outcome.toString().replace(' ', '_'))
                        .register(registry);
            }
        }
        queueFull = counter(
                registry, provider, "refused.queue.full", "connections that were refused because too many waited");
        neverAnnounced =
                counter(registry, provider, "never.announced", "connections that left before the provider was told");
        givenUp = counter(registry, provider, "given.up", "calls that did not return and were given up");
        batchLength = DistributionSummary.builder(PREFIX + "batch.length")
                .description("operations in a call")
                .tag("provider", provider)
                .publishPercentiles(PERCENTILES)
                .publishPercentileHistogram()
                .minimumExpectedValue(1.0)
                .maximumExpectedValue((double) Shard.BATCH_LENGTH)
                .register(registry);
        calls = timer(registry, provider, "call", "how long the provider's calls took");
        waits = timer(registry, provider, "wait", "how long the first connection of a batch had waited");
    }

    private static Counter counter(MeterRegistry registry, String provider, String name, String description) {
        return Counter.builder(PREFIX + name)
                .description(description)
                .tag("provider", provider)
                .register(registry);
    }

    private static Timer timer(MeterRegistry registry, String provider, String name, String description) {
        return Timer.builder(PREFIX + name)
                .description(description)
                .tag("provider", provider)
                .publishPercentiles(PERCENTILES)
                .publishPercentileHistogram()
                .minimumExpectedValue(SHORTEST)
                .maximumExpectedValue(LONGEST)
                .register(registry);
    }

    /** Values that are read when somebody asks; those of a former lane of the same name give way. */
    static void gauge(
            MeterRegistry registry,
            String provider,
            String name,
            String description,
            Lane lane,
            ToDoubleFunction<Lane> value) {
        Gauge former = registry.find(PREFIX + name).tag("provider", provider).gauge();
        if (former != null) {
            registry.remove(former);
        }
        Gauge.builder(PREFIX + name, lane, value)
                .description(description)
                .tag("provider", provider)
                .register(registry);
    }

    void operation(OffloadEvent.Kind kind, Outcome outcome) {
        operations[kind.ordinal()][outcome.ordinal()].increment();
    }

    long count(OffloadEvent.Kind kind, Outcome outcome) {
        return (long) operations[kind.ordinal()][outcome.ordinal()].count();
    }

    void called(int batch, long durationNs) {
        batchLength.record(batch);
        calls.record(durationNs, TimeUnit.NANOSECONDS);
    }

    void waited(long durationNs) {
        waits.record(Math.max(0, durationNs), TimeUnit.NANOSECONDS);
    }

    void queueFull() {
        queueFull.increment();
    }

    void neverAnnounced() {
        neverAnnounced.increment();
    }

    void givenUp() {
        givenUp.increment();
    }

    long queueFullCount() {
        return (long) queueFull.count();
    }

    long neverAnnouncedCount() {
        return (long) neverAnnounced.count();
    }

    long givenUpCount() {
        return (long) givenUp.count();
    }

    long callCount() {
        return calls.count();
    }

    /** {@code p50 1, p99 64, max 64}. */
    String batchLengths() {
        HistogramSnapshot s = batchLength.takeSnapshot();
        return String.format(Locale.ROOT, "p50 %.0f, p99 %.0f, max %.0f", percentile(s, 0), percentile(s, 1), s.max());
    }

    /** {@code p50 0.010 ms, p99 0.400 ms, max 1.000 ms}, of the last minutes. */
    String callTimes() {
        return times(calls.takeSnapshot());
    }

    String waitTimes() {
        return times(waits.takeSnapshot());
    }

    private static String times(HistogramSnapshot s) {
        return "p50 " + ms(percentile(s, 0)) + ", p99 " + ms(percentile(s, 1)) + ", max " + ms(s.max());
    }

    private static String ms(double ns) {
        return TimeText.ms(ns / 1e6);
    }

    private static double percentile(HistogramSnapshot snapshot, int index) {
        return snapshot.percentileValues()[index].value();
    }
}
