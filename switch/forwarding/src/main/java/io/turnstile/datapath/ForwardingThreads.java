package io.turnstile.datapath;

import io.turnstile.port.Port;
import io.turnstile.port.linux.Poller;
import io.turnstile.time.OncePerMinute;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The threads that forward: each waits for its ports and forwards what comes in. A port belongs to one thread; a packet
 * is handled by that thread from receive to send.
 *
 * <p>Threads: ports are added and removed by any thread, one at a time.
 */
public final class ForwardingThreads implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ForwardingThreads.class);
    private static final OncePerMinute TOLD = new OncePerMinute();
    private static final int MAX_READY = 64;
    private static final long WAIT_NS = 1_000_000_000L;
    /** A busy port gives way to the others after so many batches. */
    private static final int BATCHES_PER_LOOP = 4;
    /** How often an empty poll is repeated before the thread sleeps: sleeping and waking costs more than polling. */
    private static final int EMPTY_POLLS = 2;

    private final Datapath datapath;
    private final Forwarder[] forwarders;
    private final Map<Integer, Forwarder> owners = new HashMap<>(); // Guarded by this.
    private final AtomicLong failures = new AtomicLong();
    private int nextForwarder;
    private boolean closed;

    /** One thread, its context, its poller and its ports. */
    private final class Forwarder implements Runnable {
        private final Poller poller = new Poller();
        private final ForwardingContext context = datapath.newContext();
        private final int[] ready = new int[MAX_READY];
        private final Thread thread;
        private volatile boolean stopping;
        /** By datapath port number; replaced as a whole by {@link ForwardingThreads}. */
        private volatile Port[] served = {};
        /** Odd while ports are being served: who takes a port away waits for it to change. */
        private volatile long loopEpoch;

        Forwarder(int index) {
            thread = new Thread(this, "forwarder-" + index);
            thread.setDaemon(true);
        }

        @Override
        public void run() {
            int empty = 0;
            while (!stopping) {
                int found = poller.await(ready, empty < EMPTY_POLLS ? 0 : WAIT_NS);
                empty = found == 0 ? empty + 1 : 0;
                loopEpoch++; // Only this thread writes it.
                for (int i = 0; i < found; i++) {
                    serve(ready[i]);
                }
                loopEpoch++;
            }
        }

        private void serve(int number) {
            Port[] mine = served;
            Port port = number < mine.length ? mine[number] : null;
            if (port == null) {
                return; // Removed since the poller saw it; the number may be another thread's port by now.
            }
            try {
                for (int i = 0; i < BATCHES_PER_LOOP; i++) {
                    if (datapath.receiveAndProcess(number, port, context) == 0) {
                        return;
                    }
                }
            } catch (RuntimeException e) {
                // What flows and actions do wrong is contained by the datapath, so it is the port that cannot be read.
                failures.incrementAndGet();
                if (TOLD.isDue(port.name(), e)) {
                    LOG.error("port {} cannot be read and is served no more until it is added anew", port.name(), e);
                }
                poller.remove(port);
            }
        }

        void take(int number, Port port) {
            Port[] grown = Arrays.copyOf(served, Math.max(served.length, number + 1));
            grown[number] = port;
            served = grown;
            poller.add(port, number);
        }

        /** When this returns the thread does not use the port any more. */
        void leave(int number, Port port) {
            poller.remove(port);
            Port[] rest = served.clone();
            rest[number] = null;
            served = rest;
            long seen = loopEpoch;
            while ((seen & 1) != 0 && loopEpoch == seen && Thread.currentThread() != thread) {
                Thread.yield();
            }
        }

        void close() {
            stopping = true;
            poller.wakeup();
            boolean interrupted = false;
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    interrupted = true; // The poller's memory may only go when its thread is gone.
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
            datapath.retire(context);
            poller.close();
        }
    }

    /** Starts the threads; they have nothing to do until ports come. */
    public ForwardingThreads(Datapath datapath, int threads) {
        this.datapath = datapath;
        forwarders = new Forwarder[threads];
        for (int i = 0; i < threads; i++) {
            forwarders[i] = new Forwarder(i);
            forwarders[i].thread.start();
        }
    }

    /** Serves the port, which the datapath has under that number, from now on; the threads take ports in turn. */
    public synchronized void add(int number, Port port) {
        Forwarder forwarder = forwarders[nextForwarder++ % forwarders.length];
        if (owners.putIfAbsent(number, forwarder) != null) {
            throw new IllegalArgumentException("port number " + number + " is served already");
        }
        forwarder.take(number, port);
    }

    /** Stops serving the port. When this returns no forwarding thread receives from it any more. */
    public synchronized void remove(int number, Port port) {
        Forwarder forwarder = owners.remove(number);
        if (forwarder != null) {
            forwarder.leave(number, port);
        }
    }

    /** How often a port had to be left out because it could not be read. */
    public long failures() {
        return failures.get();
    }

    /** Ends the threads after the batch that each is in. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        for (Forwarder forwarder : forwarders) {
            forwarder.close();
        }
    }
}
