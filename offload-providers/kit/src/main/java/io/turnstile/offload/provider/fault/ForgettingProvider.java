package io.turnstile.offload.provider.fault;

import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.Verdict;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The provider answers everything properly, but forgets every n-th connection: to take it in the first place, or to let
 * go of it. A flush and {@code close} are not forgotten.
 *
 * <p>What {@link #held} tells is the truth about the device; what the caller was told differs from it.
 */
public final class ForgettingProvider extends HoldingProvider {

    /** What is forgotten. */
    public enum Lapse {
        /** Adds: the connection is said to be taken and is not; its {@code connDel} has nothing to do. */
        TAKING,
        /** Deletes: the connection is held for ever. */
        LETTING_GO
    }

    private final Lapse lapse;
    private final int every;
    private final AtomicLong turn = new AtomicLong();

    /** Forgets every {@code every}-th; 1: each. */
    public ForgettingProvider(String name, Lapse lapse, int every) {
        super(name);
        if (every < 1) {
            throw new IllegalArgumentException("every " + every);
        }
        this.lapse = lapse;
        this.every = every;
    }

    private boolean forgets(Lapse now) {
        return now == lapse && turn.incrementAndGet() % every == 0;
    }

    @Override
    public Verdict connAdd(ConnView connection) {
        meet(Callback.ADD);
        if (!forgets(Lapse.TAKING)) {
            hold(connection);
        }
        return Verdict.accept();
    }

    @Override
    public void connDel(ConnView connection, DelReason reason) {
        meet(Callback.DEL);
        if (forgets(Lapse.LETTING_GO)) {
            return;
        }
        if (!letGo(connection) && lapse != Lapse.TAKING) {
            throw new IllegalStateException("deleted without being held");
        }
    }
}
