package io.turnstile.offload.provider.fault;

import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.ProviderContext;
import java.time.Duration;
import java.util.function.ToLongFunction;

/** The provider does everything right, but says what it likes about when a connection was last used. */
public final class LyingProvider extends HoldingProvider {

    /** What it says. */
    public enum Lie {
        /** An hour from now. */
        FUTURE,
        /** The last moment that the number can say. */
        END_OF_TIME,
        /** One ms after the epoch. */
        FAR_PAST,
        /** The answer lies before the epoch. */
        NEGATIVE,
        /** The right moment in seconds where ms are asked for. */
        IN_SECONDS,
        /** The moment of init, whatever happens: believable, and never of any use. */
        FROZEN,
        /** This very moment, for ever: believable, and the connection never ends. */
        ALWAYS_NOW
    }

    private static final long MS_PER_S = 1000;
    private static final long HOUR_MS = Duration.ofHours(1).toMillis();

    private final ToLongFunction<ConnView> answer;
    private volatile long initMs;

    public LyingProvider(String name, Lie lie) {
        super(name);
        this.answer = connection -> tell(lie);
    }

    /** Says what {@code answer} says: ms since the epoch, 0 unknown; may be called on several threads at once. */
    public LyingProvider(String name, ToLongFunction<ConnView> answer) {
        super(name);
        this.answer = answer;
    }

    private long tell(Lie lie) {
        return switch (lie) {
            case FUTURE -> wallMs() + HOUR_MS;
            case END_OF_TIME -> Long.MAX_VALUE;
            case FAR_PAST -> 1;
            case NEGATIVE -> -1;
            case IN_SECONDS -> wallMs() / MS_PER_S;
            case FROZEN -> initMs;
            case ALWAYS_NOW -> wallMs();
        };
    }

    @Override
    public void init(ProviderContext context) throws Exception {
        super.init(context);
        initMs = wallMs();
    }

    @Override
    public long connUpdate(ConnView connection) {
        meet(Callback.UPDATE);
        return answer.applyAsLong(connection);
    }
}
