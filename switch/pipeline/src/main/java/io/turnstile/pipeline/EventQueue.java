package io.turnstile.pipeline;

import io.turnstile.time.OncePerMinute;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The queue delivers events to one listener in order, on the executor's thread, one at a time. Packets to the
 * controllers are dropped and counted while too many are waiting; other events never are.
 *
 * <p>Threads: any may post; no lock is held while the listener runs.
 */
final class EventQueue {
    private static final Logger LOG = LoggerFactory.getLogger(EventQueue.class);
    private static final OncePerMinute TOLD = new OncePerMinute();
    static final int MAX_WAITING_PACKETS = 1000;

    private record Event(Runnable action, boolean packet) {}

    private final Executor executor;
    private final LongAdder droppedPackets;
    private final Consumer<RuntimeException> failures;
    // Guarded by this.
    private final ArrayDeque<Event> waiting = new ArrayDeque<>();
    private int waitingPackets;
    private boolean running;
    private boolean closed;
    private final List<Runnable> markers = new ArrayList<>();

    /**
     * @param droppedPackets counts the packets that are dropped
     * @param failures is told what a listener throws; the events behind that one are delivered nevertheless
     */
    EventQueue(Executor executor, LongAdder droppedPackets, Consumer<RuntimeException> failures) {
        this.failures = failures;
        this.executor = executor;
        this.droppedPackets = droppedPackets;
    }

    void post(Runnable action) {
        enqueue(new Event(action, false));
    }

    void postPacket(Runnable action) {
        enqueue(new Event(action, true));
    }

    /**
     * Runs {@code then} after everything posted before; at once if the queue is closed, which delivers nothing more.
     */
    void whenDelivered(Runnable then) {
        boolean over;
        synchronized (this) {
            over = closed;
            markers.add(then);
        }
        enqueue(new Event(() -> runMarker(then), false));
        if (over) {
            runMarker(then);
        }
    }

    /** Runs the marker unless it has run already: both its turn in the queue and the end of the queue call this. */
    private void runMarker(Runnable then) {
        boolean first;
        synchronized (this) {
            first = markers.remove(then);
        }
        if (first) {
            then.run();
        }
    }

    private void enqueue(Event event) {
        synchronized (this) {
            if (closed) {
                return;
            }
            if (event.packet && waitingPackets >= MAX_WAITING_PACKETS) {
                droppedPackets.increment();
                return;
            }
            waiting.add(event);
            waitingPackets += event.packet ? 1 : 0;
            if (running) {
                return;
            }
            running = true;
        }
        executor.execute(this::run);
    }

    private void run() {
        for (Event event = next(); event != null; event = next()) {
            try {
                event.action.run();
            } catch (RuntimeException e) {
                if (TOLD.isDue("event", e)) {
                    LOG.warn("a listener of OpenFlow events failed", e);
                }
                tell(e);
            }
        }
    }

    /** Who wants to hear of failures must not end the queue by a failure of its own. */
    private void tell(RuntimeException failure) {
        try {
            failures.accept(failure);
        } catch (RuntimeException e) {
            if (TOLD.isDue("listener", e)) {
                LOG.warn("a listener of failures failed", e);
            }
        }
    }

    private synchronized @Nullable Event next() {
        Event event = waiting.poll();
        if (event == null) {
            running = false;
        } else {
            waitingPackets -= event.packet ? 1 : 0;
        }
        return event;
    }

    void close() {
        List<Runnable> unmet;
        synchronized (this) {
            closed = true;
            waiting.clear();
            unmet = List.copyOf(markers);
        }
        unmet.forEach(this::runMarker);
    }
}
