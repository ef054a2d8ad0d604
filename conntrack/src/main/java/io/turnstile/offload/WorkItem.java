package io.turnstile.offload;

import io.turnstile.conntrack.ConnectionListener.RemovalReason;
import io.turnstile.conntrack.TcpResume;
import io.turnstile.offload.spi.ConnChange;
import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
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
    static final int CHANGED = 1 << 3;
    static final int UPDATE = 1 << 4;
    /** Whatever is next for the path of the original direction; made again until nothing is. */
    static final int ORIGINAL_PATH = 1 << 5;
    /** The same of the reply direction. */
    static final int REPLY_PATH = 1 << 6;

    static final int DELETE = 1 << 7;
    static final int PATHS = ORIGINAL_PATH | REPLY_PATH;

    /** Place of a connection whose tuples are not known any more. */
    static final long NO_KEY = 0;

    private static final RemovalReason[] REASONS = RemovalReason.values();
    /** By the bits of {@code ConnectionListener.…_CHANGED}, which stand in the order of {@link ConnChange}. */
    private static final List<Set<ConnChange>> CHANGES = allChanges();

    private static List<Set<ConnChange>> allChanges() {
        List<Set<ConnChange>> all = new ArrayList<>();
        for (int bits = 0; bits < 1 << ConnChange.values().length; bits++) {
            Set<ConnChange> changes = EnumSet.noneOf(ConnChange.class);
            for (ConnChange change : ConnChange.values()) {
                if ((bits & 1 << change.ordinal()) != 0) {
                    changes.add(change);
                }
            }
            all.add(Collections.unmodifiableSet(changes));
        }
        return List.copyOf(all);
    }

    int slot;
    SlotTable.Chunk chunk = SlotTable.Chunk.NONE;
    long connectionId;
    int flags;
    /** What the provider is shown; null if the tracker does not know the connection and nothing is to be said of it. */
    @Nullable
    ConnView view;

    boolean established;
    /** The connection is in the tracker's table. */
    boolean alive;
    /** Its tuples, as claimed at {@link TupleClaims}; {@link #NO_KEY} of the first: nobody knows them any more. */
    long originalKey;

    long translatedKey;
    /** The provider's answer, ms since the epoch; 0: it does not know. */
    long lastUsedMs;

    /** What the provider's device knew of sequence numbers when it let go. */
    @Nullable
    TcpResume resume;

    /** The next step is to be a call of its own, as the last one has thrown over a whole batch. */
    boolean alone;
    /** The delete was made before, and threw over a whole batch. */
    boolean deletedBefore;
    /** The offer has to wait, for an establishment or for another connection's delete. */
    boolean waits;
    /** The provider has said that it wants to hear of the establishment again. */
    boolean asksAgain;
    /** It waits for a result, and is in no batch. */
    boolean aside;
    /** What has become pending while the item waited for a result. */
    int flagsMeanwhile;

    /** It is about paths and nothing else: what else is pending stays in the word. */
    boolean pathsOnly;
    /** The path that the operation is about which was made last. */
    @Nullable
    PathTurn turn;

    int steps;
    /**
     * What the connection is left as if a delete is made, though it lives on: refused or failed. Null if it does not
     * come to that.
     */
    @Nullable
    OffloadState afterDelete;
    /** Index of the reason for {@link #afterDelete}. */
    int reason;

    /** What the provider is told about {@link #afterDelete}. */
    DelReason reasonToTell = DelReason.PROVIDER_FAILED;

    boolean has(int flag) {
        return (flags & flag) != 0;
    }

    /** Makes the item one for a slot just taken from the queue; {@code word} as it was before. */
    void begin(int slot, SlotTable.Chunk chunk, long word) {
        this.slot = slot;
        this.chunk = chunk;
        flags = SlotTable.flags(word);
        connectionId = SlotTable.connectionId(word, slot);
        view = null;
        steps = 0;
        lastUsedMs = 0;
        resume = null;
        alone = false;
        deletedBefore = false;
        waits = false;
        asksAgain = false;
        aside = false;
        flagsMeanwhile = 0;
        pathsOnly = false;
        turn = null;
        afterDelete = null;
        reason = 0;
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
            return reasonToTell;
        }
        return has(SlotTable.REMOVED)
                ? reason(flags)
                : Objects.requireNonNull(leaving, "a connection that lives on is withdrawn as the provider leaves");
    }

    /** The connection is to be taken from the provider though it lives on, and to be left as that. */
    void deleteAs(OffloadState state, int reasonIndex, DelReason told) {
        steps = DELETE; // and before that, whatever paths the provider carries of it: who says this adds them
        afterDelete = state;
        reason = reasonIndex;
        reasonToTell = told;
    }

    /** What has changed, of what providers are told. */
    Set<ConnChange> changes() {
        return CHANGES.get((flags & SlotTable.CHANGES_MASK) >>> SlotTable.CHANGES_SHIFT);
    }

    private static DelReason reason(int flags) {
        return switch (REASONS[(flags & SlotTable.REASON_MASK) >>> SlotTable.REASON_SHIFT]) {
            case EXPIRED -> DelReason.EXPIRED;
            case FLUSHED -> DelReason.FLUSHED;
            case REPLACED -> DelReason.REPLACED;
        };
    }
}
