package io.turnstile.offload;

import io.turnstile.conntrack.ConnectionListener.RemovalReason;
import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;

/**
 * One connection's passage through a shard: the flags it was taken with and, per provider, the steps that are still to
 * be made. Reused from batch to batch.
 *
 * <p>Threads: under the shard's lock.
 */
final class Turn {
    /** Steps in the order in which they are made. */
    static final int QUERY = 1;
    static final int ADD = 1 << 1;
    static final int ESTABLISHED = 1 << 2;
    static final int UPDATE = 1 << 3;
    static final int DELETE = 1 << 4;

    int slot;
    SlotTable.Chunk chunk;
    long connectionId;
    int flags;
    ConnView view;
    boolean replySeen;
    /** The tracker could read the connection. */
    boolean readable;
    /** Latest of the providers' answers, ms since the epoch; 0: none knew. */
    long lastUsedMs;
    final int[] steps;
    /** Why a provider lost the connection in this turn by its own fault: index of the reason, 0 if it did not. */
    final int[] failure;

    Turn(int providers) {
        steps = new int[providers];
        failure = new int[providers];
    }

    boolean has(int flag) {
        return (flags & flag) != 0;
    }

    /** The connection leaves all providers in this turn. */
    boolean leaves() {
        return has(SlotTable.REMOVED | SlotTable.WITHDRAW);
    }

    DelReason delReason() {
        return has(SlotTable.REMOVED) ? reason(flags) : DelReason.PROVIDER_LEAVING;
    }

    private static DelReason reason(int flags) {
        RemovalReason[] reasons = RemovalReason.values();
        return switch (reasons[(flags & SlotTable.REASON_MASK) >>> SlotTable.REASON_SHIFT]) {
            case EXPIRED -> DelReason.EXPIRED;
            case FLUSHED -> DelReason.FLUSHED;
            case REPLACED -> DelReason.REPLACED;
        };
    }
}
