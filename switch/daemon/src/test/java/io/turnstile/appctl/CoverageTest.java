package io.turnstile.appctl;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.conntrack.InvalidReason;
import io.turnstile.datapath.Datapath;
import io.turnstile.datapath.DropReason;
import io.turnstile.packet.Frame;
import io.turnstile.packet.Frames;
import io.turnstile.packet.PacketBatch;
import io.turnstile.telemetry.RareEvent;
import io.turnstile.time.ManualClock;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import org.junit.jupiter.api.Test;

/** The text of {@code coverage/show}: what has happened, with its rates, and how many things never did. */
class CoverageTest {
    private static final String NOT_SO_FAR = "   0.0/sec     0.000/sec        0.0000/sec   total: ";

    private final ManualClock clock = new ManualClock(0, 0);
    private final ConnectionTracker tracker = new ConnectionTracker(clock, 3);
    private final Datapath datapath = new Datapath(tracker, clock);
    private final LongAdder lost = new LongAdder();
    private final Coverage coverage =
            new Coverage(datapath, tracker, List.of(new RareEvent("packet_in_queue_full", lost::sum)));

    private void track(Frame frame) {
        PacketBatch batch = new PacketBatch();
        batch.add(frame.packet());
        tracker.track(batch, CtRequest.lookup(0), clock.nowNs());
    }

    @Test
    void whyPacketsWereInvalidAndWhatWasLostIsShown() {
        Frame wrongSum = Frames.udp("10.0.0.1:1 > 10.0.0.2:2").corruptChecksum();
        track(wrongSum);
        track(wrongSum);
        track(Frames.echoReply("10.0.0.1 > 10.0.0.2", 1));
        lost.add(5);
        assertThat(coverage.text().lines())
                .contains(
                        "conntrack_l4csum_err     " + NOT_SO_FAR.substring(1) + "2",
                        "conntrack_inv_icmp_unasked " + NOT_SO_FAR.substring(1) + "1",
                        "packet_in_queue_full     " + NOT_SO_FAR.substring(1) + "5")
                .endsWith(never(3));
    }

    @Test
    void ratesAreThoseOfTheSamples() {
        track(Frames.echoReply("10.0.0.1 > 10.0.0.2", 1));
        coverage.sample();
        assertThat(coverage.text())
                .contains("conntrack_inv_icmp_unasked   0.2/sec     0.017/sec        0.0003/sec   total: 1\n");
    }

    private static String never(int happened) {
        int others =
                6; // and batches that have grown, beside: fragments malformed and beyond the limit, table full, zone
        // full, packet-ins lost
        return DropReason.values().length + InvalidReason.values().length + others - happened + " events never hit";
    }
}
