package io.turnstile.telemetry;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.distribution.HistogramSnapshot;
import io.turnstile.offload.LaneMetrics;
import io.turnstile.offload.LaneReadings;
import io.turnstile.offload.OffloadDispatcher;
import io.turnstile.offload.OffloadEvent;
import io.turnstile.offload.OperationOutcome;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.DoubleSupplier;
import java.util.function.ToDoubleFunction;

/**
 * The recorder keeps what a lane does in meters named {@code turnstile.offload.…}, tagged with the provider's name.
 * Distributions are those of the last minutes.
 *
 * <p>Threads: any.
 */
public final class MicrometerLaneMetrics implements LaneMetrics {
    private static final String PREFIX = "turnstile.offload.";
    private static final double[] PERCENTILES = {0.5, 0.99};
    private static final Duration SHORTEST = Duration.ofNanos(1_000);
    private static final Duration LONGEST = Duration.ofSeconds(10);

    private final Counter[][] operations =
            new Counter[OffloadEvent.Kind.values().length][OperationOutcome.values().length];
    private final Counter queueFull;
    private final Counter neverAnnounced;
    private final Counter givenUp;
    private final DistributionSummary batchLength;
    private final Timer calls;
    private final Timer waits;

    private final Counter carriedPackets;
    private final Counter carriedBytes;
    private final MeterRegistry registry;
    private final String provider;
    private final OwnNumberNames ownNames;

    private MicrometerLaneMetrics(MeterRegistry registry, String provider, OwnNumberNames ownNames) {
        this.ownNames = ownNames;
        this.registry = registry;
        this.provider = provider;
        carriedPackets =
                counter(registry, provider, "carried.packets", "packets that the provider says it has carried");
        carriedBytes = counter(registry, provider, "carried.bytes", "bytes of those packets");
        for (OffloadEvent.Kind kind : OffloadEvent.Kind.values()) {
            for (OperationOutcome outcome : OperationOutcome.values()) {
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
                .maximumExpectedValue((double) OffloadDispatcher.MAX_BATCH_LENGTH)
                .register(registry);
        calls = timer(registry, provider, "call", "how long the provider's calls took");
        waits = timer(registry, provider, "wait", "how long the first connection of a batch had waited");
    }

    /** Returns a factory of meters in that registry. */
    public static Factory factory(MeterRegistry registry) {
        OwnNumberNames ownNames = new OwnNumberNames();
        return (provider, lane) -> {
            MicrometerLaneMetrics metrics = new MicrometerLaneMetrics(registry, provider, ownNames);
            gauge(registry, provider, "queue.depth", "connections that wait", lane, LaneReadings::queueDepth);
            gauge(
                    registry,
                    provider,
                    "queue.age.seconds",
                    "how long the first of them has waited",
                    lane,
                    one -> one.oldestWaitNs() / 1e9);
            gauge(
                    registry,
                    provider,
                    "connections.held",
                    "connections that the provider holds",
                    lane,
                    LaneReadings::heldConnections);
            gauge(
                    registry,
                    provider,
                    "breaker.open",
                    "1 while the provider is left alone",
                    lane,
                    one -> one.isBreakerOpen() ? 1 : 0);
            return metrics;
        };
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

    /** Registers a value that is read when somebody asks; that of a former lane of the same name gives way. */
    private static void gauge(
            MeterRegistry registry,
            String provider,
            String name,
            String description,
            LaneReadings lane,
            ToDoubleFunction<LaneReadings> value) {
        Gauge former = registry.find(PREFIX + name).tag("provider", provider).gauge();
        if (former != null) {
            registry.remove(former);
        }
        Gauge.builder(PREFIX + name, lane, value)
                .description(description)
                .tag("provider", provider)
                .register(registry);
    }

    @Override
    public void operation(OffloadEvent.Kind kind, OperationOutcome outcome) {
        operations[kind.ordinal()][outcome.ordinal()].increment();
    }

    @Override
    public void called(int length, long durationNs) {
        batchLength.record(length);
        calls.record(durationNs, TimeUnit.NANOSECONDS);
    }

    @Override
    public void waited(long durationNs) {
        waits.record(Math.max(0, durationNs), TimeUnit.NANOSECONDS);
    }

    @Override
    public void queueFull() {
        queueFull.increment();
    }

    @Override
    public void neverAnnounced() {
        neverAnnounced.increment();
    }

    @Override
    public void givenUp() {
        givenUp.increment();
    }

    @Override
    public void carried(long packets, long bytes) {
        carriedPackets.increment((double) Math.max(0, packets));
        carriedBytes.increment((double) Math.max(0, bytes));
    }

    @Override
    public void ownNumber(String name, String description, boolean isCounter, DoubleSupplier value) {
        String meter = PREFIX + "provider." + ownNames.of(name, isCounter);
        if (isCounter) {
            FunctionCounter.builder(meter, value, DoubleSupplier::getAsDouble)
                    .description(description)
                    .tag("provider", provider)
                    .register(registry);
        } else {
            Gauge.builder(meter, value, DoubleSupplier::getAsDouble)
                    .description(description)
                    .tag("provider", provider)
                    .strongReference(true)
                    .register(registry);
        }
    }

    @Override
    public long carriedPackets() {
        return (long) carriedPackets.count();
    }

    @Override
    public long carriedBytes() {
        return (long) carriedBytes.count();
    }

    @Override
    public long count(OffloadEvent.Kind kind, OperationOutcome outcome) {
        return (long) operations[kind.ordinal()][outcome.ordinal()].count();
    }

    @Override
    public long queueFullCount() {
        return (long) queueFull.count();
    }

    @Override
    public long neverAnnouncedCount() {
        return (long) neverAnnounced.count();
    }

    @Override
    public long givenUpCount() {
        return (long) givenUp.count();
    }

    @Override
    public long callCount() {
        return calls.count();
    }

    @Override
    public Distribution batchLengths() {
        return distribution(batchLength.takeSnapshot());
    }

    @Override
    public Distribution callTimesNs() {
        return distribution(calls.takeSnapshot());
    }

    @Override
    public Distribution waitTimesNs() {
        return distribution(waits.takeSnapshot());
    }

    private static Distribution distribution(HistogramSnapshot snapshot) {
        return new Distribution(
                snapshot.percentileValues()[0].value(), snapshot.percentileValues()[1].value(), snapshot.max());
    }
}
