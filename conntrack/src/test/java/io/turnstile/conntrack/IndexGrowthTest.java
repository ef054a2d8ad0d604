package io.turnstile.conntrack;

import static io.turnstile.packet.Frames.udp;
import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.time.ManualClock;
import java.util.BitSet;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * One thread's connections come and go at every stage of the index's growth, translated ones (to another tuple, to the
 * same) among them: those that are there are found, and as soon as an index is in use it has just their cells.
 */
class IndexGrowthTest {
    private static final int TUPLES = 3000;
    private static final int STEPS = 20_000;
    private static final int FIRST_LIMIT = 1500;

    private final ConnectionTracker tracker = new ConnectionTracker(new ManualClock(0, 0), FIRST_LIMIT);
    private final ConnectionTable table = tracker.table();
    private final BitSet there = new BitSet();
    private final PacketBatch batch = new PacketBatch();
    private final CtRequest[] commits = {
        CtRequest.commit(0), commitTo(0), commitTo(0x0a00_0909),
    };

    private static CtRequest commitTo(long address) {
        return CtRequest.commit(0)
                .with(new NatRequest(
                        NatRequest.Kind.SOURCE, false, 0, address, 0, address, 0, 0, false, NatRequest.Choice.DEFAULT));
    }

    private Packet send(int number, CtRequest request) {
        Packet packet = udp("10.0.0.1:" + (1000 + number) + " > 192.0.2.1:" + (10_000 + number))
                .packet();
        batch.clear();
        batch.add(packet);
        tracker.track(batch, request, 0);
        return packet;
    }

    private int cells() {
        int[] cells = new int[1];
        tracker.visitBuckets((bucket, used) -> cells[0] += used);
        return cells[0];
    }

    private int expectedCells() {
        // Every third tuple is not translated.
        return there.stream().map(number -> number % 3 == 0 ? 1 : 2).sum();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void thereAreTheCellsOfWhoIsThere(long seed) {
        Random random = new Random(seed);
        int growths = 0;
        IndexGrowth last = null;
        for (int step = 0; step < STEPS; step++) {
            int number = random.nextInt(TUPLES);
            if (random.nextInt(100) == 0) {
                tracker.setMaxConnections(FIRST_LIMIT + step);
            }
            if (random.nextInt(50) == 0) {
                table.tend();
            }
            comeOrGo(number, random);
            IndexGrowth growth = table.growth();
            boolean replaced = growth != last;
            growths += replaced ? 1 : 0;
            last = growth;
            if (replaced || step % 1000 == 0) {
                assertThat(cells()).as("step %d", step).isEqualTo(expectedCells());
            }
        }
        assertThat(growths).isGreaterThan(10);
        tracker.sweepAll(0);
        assertThat(table.growth()).isNull();
        assertThat(cells()).isEqualTo(expectedCells());
        tracker.flush(null, 0);
        assertThat(cells()).isZero();
        assertThat(table.index.displacement()).isZero();
        assertThat(table.entries.slotsTaken()).isZero();
    }

    private void comeOrGo(int number, Random random) {
        Packet looked = send(number, CtRequest.lookup(0));
        assertThat(looked.ctConnection() != Conntrack.NO_CONNECTION)
                .as("tuple %d is there", number)
                .isEqualTo(there.get(number));
        if (!there.get(number)) {
            there.set(number, send(number, commits[number % 3]).ctConnection() != Conntrack.NO_CONNECTION);
        } else if (random.nextInt(3) > 0) {
            long locked = table.lock(looked.ctConnection());
            table.removeLocked(ConnectionTable.slot(looked.ctConnection()), locked, AuditCause.FLUSHED, 0);
            there.clear(number);
        }
    }
}
