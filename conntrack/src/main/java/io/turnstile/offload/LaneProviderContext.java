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
    public void room() {
        OffloadSession present = session;
        if (present != null) {
            present.waiting.room();
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
