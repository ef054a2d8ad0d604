package io.turnstile.conntrack;

import static io.turnstile.packet.Frames.udp;
import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.time.ManualClock;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** The parts without locks, under as much contention as there is, and what remains in the table afterwards. */
class TrackerStressTest {
    private static final long SECONDS = TimeUnit.SECONDS.toNanos(1);
    private static final long WORK_NS = 2 * SECONDS;
    private static final int CONNECTIONS = 1000;

    private static void together(List<Callable<Void>> tasks) throws Exception {
        try (ExecutorService threads = Executors.newFixedThreadPool(tasks.size())) {
            List<Future<Void>> running = new ArrayList<>();
            for (Callable<Void> task : tasks) {
                running.add(threads.submit(task));
            }
            for (Future<Void> one : running) {
                one.get(60, TimeUnit.SECONDS);
            }
        }
    }

    private static boolean before(long endNs) {
        return System.nanoTime() - endNs < 0;
    }

    private static void sendAgain(ConnectionTracker tracker, PacketBatch one, CtRequest request, long nowNs) {
        one.get(0).clearConntrack();
        tracker.track(one, request, nowNs);
    }

    private static PacketBatch batch(Packet packet) {
        PacketBatch batch = new PacketBatch();
        batch.add(packet);
        return batch;
    }

    @Test
    void aGlanceNeverSeesHalfOfALabel() throws Exception {
        TrackerFixture ct = new TrackerFixture();
        ct.send(udp("10.0.0.1:1 > 10.0.0.2:2").packet(), new CtRequest(0, true, false, 1, -1, 1, 1, -1, -1));
        ct.look(udp("10.0.0.2:2 > 10.0.0.1:1"));
        AtomicLong torn = new AtomicLong();
        AtomicLong seen = new AtomicLong();
        long endNs = System.nanoTime() + WORK_NS;
        Callable<Void> writer = () -> {
            PacketBatch one = batch(udp("10.0.0.1:1 > 10.0.0.2:2").packet());
            for (long value = 1; before(endNs); value++) {
                sendAgain(ct.tracker, one, new CtRequest(0, true, false, (int) value, -1, value, value, -1, -1), 0);
            }
            return null;
        };
        Callable<Void> reader = () -> {
            PacketBatch one = batch(udp("10.0.0.2:2 > 10.0.0.1:1").packet());
            while (before(endNs)) {
                sendAgain(ct.tracker, one, CtRequest.lookup(0), 0);
                Packet packet = one.get(0);
                boolean whole = packet.ctLabelHigh() == packet.ctLabelLow()
                        && packet.ctMark() == (int) packet.ctLabelLow()
                        && packet.ctState() == (CtState.TRK | CtState.EST | CtState.RPL);
                torn.addAndGet(whole ? 0 : 1);
                seen.incrementAndGet();
            }
            return null;
        };
        together(List.of(writer, reader, reader));
        assertThat(torn).hasValue(0);
        assertThat(seen.get()).isPositive();
    }

    @Test
    void everyConnectionIsFoundWhileTheIndexGrowsAndOthersComeAndGo() throws Exception {
        ConnectionTracker tracker = new ConnectionTracker(new ManualClock(0, 0), 2 * CONNECTIONS);
        List<PacketBatch> known = new ArrayList<>();
        for (int i = 1; i <= CONNECTIONS; i++) {
            known.add(batch(udp("10.0.0.1:" + i + " > 10.0.0.2:2").packet()));
            tracker.track(known.getLast(), CtRequest.commit(0), 0);
            tracker.track(batch(udp("10.0.0.2:2 > 10.0.0.1:" + i).packet()), CtRequest.lookup(0), 0);
        }
        AtomicLong lost = new AtomicLong();
        AtomicBoolean grown = new AtomicBoolean();
        Callable<Void> looker = () -> {
            do {
                for (PacketBatch one : known) {
                    sendAgain(tracker, one, CtRequest.lookup(0), 0);
                    lost.addAndGet((one.get(0).ctState() & CtState.EST) != 0 ? 0 : 1);
                }
            } while (!grown.get());
            return null;
        };
        Callable<Void> churner = () -> {
            PacketBatch one = batch(udp("10.0.0.3:1 > 10.0.0.2:2").packet());
            for (int port = 1; !grown.get(); port = port % 60_000 + 1) {
                Packet packet = one.get(0);
                packet.putU16(packet.l4Offset(), port);
                packet.setChecksumState(Packet.ChecksumState.GOOD);
                sendAgain(tracker, one, CtRequest.commit(1), 0);
                if (port % 500 == 0) {
                    tracker.flush(1, 0);
                }
            }
            return null;
        };
        Callable<Void> grower = () -> {
            long endNs = System.nanoTime() + WORK_NS;
            for (int most = 3 * CONNECTIONS; before(endNs) && most < 1_000_000; most += most / 3) {
                tracker.setMaxConnections(most);
                TimeUnit.MILLISECONDS.sleep(20); // how long traffic runs on each size
            }
            grown.set(true);
            return null;
        };
        together(List.of(looker, churner, grower));
        assertThat(lost).hasValue(0);
        tracker.flush(1, 0);
        assertThat(tracker.connectionCount()).isEqualTo(CONNECTIONS);
        assertThat(cells(tracker)).isEqualTo(CONNECTIONS);
        tracker.flush(null, 0);
        assertThat(cells(tracker)).isZero();
    }

