package io.turnstile.openflow;

import io.netty.channel.EventLoop;
import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a bridge reports by itself, on its way to the event loop, in order and bounded. Packets are dropped when there
 * are too many or they are too large together; whoever reports something else waits until there is room. The loop takes
 * so many at a time, and looks after its connections in between.
 *
 * <p>Threads: any reports; the loop runs the reports.
 */
final class EventBacklog {
    static final int MAX_PACKETS = 1024;
    static final int MAX_OTHERS = 4096;

    private static final Logger LOG = LoggerFactory.getLogger(EventBacklog.class);
    private static final int EVENTS_PER_TURN = 256;
    /** A loop that takes longer is not waited for: better too many reports than none. */
    private static final long PATIENCE_NS = TimeUnit.SECONDS.toNanos(10);

    /** @param packetBytes -1 if it is no packet */
    private record Event(Runnable delivery, int packetBytes) {
        boolean isPacket() {
            return packetBytes >= 0;
        }
    }

    private final EventLoop loop;
    private final Shared shared;
    private final Consumer<Throwable> failures;
    // Guarded by this.
    private final ArrayDeque<Event> waiting = new ArrayDeque<>();
    private int packets;
    private int others;
    private boolean turnQueued;
    private boolean closed;

    /** @param failures is told what a delivery throws; those behind it come nevertheless */
    EventBacklog(EventLoop loop, Shared shared, Consumer<Throwable> failures) {
        this.loop = loop;
        this.shared = shared;
        this.failures = failures;
    }

    /** Has a packet delivered; false if there is no room. */
    boolean offerPacket(int bytes, Runnable delivery) {
        if (!shared.packetIns().take(bytes)) {
            return false;
        }
        synchronized (this) {
            if (packets < MAX_PACKETS && !closed) {
                packets++;
                add(new Event(delivery, bytes));
                return true;
            }
        }
        shared.packetIns().give(bytes);
        return false;
    }

    /** Has something delivered that must not be lost. Waits for room, but on the loop itself. */
    synchronized void put(Runnable delivery) {
        long deadlineNs = System.nanoTime() + PATIENCE_NS;
        while (others >= MAX_OTHERS && !closed && !loop.inEventLoop()) {
            long leftNs = deadlineNs - System.nanoTime();
            if (leftNs <= 0 || !waited(leftNs)) {
                break;
            }
        }
        if (!closed) {
            others++;
            add(new Event(delivery, -1));
        }
    }

    /** False if interrupted. */
    private boolean waited(long longestNs) {
        try {
            TimeUnit.NANOSECONDS.timedWait(this, longestNs);
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private void add(Event event) {
        waiting.add(event);
        if (!turnQueued) {
            turnQueued = true;
            loop.execute(this::deliver);
        }
    }

    private void deliver() {
        for (int i = 0; i < EVENTS_PER_TURN; i++) {
            Event event = next();
            if (event == null) {
                return;
            }
            try {
                event.delivery.run();
            } catch (Throwable e) { // contained: the others are delivered too
                if (shared.told().isDue("event", e)) {
                    LOG.error("an OpenFlow event could not be delivered", e);
                }
                failures.accept(e);
            }
        }
        loop.schedule(this::deliver, 0, TimeUnit.NANOSECONDS); // after the loop has looked at its connections
    }

    private synchronized @Nullable Event next() {
        Event event = waiting.poll();
        if (event == null) {
            turnQueued = false;
            return null;
        }
        gone(event);
        return event;
    }

    private void gone(Event event) {
        if (event.isPacket()) {
            packets--;
            shared.packetIns().give(event.packetBytes);
        } else if (others-- == MAX_OTHERS) {
            notifyAll();
        }
    }

    /** Nothing is delivered any more. */
    synchronized void close() {
        closed = true;
        waiting.forEach(this::gone);
        waiting.clear();
        notifyAll();
    }
}
