package io.turnstile.datapath;

import io.turnstile.port.Port;
import io.turnstile.port.linux.Poller;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The threads that forward: each waits for its own ports and carries what comes in. A port belongs to one thread; a packet is
 * handled by that thread from receive to send.
 *
 * <p>Threads: ports are added and removed by any thread, one at a time.
 */
public final class ForwardingThreads implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ForwardingThreads.class);
    private static final int MAX_READY = 64;
    private static final long WAIT_NS = 1_000_000_000L;
    /** A busy port gives way to the others after so many batches. */
    private static final int BATCHES_PER_TURN = 4;
    /** How often an empty look is repeated before the thread goes to sleep: sleeping and waking costs more than looking. */
    private static final int EMPTY_LOOKS = 2;

    private final Datapath datapath;
    private final Forwarder[] forwarders;
    private final Map<Integer, Forwarder> owners = new ConcurrentHashMap<>();
    private int nextForwarder;

    /** One thread, its context and its poller. */
    private final class Forwarder implements Runnable {
        private final Poller poller = new Poller();
        private final ForwardingContext context = datapath.newContext();
        private final int[] ready = new int[MAX_READY];
        private final Thread thread;
        private volatile boolean stopping;

        Forwarder(int index) {
            thread = new Thread(this, "forwarder-" + index);
            thread.setDaemon(true);
        }

        @Override
        public void run() {
            int empty = 0;
            while (!stopping) {
                int found = poller.await(ready, empty < EMPTY_LOOKS ? 0 : WAIT_NS);
                empty = found == 0 ? empty + 1 : 0;
                for (int i = 0; i < found; i++) {
                    serve(ready[i]);
                }
            }
        }

        private void serve(int number) {
            Port port = datapath.port(number);
            if (port == null) {
                return; // Removed since the poller saw it.
            }
            try {
                for (int i = 0; i < BATCHES_PER_TURN; i++) {
                    if (datapath.receiveAndProcess(number, port, context) == 0) {
                        return;
                    }
                }
            } catch (RuntimeException e) {
                // One broken port, flow or packet must not take the others down; it is left out until it is added anew.
                LOG.error("port {} fails and is served no more", port.name(), e);
                poller.remove(port);
            }
        }

        void close() {
            stopping = true;
            poller.wakeup();
            try {
                thread.join();
            } catch (InterruptedException e) {
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

    /** Serves the port, which the datapath has under that number, from now on. */
    public synchronized void add(int number, Port port) {
        Forwarder forwarder = forwarders[nextForwarder++ % forwarders.length];
        owners.put(number, forwarder);
        forwarder.poller.add(port, number);
    }

    /** Stops serving the port. When this returns no thread touches it any more, provided the datapath has let it go before. */
    public synchronized void remove(int number, Port port) {
        Forwarder forwarder = owners.remove(number);
        if (forwarder != null) {
            forwarder.poller.remove(port);
            datapath.awaitQuiescence();
        }
    }

    @Override
    public void close() {
        for (Forwarder forwarder : forwarders) {
            forwarder.close();
        }
    }
}
