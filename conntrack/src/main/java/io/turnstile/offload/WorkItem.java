package io.turnstile.offload;

import io.turnstile.conntrack.ConnectionListener.RemovalReason;
import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What is to be done for one connection in a batch: the flags it was taken with and the steps that are still to be
 * made. Reused from batch to batch.
 *
 * <p>Threads: under the shard's lock.
 */
final class WorkItem {
    /** Steps in the order in which they are made. */
    static final int QUERY = 1;

    static final int ADD = 1 << 1;
    static final int ESTABLISHED = 1 << 2;
    static final int UPDATE = 1 << 3;
    static final int DELETE = 1 << 4;

    private static final RemovalReason[] REASONS = RemovalReason.values();

    int slot;
    SlotTable.Chunk chunk = SlotTable.Chunk.NONE;
    long connectionId;
    int flags;
    /** What the provider is shown; null if the tracker does not know the connection and nothing is to be said of it. */
    @Nullable
    ConnView view;

    boolean replySeen;
    /** The connection is in the tracker's table. */
    boolean alive;
    /** The provider's answer, ms since the epoch; 0: it does not know. */
    long lastUsedMs;

    int steps;
    /**
     * What the connection is left as if a delete is made, though it lives on: refused or failed. Null if it does not
     * come to that.
     */
    @Nullable
    OffloadState afterDelete;
    /** Index of the reason for {@link #afterDelete}. */
    int reason;

    boolean has(int flag) {
        return (flags & flag) != 0;
    }

    /** Whether the connection leaves the provider with this item. */
    boolean leaves() {
        return has(SlotTable.REMOVED | SlotTable.WITHDRAW);
    }

    /**
     * Why the connection is taken from the provider.
     *
     * @param leaving why the provider leaves; null if it does not
     */
    DelReason delReason(@Nullable DelReason leaving) {
        if (afterDelete != null) {
            return afterDelete == OffloadState.FAILED ? DelReason.PROVIDER_FAILED : DelReason.PORT_EXCLUDED;
        }
        return has(SlotTable.REMOVED)
                ? reason(flags)
                : Objects.requireNonNull(leaving, "a connection that lives on is withdrawn as the provider leaves");
    }

    private static DelReason reason(int flags) {
        return switch (REASONS[(flags & SlotTable.REASON_MASK) >>> SlotTable.REASON_SHIFT]) {
            case EXPIRED -> DelReason.EXPIRED;
            case FLUSHED -> DelReason.FLUSHED;
            case REPLACED -> DelReason.REPLACED;
        };
    }
}
