package io.turnstile.conntrack;

import static io.turnstile.packet.Frames.echoRequest;
import static io.turnstile.packet.Frames.ip;
import static io.turnstile.packet.Frames.portUnreachable;
import static io.turnstile.packet.Frames.tcp;
import static io.turnstile.packet.Frames.udp;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;

/** Nothing is allocated per packet or connection once the thread has tracked its first batch. */
class WarmPathAllocationTest {
    private static final CtRequest LOOK = CtRequest.lookup(0);
    private static final CtRequest COMMIT = CtRequest.commit(0);
    private static final int ROUNDS = 20_000;
    /** What the measuring itself and late class loading may take; a single object per round would be far beyond. */
    private static final long SLACK_BYTES = 64 * 1024;

    private final TrackerFixture ct = new TrackerFixture();
    private final PacketBatch batch = new PacketBatch();

    /** Somebody carries whatever is established, and is asked about it. */
    private static final class Holder extends IdleListener {
        private final Conntrack tracker;

        Holder(Conntrack tracker) {
            this.tracker = tracker;
        }

        @Override
        public void onEstablished(long connectionId, long nowNs) {
            tracker.hold(connectionId);
        }

        @Override
        public boolean onDeadline(long connectionId, long nowNs) {
            tracker.unhold(connectionId, null);
            return false;
        }
    }

    @Test
    void carriedConnectionsAllocateNothing() {
        ct.tracker.setListener(new Holder(ct.tracker));
        trackingCommittingAndFlushingAllocateNothing();
    }

    @Test
    void trackingCommittingAndFlushingAllocateNothing() {
        batch.add(udp("10.0.0.1:1 > 10.0.0.2:2").packet());
        batch.add(udp("10.0.0.2:2 > 10.0.0.1:1").packet());
        batch.add(tcp("10.0.0.1:1 > 10.0.0.2:2").syn().packet());
        batch.add(tcp("10.0.0.2:2 > 10.0.0.1:1").synAck().packet());
        batch.add(tcp("10.0.0.2:2 > 10.0.0.1:1").rst().packet());
        batch.add(SctpChunkBytes.there(0, SctpChunkBytes.init(7)).packet());
        batch.add(SctpChunkBytes.back(7, SctpChunkBytes.initAck(9)).packet());
        batch.add(SctpChunkBytes.there(9, SctpChunkBytes.cookieEcho(), SctpChunkBytes.data())
                .packet());
        batch.add(SctpChunkBytes.back(7, SctpChunkBytes.cookieAck(), SctpChunkBytes.abort())
                .packet());
        batch.add(echoRequest("10.0.0.1 > 10.0.0.2", 3).packet());
        batch.add(portUnreachable(
                        "10.0.0.2 > 10.0.0.1", udp("10.0.0.1:1 > 10.0.0.2:2").bytes())
                .packet());
        batch.add(ip("10.0.0.1 > 10.0.0.2", 47).packet());
        rounds();
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        rounds();
        assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(SLACK_BYTES);
    }

    private void rounds() {
        for (int i = 0; i < ROUNDS; i++) {
            forget();
            ct.tracker.track(batch, COMMIT, i);
            forget();
            ct.tracker.track(batch, LOOK, i);
            ct.tracker.track(batch, LOOK, i);
            ct.tracker.sweep(i);
            if (i % 2 == 0) {
                ct.tracker.flush(null, i);
            }
        }
    }

    private void forget() {
        for (int i = 0; i < batch.length(); i++) {
            Packet packet = batch.get(i);
            packet.clearConntrack();
        }
    }
}
