package io.turnstile.bench;

import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.packet.PacketBatch;

/**
 * Packets of answered connections, all over the table, one batch in the original direction and the next in the other.
 * Threads: one.
 */
final class EstablishedTraffic implements Forwarder.Load {
    private static final int STRIDE = 618_033;
    private static final int STEP = 29;
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
        traffic.populate(tracker, connections, nowNs);
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
