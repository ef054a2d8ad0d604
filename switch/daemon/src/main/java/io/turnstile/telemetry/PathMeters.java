package io.turnstile.telemetry;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.turnstile.offload.PathGate;
import java.util.HashSet;
import java.util.Set;
import java.util.function.ToDoubleFunction;

/**
 * What is carried, and why not: meters named {@code turnstile.offload.paths…}. What each provider was asked is in its
 * lane's operations.
 *
 * <p>Threads: one at a time.
 */
final class PathMeters {
    private static final String PREFIX = "turnstile.offload.paths";

    private final MeterRegistry registry;
    private final PathGate paths;
    private final Set<String> reasons = new HashSet<>();

    PathMeters(MeterRegistry registry, PathGate paths) {
        this.registry = registry;
        this.paths = paths;
        Gauge.builder(PREFIX, paths, book -> book.totals().carried())
                .description("directions of connections that a provider carries")
                .strongReference(true)
                .register(registry);
        counter("offered", "paths that were offered to providers", Tags.empty(), PathGate::offered);
        counter(
                "carried.packets",
                "packets that were carried",
                Tags.empty(),
                book -> book.totals().packets());
        counter(
                "carried.bytes",
                "bytes of those packets",
                Tags.empty(),
                book -> book.totals().bytes());
    }

    private void counter(String name, String description, Tags tags, ToDoubleFunction<PathGate> count) {
        FunctionCounter.builder(PREFIX + "." + name, paths, count)
                .description(description)
                .tags(tags)
                .register(registry);
    }

    /** Follows the reasons for which directions got no path. */
    void refresh() {
        for (String reason : paths.refusals().keySet()) {
            if (reasons.add(reason)) {
                counter(
                        "refused",
                        "walks that no path was made of",
                        Tags.of("reason", reason),
                        book -> book.refusals().getOrDefault(reason, 0L));
            }
        }
    }
}
