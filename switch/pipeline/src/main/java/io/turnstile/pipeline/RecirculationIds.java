package io.turnstile.pipeline;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The recirculation ids and the walks that they stand for. Equal walks share an id, so that connections share datapath
 * flows. An id lives as long as a datapath flow recirculates to it, and some seconds more for packets on their way.
 * Numbers are given out in turn, so that one is used again only after four thousand million others.
 *
 * <p>Threads: any; guarded by itself.
 */
final class RecirculationIds {
    /** How long an unused id is kept: longer than any packet takes to recirculate. */
    static final long LINGER_NS = 10_000_000_000L;

    private static final class Entry {
        private final int id;
        private final Continuation walk;
        private int references;
        private long lastTouchedNs;

        Entry(int id, Continuation walk) {
            this.id = id;
            this.walk = walk;
        }
    }

    private final Map<Continuation, Entry> byWalk = new HashMap<>();
    private final Map<Integer, Entry> byId = new HashMap<>();
    private int lastId;

    /** The walk's id; good for {@link #LINGER_NS} even if nobody takes a reference. Never 0. */
    synchronized int idOf(Continuation walk, long nowNs) {
        Entry entry = byWalk.get(walk);
        if (entry == null) {
            entry = new Entry(nextFreeId(), walk);
            byWalk.put(walk, entry);
            byId.put(entry.id, entry);
        }
        entry.lastTouchedNs = nowNs;
        return entry.id;
    }

    private int nextFreeId() {
        do {
            lastId++;
        } while (lastId == 0 || byId.containsKey(lastId));
        return lastId;
    }

    /** The walk that the id stands for, or null. */
    synchronized @Nullable Continuation find(int id) {
        Entry entry = byId.get(id);
        return entry == null ? null : entry.walk;
    }

    /** A datapath flow that recirculates to the id was installed. */
    synchronized void acquire(int id) {
        Entry entry = byId.get(id);
        if (entry != null) {
            entry.references++;
        }
    }

    /** Such a flow was removed; packets that it has recirculated may still come. */
    synchronized void release(int id, long nowNs) {
        Entry entry = byId.get(id);
        if (entry != null) {
            entry.references--;
            entry.lastTouchedNs = nowNs;
        }
    }

    /** Frees the ids that nobody has referred to for {@link #LINGER_NS}. */
    synchronized void expire(long nowNs) {
        List<Entry> gone = new ArrayList<>();
        for (Entry entry : byId.values()) {
            if (entry.references <= 0 && nowNs - entry.lastTouchedNs > LINGER_NS) {
                gone.add(entry);
            }
        }
        gone.forEach(this::free);
    }

    /** The bridge is gone: its walks cannot go on. */
    synchronized void forget(BridgePipeline bridge) {
        List<Entry> gone = byId.values().stream()
                .filter(entry -> entry.walk.bridge() == bridge)
                .toList();
        gone.forEach(this::free);
    }

    private void free(Entry entry) {
        byId.remove(entry.id);
        byWalk.remove(entry.walk);
    }

    synchronized int size() {
        return byId.size();
    }
}
