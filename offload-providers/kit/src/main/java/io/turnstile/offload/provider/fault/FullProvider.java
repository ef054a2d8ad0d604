package io.turnstile.offload.provider.fault;

import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.ProviderContext;
import io.turnstile.offload.spi.Verdict;

/**
 * The provider has room for so many connections and never holds more. When it is full it says {@link Verdict#later},
 * when asked and, as many may have been asked about before the last place was taken, when adding; it tells when there
 * is room again.
 */
public final class FullProvider extends HoldingProvider {
    private static final Verdict FULL = Verdict.later("table full");

    private final int room;

    /** @param room how many connections it holds at most; 0: it is always full */
    public FullProvider(String name, int room) {
        super(name);
        this.room = room;
    }

    @Override
    public Verdict canOffload(ConnView connection) {
        meet(Callback.CAN_OFFLOAD);
        return heldCount() < room ? Verdict.accept() : FULL;
    }

    @Override
    public Verdict connAdd(ConnView connection) {
        synchronized (this) { // between the look at the table and taking a place in it
            return heldCount() < room ? super.connAdd(connection) : FULL;
        }
    }

    @Override
    public void connDel(ConnView connection, DelReason reason) {
        boolean wasFull = heldCount() >= room;
        super.connDel(connection, reason);
        ProviderContext context = context();
        if (wasFull && context != null) {
            context.room();
        }
    }
}
