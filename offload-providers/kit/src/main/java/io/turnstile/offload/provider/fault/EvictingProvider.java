package io.turnstile.offload.provider.fault;

import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.ProviderContext;
import io.turnstile.offload.spi.Verdict;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The provider throws out the connection that it has held longest when another needs its place, or when it is told to,
 * and says so by {@link ProviderContext#lost}. The delete that follows has nothing to do.
 */
public final class EvictingProvider extends HoldingProvider {
    private final int room;
    private final Map<Long, ConnView> oldestFirst = new LinkedHashMap<>(); // guarded by this

    /** @param room how many connections it holds at most, 1 or more */
    public EvictingProvider(String name, int room) {
        super(name);
        this.room = room;
        letDeletesMiss();
    }

    /** Throws out the oldest of what it holds. Returns whether there was one. */
    public boolean evict() {
        ConnView victim = evictOldest();
        if (victim != null) {
            tellLost(victim);
        }
        return victim != null;
    }

    private synchronized @Nullable ConnView evictOldest() {
        Map.Entry<Long, ConnView> oldest = oldestFirst.entrySet().stream().findFirst().orElse(null);
        if (oldest == null) {
            return null;
        }
        oldestFirst.remove(oldest.getKey());
        letGo(oldest.getValue());
        return oldest.getValue();
    }

    private void tellLost(ConnView victim) {
        ProviderContext context = context();
        if (context != null) {
            context.lost(victim.id(), "evicted");
        }
    }

    @Override
    public Verdict connAdd(ConnView connection) {
        ConnView victim;
        synchronized (this) {
            victim = heldCount() < room ? null : evictOldest();
            super.connAdd(connection);
            oldestFirst.put(connection.id(), connection);
        }
        if (victim != null) {
            tellLost(victim);
        }
        return Verdict.accept();
    }

    @Override
    public synchronized void connDel(ConnView connection, DelReason reason) {
        oldestFirst.remove(connection.id());
        super.connDel(connection, reason);
    }

    @Override
    public synchronized boolean connFlush(DelReason reason) {
        oldestFirst.clear();
        return super.connFlush(reason);
    }

    @Override
    public synchronized void close() {
        oldestFirst.clear();
        super.close();
    }
}
