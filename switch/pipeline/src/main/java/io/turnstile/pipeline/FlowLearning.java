package io.turnstile.pipeline;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * The flows that packets learn and the timeouts that they shorten. A walk is translated first and has its effects
 * afterwards, so that what it learns is met by the packets after it, as in Open vSwitch since version 2.4.
 *
 * <p>A forwarding thread changes the tables only if nobody else does: who changes them waits for forwarding threads.
 * What it leaves, and what packets of the walk's datapath flow have to keep fresh, waits for {@link #catchUp}.
 *
 * <p>Threads: any.
 */
final class FlowLearning {
    private record Waiting(SideEffect effect, long usedNs) {}

    private final Changes changes;
    /** Each effect at most once, so that it is bounded by the datapath's flows. */
    private final ConcurrentLinkedQueue<Waiting> waiting = new ConcurrentLinkedQueue<>();

    FlowLearning(Changes changes) {
        this.changes = changes;
    }

    /** Has the effects of a walk; from inside a batch. */
    void learnFrom(List<SideEffect> effects, long nowNs) {
        if (effects.isEmpty() || changes.read(() -> haveAll(effects, nowNs))) {
            return;
        }
        boolean made = changes.makeWithoutWaiting(change -> effects.forEach(effect -> effect.make(change, nowNs)));
        if (!made) {
            used(effects, nowNs);
        }
    }

    private static boolean haveAll(List<SideEffect> effects, long nowNs) {
        boolean all = true;
        for (SideEffect effect : effects) {
            all &= effect.refresh(nowNs);
        }
        return all;
    }

    /** Packets have taken a walk with these effects. Takes no lock. */
    void used(List<SideEffect> effects, long usedNs) {
        for (SideEffect effect : effects) {
            if (effect.waiting().compareAndSet(false, true)) {
                waiting.add(new Waiting(effect, usedNs));
            }
        }
    }

    /** Does what waits; not from inside a batch. */
    void catchUp() {
        List<Waiting> due = new ArrayList<>();
        for (Waiting next = waiting.poll(); next != null; next = waiting.poll()) {
            next.effect.waiting().set(false);
            due.add(next);
        }
        if (due.isEmpty()) {
            return;
        }
        boolean done = changes.read(() -> {
            due.removeIf(next -> next.effect.refresh(next.usedNs));
            return due.isEmpty();
        });
        if (!done) {
            changes.make(change -> {
                for (Waiting next : due) {
                    next.effect.make(change, next.usedNs);
                    change.breathe();
                }
            });
        }
    }
}
