package io.turnstile.offload.provider.fault;

import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.ProviderContext;
import java.util.function.Predicate;

/**
 * The provider throws out connections that it holds, and says so by {@link ProviderContext#lost}: those chosen when it
 * is asked about their last use, and any when it is told to. The delete that follows has nothing to do.
 */
public final class EvictingProvider extends HoldingProvider {
    private final Predicate<ConnView> victims;

    /** Throws out what {@code victims} says; the predicate may be called on several threads at once. */
    public EvictingProvider(String name, Predicate<ConnView> victims) {
        super(name);
        this.victims = victims;
        letDeletesMiss();
    }

    /** Throws out this connection, for this reason, on this thread. Returns whether it was held. */
    public boolean evict(long connectionId, String reason) {
        boolean wasHeld = letGo(connectionId);
        ProviderContext context = context();
        if (wasHeld && context != null) {
            context.lost(connectionId, reason);
        }
        return wasHeld;
    }

    @Override
    public long connUpdate(ConnView connection) {
        if (victims.test(connection)) {
            evict(connection.id(), "evicted");
        }
        return super.connUpdate(connection);
    }
}
