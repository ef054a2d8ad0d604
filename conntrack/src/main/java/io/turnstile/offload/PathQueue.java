package io.turnstile.offload;

import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * A shard's paths that have something pending: a stack linked through the {@link PathTurn}s, pushed by anyone without
 * locks or allocation and taken whole, then turned round: first come, first served. A turn has one place in it at most.
 *
 * <p>Threads: {@link #push} and {@link #isEmpty} any; {@link #poll} under the shard's lock.
 */
final class PathQueue {
    /** Index of the queue of offers and questions. */
    static final int NEWS = 0;
    /** Index of the queue of withdrawals, which goes first. */
    static final int ENDINGS = 1;

    private final int kind;
    private final AtomicReference<@Nullable PathTurn> top = new AtomicReference<>();
    private volatile @Nullable PathTurn oldest; // written under the shard's lock

    PathQueue(int kind) {
        this.kind = kind;
    }

    /** Queues the turn unless it is in the queue; returns whether the queue was empty. */
    boolean push(PathTurn turn) {
        if (!turn.beginWait(kind)) {
            return false;
        }
        PathTurn seen;
        do {
            seen = top.get();
            turn.setNext(kind, seen);
        } while (!top.compareAndSet(seen, turn));
        return seen == null;
    }

    boolean isEmpty() {
        return top.get() == null && oldest == null;
    }

    /** Takes the turn that has waited longest; null if there is none. It may be queued anew from now on. */
    @Nullable
    PathTurn poll() {
        if (oldest == null) {
            PathTurn turn = top.getAndSet(null);
            PathTurn turned = null;
            while (turn != null) {
                PathTurn below = turn.next(kind);
                turn.setNext(kind, turned);
                turned = turn;
                turn = below;
            }
            oldest = turned;
        }
        PathTurn first = oldest;
        if (first != null) {
            oldest = first.next(kind);
            first.setNext(kind, null);
            first.endWait(kind);
        }
        return first;
    }
}
