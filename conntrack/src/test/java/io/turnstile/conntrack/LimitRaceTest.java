package io.turnstile.conntrack;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Frames;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import java.util.function.IntSupplier;
import org.junit.jupiter.api.Test;

/** Threads that commit at once fill a limit, and do not go beyond it. */
class LimitRaceTest {
    private static final int LIMIT = 1;
    private static final int OF_EACH = 2;
    private static final int ZONE = 3;

    private final TrackerFixture ct = new TrackerFixture();

    /** Commits connections of its own, one after the other. */
    private Race.Actor committer(int host) {
        Packet[] packets = new Packet[OF_EACH];
        PacketBatch batch = new PacketBatch();
        for (int i = 0; i < OF_EACH; i++) {
            packets[i] = Frames.udp("10.0.0." + host + ":" + (i + 1) + " > 10.0.0.2:53")
                    .packet();
        }
        return round -> {
            for (Packet packet : packets) {
                packet.clearConntrack();
                batch.clear();
                batch.add(packet);
                ct.tracker.track(batch, CtRequest.commit(ZONE), 0);
            }
        };
    }

    private void race(IntSupplier counted) throws Exception {
        Race.run(
                () -> ct.tracker.flush(null, 0),
                () -> {
                    assertThat(counted.getAsInt()).isEqualTo(LIMIT);
                    assertThat(ct.ids()).hasSize(LIMIT);
                },
                committer(3),
                committer(4),
                committer(5));
    }

    @Test
    void theTablesLimitIsExact() throws Exception {
        ct.tracker.setMaxConnections(LIMIT);
        race(ct.tracker::connectionCount);
    }

    @Test
    void aZonesLimitIsExact() throws Exception {
        ct.tracker.zoneLimits().set(ZONE, LIMIT);
        race(() -> ct.tracker.zoneLimits().count(ZONE));
    }
}
