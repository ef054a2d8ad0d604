package io.turnstile.bench;

import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.conntrack.Timeout;
import io.turnstile.conntrack.TimeoutPolicy;
import io.turnstile.packet.PacketBatch;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * So many new connections a second, and as many packets of established ones as fit in between. A connection is made,
 * answered a while later, has a packet either way after that, and is left to expire: {@link #LIFE_SECONDS} after its
 * last packet, so that the table stays as large as it is. Somebody else sweeps. Threads: one.
 */
final class MixedTraffic implements Forwarder.Load {
    static final int LIFE_SECONDS = 2;
    /** Packets of each connection. */
    static final int PACKETS = 4;

    private static final int ZONE = Traffic.ZONE + 1;
    private static final int POLICY = 1;
    /** From one packet of a connection to the next. */
    private static final long GAP_NS = TimeUnit.MILLISECONDS.toNanos(20);

    private static final int BATCH = PacketBatch.CAPACITY;
    private static final int ESTABLISHED_BATCHES = 8;
    private static final CtRequest COMMIT = CtRequest.commit(ZONE).withTimeouts(POLICY);
    private static final CtRequest LOOKUP = CtRequest.lookup(ZONE);

    private final ConnectionTracker tracker;
    private final EstablishedTraffic established;
    private final Traffic traffic = new Traffic();
    private final int perSecond;
    private final boolean byCpuTime;
    private long startNs;
    private boolean started;
    /** Batches of connections that have had their first, second … packet. */
    private final int[] done = new int[PACKETS];

    /** @param byCpuTime a second is one of CPU time of the thread that calls {@link #step} */
    MixedTraffic(ConnectionTracker tracker, EstablishedTraffic established, int perSecond, boolean byCpuTime) {
        this.tracker = tracker;
        this.established = established;
        this.perSecond = perSecond;
        this.byCpuTime = byCpuTime;
        long life = LIFE_SECONDS;
        tracker.setTimeoutPolicy(
                POLICY,
                new TimeoutPolicy(
                        Map.of(Timeout.UDP_FIRST, life, Timeout.UDP_SINGLE, life, Timeout.UDP_MULTIPLE, life)));
    }

    @Override
    public int step(long nowNs) {
        long paceNs = byCpuTime ? CpuTime.ofThisThreadNs() : nowNs;
        if (!started) {
            started = true;
            startNs = paceNs;
        }
        int packets = 0;
        for (int packet = 0; packet < PACKETS; packet++) {
            double seconds = (paceNs - startNs - packet * GAP_NS) / 1e9;
            int due = (int) (seconds * perSecond / BATCH);
            if (done[packet] < (packet == 0 ? due : Math.min(due, done[packet - 1]))) {
                track(done[packet]++, packet, nowNs);
                packets += BATCH;
            }
        }
        return packets > 0 ? packets : establishedOnes(nowNs);
    }

    private int establishedOnes(long nowNs) {
        int packets = 0;
        for (int i = 0; i < ESTABLISHED_BATCHES; i++) {
            packets += established.step(nowNs);
        }
        return packets;
    }

    private void track(int number, int packet, long nowNs) {
        PacketBatch batch = traffic.fill(number * BATCH, 1, BATCH);
        boolean reply = packet % 2 == 1;
        if (reply) {
            Traffic.turn(batch);
        }
        tracker.track(batch, packet == 0 ? COMMIT : LOOKUP, nowNs);
        if (reply) {
            Traffic.turn(batch);
        }
    }

    @Override
    public long connections() {
        return (long) done[0] * BATCH;
    }
}
