package io.turnstile.ovsdb.server;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;

/** Named locks of RFC 7047 §4.1.8–4.1.11: first come first served, unless stolen. Threads: the server's event loop. */
final class Locks {
    private final Map<String, Deque<OvsdbSession>> queues = new HashMap<>();

    /** Stands in line; true if the lock is free. */
    boolean lock(String name, OvsdbSession session) {
        Deque<OvsdbSession> queue = queues.computeIfAbsent(name, n -> new ArrayDeque<>());
        queue.addLast(session);
        return queue.peekFirst() == session;
    }

    /** Goes to the head of the line; returns who held it before, null if nobody did. */
    OvsdbSession steal(String name, OvsdbSession session) {
        Deque<OvsdbSession> queue = queues.computeIfAbsent(name, n -> new ArrayDeque<>());
        OvsdbSession victim = queue.peekFirst();
        queue.addFirst(session);
        return victim;
    }

    /** Leaves the line and lets the next one know if he holds the lock now. */
    void unlock(String name, OvsdbSession session) {
        Deque<OvsdbSession> queue = queues.get(name);
        if (queue == null) {
            return;
        }
        boolean held = queue.peekFirst() == session;
        queue.remove(session);
        if (queue.isEmpty()) {
            queues.remove(name);
        } else if (held) {
            queue.peekFirst().locked(name);
        }
    }

    boolean isOwner(String name, OvsdbSession session) {
        Deque<OvsdbSession> queue = queues.get(name);
        return queue != null && queue.peekFirst() == session;
    }
}
