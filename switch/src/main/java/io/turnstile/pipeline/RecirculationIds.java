package io.turnstile.pipeline;

import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;

/**
 * Numbers for frozen states. Equal states have one number, so that their packets share datapath flows. A number stays valid while
 * a datapath flow recirculates to it and for a while afterwards, longer than any packet is under way.
 *
 * <p>Threads: all methods lock this object; it is the innermost lock.
 */
final class RecirculationIds {
    private static final long KEEP_NS = 10_000_000_000L;

    private final Map<FrozenState, Entry> byState = new HashMap<>();
    private final Map<Integer, Entry> byId = new HashMap<>();
    private int lastId;

    private static final class Entry {
        final int id;
        final FrozenState state;
        int references;
        long unusedSinceNs;

        Entry(int id, FrozenState state) {
            this.id = id;
            this.state = state;
        }
    }

    /** The number of the state; a new one if it has none yet. */
    synchronized int idOf(FrozenState state, long nowNs) {
        Entry entry = byState.computeIfAbsent(state, s -> new Entry(nextId(), s));
        entry.unusedSinceNs = nowNs;
        byId.put(entry.id, entry);
        return entry.id;
    }

    private int nextId() {
        do {
            lastId = lastId == Integer.MAX_VALUE ? 1 : lastId + 1;
        } while (byId.containsKey(lastId));
        return lastId;
    }

    /** What the number stands for, null if nothing any more. */
    synchronized FrozenState state(int id) {
        Entry entry = byId.get(id);
        return entry == null ? null : entry.state;
    }

    synchronized void reference(int id) {
        Entry entry = byId.get(id);
        if (entry != null) {
            entry.references++;
        }
    }

    synchronized void unreference(int id, long nowNs) {
        Entry entry = byId.get(id);
        if (entry != null) {
            entry.references--;
            entry.unusedSinceNs = nowNs;
        }
    }

    /** Forgets numbers that nothing has used for long enough. */
    synchronized void expire(long nowNs) {
        for (Iterator<Entry> all = byId.values().iterator(); all.hasNext();) {
            Entry entry = all.next();
            if (entry.references == 0 && nowNs - entry.unusedSinceNs > KEEP_NS) {
                all.remove();
                byState.remove(entry.state);
            }
        }
    }

    synchronized int size() {
        return byId.size();
    }
}
