package io.turnstile.offload;

import io.turnstile.conntrack.Conntrack;
import io.turnstile.time.Clock;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import org.slf4j.Logger;

/**
 * What all lanes of a dispatcher share.
 *
 * <p>Threads: any.
 */
final class DispatcherContext {
    private final Conntrack tracker;
    private final Clock clock;
    private final PortDirectory ports;
    private final boolean threaded;
    private final HoldCounts holds;
    private final EventTaps taps = new EventTaps();
    private final CauseLog causes;
    private final LastUse lastUse;
    private final CarriedPaths paths;
    private final PortFilters filters;
    private final LaneMetrics.Factory metrics;
    private volatile OfferPolicy rules = OfferPolicy.NONE;
    private final Map<String, ProviderNumbers> numbers = new ConcurrentHashMap<>();
    private volatile Map<String, String> settings = Map.of();

    /** @param threaded lanes have threads of their own; else they are driven by who drains */
    DispatcherContext(
            Conntrack tracker,
            Clock clock,
            PortDirectory ports,
            boolean threaded,
            LaneMetrics.Factory metrics,
            Logger log) {
        this.tracker = tracker;
        this.clock = clock;
        this.ports = ports;
        this.threaded = threaded;
        this.metrics = metrics;
        holds = new HoldCounts(tracker);
        causes = new CauseLog(log);
        lastUse = new LastUse(clock);
        paths = new CarriedPaths(this);
        filters = new PortFilters(ports);
    }

    Conntrack tracker() {
        return tracker;
    }

    Clock clock() {
        return clock;
    }

    /** How long providers take is measured in real time, unless nothing moves but by who drains. */
    LongSupplier stopwatchNs() {
        return threaded ? System::nanoTime : clock::nowNs;
    }

    boolean isThreaded() {
        return threaded;
    }

    PortDirectory ports() {
        return ports;
    }

    HoldCounts holds() {
        return holds;
    }

    EventTaps taps() {
        return taps;
    }

    CauseLog causes() {
        return causes;
    }

    LastUse lastUse() {
        return lastUse;
    }

    CarriedPaths paths() {
        return paths;
    }

    PortFilters filters() {
        return filters;
    }

    LaneMetrics.Factory metrics() {
        return metrics;
    }

    OfferPolicy offerPolicy() {
        return rules;
    }

    void setOfferPolicy(OfferPolicy changed) {
        rules = changed;
    }

    /** What the provider of this name counts for itself; the same whenever it comes back. */
    ProviderNumbers numbersOf(String provider, LaneMetrics shownBy) {
        return numbers.computeIfAbsent(provider, name -> new ProviderNumbers(shownBy));
    }

    /** The database's {@code other_config}, of which each provider has a part. */
    Map<String, String> settings() {
        return settings;
    }

    void setSettings(Map<String, String> changed) {
        settings = changed;
    }
}
