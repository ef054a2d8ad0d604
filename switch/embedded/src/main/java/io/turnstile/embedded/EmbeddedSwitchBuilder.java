package io.turnstile.embedded;

import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.conntrack.Conntrack;
import io.turnstile.offload.ProviderRegistry;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.pipeline.BridgePipeline.FailMode;
import io.turnstile.time.Clock;
import io.turnstile.time.ManualClock;
import java.util.List;
import java.util.function.Function;

/** How an {@link EmbeddedSwitch} is to be. Threads: one at a time. */
public final class EmbeddedSwitchBuilder {
    private String bridgeName = "br0";
    private List<Integer> ports = List.of();
    private ManualClock clock = new ManualClock(0, 0);
    private ProviderRegistry providers;
    private FailMode failMode = FailMode.STANDALONE;
    private int maxConnections = 100_000;
    private Function<Clock, Conntrack> tracker = ownClock -> new ConnectionTracker(ownClock, maxConnections);

    EmbeddedSwitchBuilder() {}

    /** {@code br0} unless said otherwise; also the name of the LOCAL port. */
    public EmbeddedSwitchBuilder bridgeName(String name) {
        bridgeName = name;
        return this;
    }

    /** Ports that are there from the start, so that flooding reaches them; others come when they are first named. */
    public EmbeddedSwitchBuilder ports(Integer... numbers) {
        ports = List.of(numbers);
        return this;
    }

    /** Where time begins; both readings are 0 unless said otherwise. */
    public EmbeddedSwitchBuilder clockOrigin(long originNs, long originWallMs) {
        clock = new ManualClock(originNs, originWallMs);
        return this;
    }

    /**
     * Offload providers to use instead of those that {@link java.util.ServiceLoader} finds; asked in the order of their
     * {@link OffloadProvider#priority()}, higher first, equal ones by name.
     */
    public EmbeddedSwitchBuilder providers(OffloadProvider... providers) {
        this.providers = ProviderRegistry.of(List.of(providers));
        return this;
    }

    /** A secure switch begins without any flow; a standalone one (as from {@code ovs-vsctl add-br}) with NORMAL. */
    public EmbeddedSwitchBuilder failMode(FailMode mode) {
        failMode = mode;
        return this;
    }

    /** How many connections the tracker holds. */
    public EmbeddedSwitchBuilder maxConnections(int connections) {
        maxConnections = connections;
        return this;
    }

    /** Another tracker than the switch's own. */
    EmbeddedSwitchBuilder tracker(Function<Clock, Conntrack> tracker) {
        this.tracker = tracker;
        return this;
    }

    public EmbeddedSwitch start() {
        if (providers == null) {
            providers = ProviderRegistry.discover(EmbeddedSwitch.class.getClassLoader(), null);
        }
        return new EmbeddedSwitch(this, tracker.apply(clock));
    }

    String bridgeName() {
        return bridgeName;
    }

    List<Integer> ports() {
        return ports;
    }

    ManualClock clock() {
        return clock;
    }

    ProviderRegistry providers() {
        return providers;
    }

    FailMode failMode() {
        return failMode;
    }

    int maxConnections() {
        return maxConnections;
    }
}
