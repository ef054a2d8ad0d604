package io.turnstile.ovsdb.server;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Named locks of RFC 7047 §4.1.8–4.1.11: first come first served, unless stolen. Threads: the server's event loop. */
final class Locks {
    private final Map<String, Deque<Place>> queues = new HashMap<>();

    /** Somebody's place in a line; a thief does not get his back when he is robbed himself. */
    private record Place(OvsdbSession session, boolean thief) {}

    /** Stands in line; true if the lock is free. */
    boolean lock(String name, OvsdbSession session) {
        queues.computeIfAbsent(name, n -> new ArrayDeque<>()).addLast(new Place(session, false));
        return isOwner(name, session);
    }

    /** Goes to the head of the line; returns who held it before, null if nobody did. */
    @Nullable
    OvsdbSession steal(String name, OvsdbSession session) {
        Deque<Place> queue = queues.computeIfAbsent(name, n -> new ArrayDeque<>());
        Place victim = queue.peekFirst();
        if (victim != null && victim.thief) {
            queue.removeFirst();
        }
        queue.addFirst(new Place(session, true));
        return victim == null ? null : victim.session;
    }

    /** Leaves the line and lets the next one know if he holds the lock now. */
    void unlock(String name, OvsdbSession session) {
        Deque<Place> queue = queues.get(name);
        if (queue == null) {
            return;
        }
        boolean held = isOwner(name, session);
        queue.removeIf(place -> place.session == session);
        if (queue.isEmpty()) {
            queues.remove(name);
        } else if (held) {
            queue.peekFirst().session.locked(name);
        }
    }

    /** How many places in lines are taken. */
    int places() {
        return queues.values().stream().mapToInt(Deque::size).sum();
    }

    boolean isOwner(String name, OvsdbSession session) {
        Deque<Place> queue = queues.get(name);
        return queue != null && queue.peekFirst().session == session;
    }
}
