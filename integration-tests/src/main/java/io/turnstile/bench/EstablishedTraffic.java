package io.turnstile.bench;

import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.conntrack.Timeout;
import io.turnstile.conntrack.TimeoutPolicy;
import io.turnstile.packet.PacketBatch;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Packets of answered connections, all over the table, one batch in the original direction and the next in the other.
 * The connections outlive any measurement, those that seldom have their turn as well. Threads: one.
 */
final class EstablishedTraffic implements Forwarder.Load {
    private static final int STRIDE = 618_033;
    private static final int STEP = 29;
    private static final int POLICY = 2;
    private static final CtRequest COMMIT = CtRequest.commit(Traffic.ZONE).withTimeouts(POLICY);
    private static final CtRequest LOOKUP = CtRequest.lookup(Traffic.ZONE);

    private final ConnectionTracker tracker;
    private final Traffic traffic = new Traffic();
    private final int span;
    private int position;
    private boolean reply;

    /** Makes the connections. */
    EstablishedTraffic(ConnectionTracker tracker, int connections, long nowNs) {
        this.tracker = tracker;
        span = connections - STEP * PacketBatch.CAPACITY;
        long life = TimeUnit.DAYS.toSeconds(1);
        tracker.setTimeoutPolicy(
                POLICY,
                new TimeoutPolicy(
                        Map.of(Timeout.UDP_FIRST, life, Timeout.UDP_SINGLE, life, Timeout.UDP_MULTIPLE, life)));
        traffic.populate(tracker, connections, COMMIT, nowNs);
    }

    @Override
    public int step(long nowNs) {
        position = (int) ((position + (long) STRIDE) % span);
        reply = !reply;
        PacketBatch batch = traffic.fill(position, STEP, PacketBatch.CAPACITY);
        if (reply) {
            Traffic.turn(batch);
        }
        tracker.track(batch, LOOKUP, nowNs);
        if (reply) {
            Traffic.turn(batch);
        }
        return PacketBatch.CAPACITY;
    }

    @Override
    public long connections() {
        return 0;
    }
}
