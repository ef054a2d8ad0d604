package io.turnstile.conntrack;

import static io.turnstile.packet.Frames.udp;
import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.time.ManualClock;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/**
 * Threads whose connections want the same few ports at once: each port is given once, and none is left over in vain.
 */
class NatRaceTest {
    private static final int THREADS = 3;
    private static final int OF_EACH = 4;
    private static final int PORTS = 8;
    private static final long PUBLIC = 0x0a00_00f0L;
    private static final CtRequest SNAT = CtRequest.commit(0)
            .with(new NatRequest(
                    NatRequest.Kind.SOURCE,
                    false,
                    0,
                    PUBLIC,
                    0,
                    PUBLIC,
                    5000,
                    5000 + PORTS - 1,
                    false,
                    NatRequest.Choice.DEFAULT));

    private final ConnectionTracker tracker = new ConnectionTracker(new ManualClock(0, 0), 100);
    private final AtomicInteger drops = new AtomicInteger();
    private int allDrops;

    @Test
    void eachPortIsGivenOnce() throws Exception {
        Race.run(
                () -> drops.set(0),
                this::judge,
                round -> send(1, round),
                round -> send(2, round),
                round -> send(3, round));
        assertThat(tracker.natExhaustions()).isEqualTo(allDrops).isPositive();
    }

    private void send(int thread, int round) {
        PacketBatch batch = new PacketBatch();
        for (int i = 0; i < OF_EACH; i++) {
            Packet packet = udp("10.0." + thread + "." + (i + 1) + ":" + (1 + round % 60_000) + " > 192.0.2.1:53")
                    .packet();
            batch.add(packet);
        }
        drops.addAndGet(tracker.track(batch, SNAT, 0));
        assertThat(batch.length()).isLessThanOrEqualTo(OF_EACH);
    }

    private void judge() {
        Set<Integer> ports = new HashSet<>();
        tracker.scan(
                0,
                1000,
                seen -> {
                    assertThat(seen.reply.destinationLow).isEqualTo(PUBLIC);
                    assertThat(seen.reply.destinationPort).isBetween(5000, 5000 + PORTS - 1);
                    assertThat(ports.add(seen.reply.destinationPort))
                            .as("port %d", seen.reply.destinationPort)
                            .isTrue();
                },
                0);
        assertThat(ports).hasSize(PORTS);
        assertThat(drops).hasValue(THREADS * OF_EACH - PORTS);
        allDrops += drops.get();
        tracker.flush(null, 0);
        assertThat(tracker.table().index.displacement()).isZero();
        tracker.visitBuckets((bucket, connections) -> assertThat(connections).isZero());
        assertThat(tracker.table().entries.extensionsTaken()).isZero();
    }
}