    private static long cells(ConnectionTracker tracker) {
        long[] cells = new long[1];
        tracker.visitBuckets((bucket, connections) -> cells[0] += connections);
        return cells[0];
    }

    @Test
    void tenMillionConnectionsLeaveNothingBehind() {
        ConnectionTracker tracker = new ConnectionTracker(new ManualClock(0, 0), 100_000);
        PacketBatch batch = new PacketBatch();
        for (int i = 0; i < PacketBatch.CAPACITY; i++) {
            Packet packet = udp("10.0.0.1:1 > 10.0.0.2:2").withoutChecksum().packet();
            packet.setChecksumState(Packet.ChecksumState.GOOD);
            batch.add(packet);
        }
        long nowNs = 0;
        for (int made = 0; made < 10_000_000; made += PacketBatch.CAPACITY) {
            for (int i = 0; i < PacketBatch.CAPACITY; i++) {
                Packet packet = batch.get(i);
                packet.clearConntrack();
                // The ports count; the address stays, and with it the header's checksum.
                packet.putU32(packet.l4Offset(), (made + i) * 65_537 | 0x1_0001);
            }
            nowNs += 64_000_000;
            tracker.track(batch, CtRequest.commit(made & 0xff), nowNs);
            if ((made & 0xfff) == 0) {
                tracker.sweep(nowNs);
            }
        }
        assertThat(tracker.refusals()).isZero();
        assertThat(tracker.table().entries.end()).as("slots ever used").isLessThan(100_000);
        tracker.sweep(nowNs + 100 * SECONDS);
        assertThat(tracker.connectionCount()).isZero();
        assertThat(cells(tracker)).isZero();
        for (int zone = 0; zone < 0x100; zone++) {
            assertThat(tracker.zoneLimits().count(zone)).isZero();
        }
    }

    @Test
    void extensionsComeBackWithTheirConnections() {
        TrackerFixture ct = new TrackerFixture(0, 1000);
        CtRequest nat = CtRequest.commit(0)
                .with(new NatRequest(
                        NatRequest.Kind.SOURCE,
                        false,
                        0,
                        0x0a000009,
                        0,
                        0x0a000009,
                        0,
                        0,
                        false,
                        NatRequest.Choice.DEFAULT));
        for (int round = 0; round < 2000; round++) {
            for (int i = 1; i <= 50; i++) {
                ct.send(udp("10.0.0.1:" + i + " > 10.0.0.2:" + (round + 1)).packet(), nat);
                ct.commit(udp("[fc00::1]:" + i + " > [fc00::2]:" + (round + 1)));
                ct.send(
                        udp("10.0.1.1:" + i + " > 10.0.0.2:" + (round + 1)).packet(),
                        new CtRequest(0, true, false, 0, 0, 1, 1, -1, -1));
            }
            ct.tracker.flush(null, 0);
        }
        assertThat(ct.tracker.table().entries.end()).isLessThanOrEqualTo(150);
        assertThat(ct.tracker.table().entries.extensionsEnd()).isLessThanOrEqualTo(150);
    }

    @Test
    void aFloodBeyondTheLimitIsCountedAndHarmsNobody() {
        TrackerFixture ct = new TrackerFixture(0, 1000);
        ct.commit(udp("10.9.0.1:1 > 10.9.0.2:2"));
        for (int i = 0; i < 20_000; i++) {
            ct.commit(udp("10.0." + (i >> 8) + "." + (i & 0xff) + ":7 > 10.0.0.2:2"));
            if (i % 1000 == 0) {
                assertThat(ct.look(udp("10.9.0.2:2 > 10.9.0.1:1"))).isEqualTo("est|rpl");
            }
        }
        assertThat(ct.tracker.connectionCount()).isEqualTo(1000);
        assertThat(ct.tracker.refusals()).isEqualTo(20_000 - 999);
        assertThat(ct.tracker.table().entries.end()).isEqualTo(1000);
    }
}
