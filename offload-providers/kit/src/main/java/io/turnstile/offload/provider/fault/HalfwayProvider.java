package io.turnstile.offload.provider.fault;

import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadResult;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The provider throws an {@link IllegalStateException} out of every n-th list of two or more operations, when it has
 * carried out the first half of it. Lists of one, and the single callbacks, are carried out as they should.
 */
public final class HalfwayProvider extends HoldingProvider {
    private final int every;
    private final AtomicLong turn = new AtomicLong();

    /** Breaks off every {@code every}-th list; 1: each. */
    public HalfwayProvider(String name, int every) {
        super(name);
        if (every < 1) {
            throw new IllegalArgumentException("every " + every);
        }
        this.every = every;
    }

    @Override
    protected List<OffloadResult> carryOut(List<OffloadOperation> operations) {
        if (operations.size() > 1 && turn.incrementAndGet() % every == 0) {
            int done = operations.size() / 2;
            super.carryOut(operations.subList(0, done));
            throw new IllegalStateException("broke off after " + done + " of " + operations.size());
        }
        return super.carryOut(operations);
    }
}
