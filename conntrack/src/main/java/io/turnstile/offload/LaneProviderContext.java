package io.turnstile.offload;

import io.turnstile.offload.spi.Counter;
import io.turnstile.offload.spi.Gauge;
import io.turnstile.offload.spi.ProviderContext;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The dispatcher's side of {@link ProviderContext}, one for each {@code init}. What comes about connections after the
 * session has ended has no effect; the log and the numbers are there at any time.
 *
 * <p>Threads: any.
 */
final class LaneProviderContext implements ProviderContext {
    private final Lane lane;
    private final int threads;
    private final System.Logger logger;
    /** Null before the session begins and after it has ended. */
    private volatile @Nullable OffloadSession session;

    private volatile boolean isClosed;

    LaneProviderContext(Lane lane, int threads) {
        this.lane = lane;
        this.threads = threads;
        logger = new ProviderLogger(lane.name());
    }

    void begin(OffloadSession begun) {
        session = begun;
    }

    void end() {
        session = null;
    }

    /** The provider is closed, or did not come up: its ports are filtered no more. */
    void close() {
        isClosed = true;
        lane.context.filters().stopAll(this);
    }

    @Override
    public long wallMs() {
        return lane.context.clock().wallMs();
    }

    @Override
    public int threads() {
        return threads;
    }

    @Override
    public void used(long connectionId, long epochMs, long packets, long bytes) {
        OffloadSession present = session;
        if (present != null) {
            present.onUsed(connectionId, epochMs, packets, bytes);
        }
    }

    @Override
    public void lost(long connectionId, String reason) {
        OffloadSession present = session;
        if (present != null) {
            present.onLost(connectionId, reason);
        }
    }

    @Override
    public void pathUsed(long pathId, long epochMs, long packets, long bytes) {
        OffloadSession present = session;
        if (present != null) {
            lane.context.paths().onUsed(present, pathId, epochMs, packets, bytes);
        }
    }

    @Override
    public void pathLost(long pathId, String reason) {
        OffloadSession present = session;
        if (present != null) {
            lane.context.paths().onLost(present, pathId, reason);
        }
    }

    @Override
    public @Nullable String filterReceived(long portId, int programFd) {
        return isClosed
                ? "the provider is closed"
                : lane.context.filters().filter(this, lane.name(), portId, programFd);
    }

    @Override
    public void stopFiltering(long portId) {
        lane.context.filters().stop(this, portId);
    }

    @Override
    public Map<String, String> portOptions(long portId) {
        return lane.context.filters().options(portId);
    }

    @Override
    public void room() {
        OffloadSession present = session;
        if (present != null) {
            present.waiting.room();
            lane.context.paths().room();
        }
    }

    @Override
    public Map<String, String> settings() {
        return lane.settings();
    }

    @Override
    public System.Logger logger() {
        return logger;
    }

    @Override
    public Counter counter(String name, String description) {
        return lane.numbers.counter(name, description);
    }

    @Override
    public Gauge gauge(String name, String description) {
        return lane.numbers.gauge(name, description);
    }
}
