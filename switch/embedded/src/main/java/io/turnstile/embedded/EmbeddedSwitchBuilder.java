package io.turnstile.embedded;

import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.conntrack.Conntrack;
import io.turnstile.offload.ProviderRegistry;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.pipeline.BridgePipeline.FailMode;
import io.turnstile.time.Clock;
import io.turnstile.time.ManualClock;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** How an {@link EmbeddedSwitch} is to be. Threads: one at a time. */
public final class EmbeddedSwitchBuilder {
    private String bridgeName = "br0";
    private List<Integer> ports = List.of();
    private ManualClock clock = new ManualClock();
    private boolean missingPortsAllowed;
    /** Null: those that {@link java.util.ServiceLoader} finds. */
    private @Nullable ProviderRegistry providers;

    private FailMode failMode = FailMode.STANDALONE;
    private int maxConnections = 100_000;
    private Function<Clock, Conntrack> tracker = ownClock -> new ConnectionTracker(ownClock, maxConnections);

    EmbeddedSwitchBuilder() {}

    /** The main bridge's name, also of its LOCAL port: {@code br0} unless said otherwise. */
    public EmbeddedSwitchBuilder bridgeName(String name) {
        bridgeName = name;
        return this;
    }

    /** The main bridge's ports, 1 to 65279; more can be made later by {@link EmbeddedSwitch#addPort}. */
    public EmbeddedSwitchBuilder ports(Integer... numbers) {
        ports = List.of(numbers);
        return this;
    }

    /**
     * A packet that is to leave by a port that nobody made is dropped, as OpenFlow allows; unless this is said, it is
     * an error ({@link EmbeddedSwitch}).
     */
    public EmbeddedSwitchBuilder allowMissingPorts() {
        missingPortsAllowed = true;
        return this;
    }

    /**
     * Where time begins; unless said otherwise the monotonic clock at 0, the wall clock at
     * {@link ManualClock#START_WALL_MS}.
     *
     * @param originWallMs ms since the epoch; not 0, which means "unknown" to providers
     */
    public EmbeddedSwitchBuilder clockOrigin(long originNs, long originWallMs) {
        if (originWallMs <= 0) {
            throw new IllegalArgumentException("the wall clock begins after the epoch, not at " + originWallMs);
        }
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
        return Objects.requireNonNull(providers, "start() finds them if none were given");
    }

    boolean missingPortsAllowed() {
        return missingPortsAllowed;
    }

    FailMode failMode() {
        return failMode;
    }

    int maxConnections() {
        return maxConnections;
    }
}
