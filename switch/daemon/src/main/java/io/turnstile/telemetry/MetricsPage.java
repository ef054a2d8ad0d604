package io.turnstile.telemetry;

import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import org.jspecify.annotations.Nullable;

/**
 * The text of {@code /metrics}. Meters other than offload's are made with the first look: a daemon that nobody looks at
 * has none.
 *
 * <p>Threads: any.
 */
public final class MetricsPage implements AutoCloseable {
    private final PrometheusMeterRegistry registry;
    private final SwitchMeters meters;
    private @Nullable JvmGcMetrics collections; // null: nobody has looked yet; guarded by this

    public MetricsPage(PrometheusMeterRegistry registry, SwitchMeters meters) {
        this.registry = registry;
        this.meters = meters;
    }

    public synchronized String text() {
        if (collections == null) {
            meters.bindTo(registry);
            new JvmMemoryMetrics().bindTo(registry);
            new JvmThreadMetrics().bindTo(registry);
            new UptimeMetrics().bindTo(registry);
            collections = new JvmGcMetrics();
            collections.bindTo(registry);
        }
        meters.refresh();
        return registry.scrape();
    }

    /** Stops listening to the garbage collectors. */
    @Override
    public synchronized void close() {
        if (collections != null) {
            collections.close();
        }
        registry.close();
    }
}
