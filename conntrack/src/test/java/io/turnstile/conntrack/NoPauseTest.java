package io.turnstile.conntrack;

import static io.turnstile.packet.Frames.udp;
import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.time.ManualClock;
import java.time.Duration;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How much one step does of what concerns all connections, counted and not timed. */
class NoPauseTest {
    private static final NatRequest TO_OTHER_ADDRESS = new NatRequest(
            NatRequest.Kind.SOURCE, false, 0, 0x0a00_0909, 0, 0x0a00_0909, 0, 0, false, NatRequest.Choice.DEFAULT);
    /** Gives way to a tuple that is taken, else the reply tuple is the original one turned round. */
    private static final NatRequest TO_SAME_ADDRESS =
            new NatRequest(NatRequest.Kind.SOURCE, false, 0, 0, 0, 0, 0, 0, false, NatRequest.Choice.DEFAULT);

    private static final CtRequest COMMIT = CtRequest.commit(0);
    private static final CtRequest LOOK = CtRequest.lookup(0);
    private static final long LIFE_NS = TimeoutPolicy.DEFAULT.ns(Timeout.UDP_FIRST);

    private final ManualClock clock = new ManualClock(0, 0);
    private final PacketBatch batch = new PacketBatch();

    private Packet send(ConnectionTracker tracker, int number, CtRequest request) {
        Packet packet = udp("10.0.0.1:" + (1 + number % 60_000) + " > 10.0.0.2:" + (1 + number / 60_000))
                .packet();
        batch.clear();
        batch.add(packet);
        tracker.track(batch, request, clock.nowNs());
        return packet;
    }

    private ConnectionTracker full(int connections) {
        ConnectionTracker tracker = new ConnectionTracker(clock, connections);
        for (int i = 0; i < connections; i++) {
            send(tracker, i, COMMIT);
        }
        assertThat(tracker.connectionCount()).isEqualTo(connections);
        return tracker;
    }

    private void expectFound(ConnectionTracker tracker, int first, int last) {
        for (int i = first; i < last; i++) {
            assertThat(send(tracker, i, LOOK).ctConnection())
                    .as("connection %d", i)
                    .isNotZero();
        }
    }

    // ---- the start ----

    /** Random hashes write to all of an index's pages at once: the first packets would have each of them made. */
    @Test
    void theSweepAsksForTheIndexsMemoryBeforeThereAreConnections() {
        ConnectionTracker tracker = new ConnectionTracker(clock, 1_000_000);
        TupleIndex index = tracker.table().index;
        assertThat(index.pieces()).isGreaterThan(4);
        while (index.piecesTouched() < index.pieces()) {
            int before = index.piecesTouched();
            long pauseNs = tracker.sweep(clock.nowNs());
            assertThat(index.piecesTouched() - before).isBetween(1, 4);
            assertThat(pauseNs == 0).as("there is more to do").isEqualTo(index.piecesTouched() < index.pieces());
        }
    }

    // ---- growth ----

    /** Small, and large enough for pages of 2 MiB. */
    @ParameterizedTest
    @ValueSource(ints = {2_000, 80_000})
    void aNewConnectionCarriesTheGrowthOnByABoundedShare(int connections) {
        ConnectionTracker tracker = full(connections);
        ConnectionTable table = tracker.table();
        TupleIndex before = table.index;
        tracker.setMaxConnections(8 * connections);
        IndexGrowth growth = table.growth();
        assertThat(growth).as("nobody has waited for it").isNotNull();
        assertThat(table.index).isSameAs(before);
        int made = connections;
        while (table.growth() != null) {
            int slots = growth.progress();
            int pieces = growth.piecesTouched();
            send(tracker, made++, COMMIT);
            assertThat(growth.progress() - slots).isLessThanOrEqualTo(growth.mostSlotsOfCommit());
            assertThat(growth.piecesTouched() - pieces).isLessThanOrEqualTo(1);
        }
        assertThat(growth.mostSlotsOfCommit()).isBetween(64, 80);
        assertThat(made).as("over before the index in use is crowded").isLessThan(before.capacity() * 7 / 5);
        assertThat(table.index).isNotSameAs(before);
        assertThat(table.index.capacity()).isGreaterThan(8 * connections);
        expectFound(tracker, 0, made);
        expectNothingLeft(tracker);
    }

    @Test
    void packetsOfKnownConnectionsDoNothingForTheGrowth() {
        ConnectionTracker tracker = full(2_000);
        tracker.setMaxConnections(20_000);
        expectFound(tracker, 0, 2_000);
        IndexGrowth growth = tracker.table().growth();
        assertThat(growth).isNotNull();
        assertThat(growth.progress()).isZero();
        assertThat(growth.isOpen()).isFalse();
    }

    @Test
    void theSweepCarriesTheGrowthOnByItself() {
        ConnectionTracker tracker = full(80_000);
        tracker.setMaxConnections(1_000_000);
        IndexGrowth growth = tracker.table().growth();
        assertThat(growth).isNotNull();
        long pauseNs = 0;
        for (int sweeps = 0; tracker.table().growth() != null; sweeps++) {
            assertThat(pauseNs).as("there is more to do").isZero();
            int before = growth.progress();
            pauseNs = tracker.sweep(clock.nowNs());
            assertThat(growth.progress() - before).isLessThanOrEqualTo(1 << 15);
            assertThat(sweeps).isLessThan(20);
        }
        assertThat(pauseNs).isPositive();
        tracker.sweep(clock.nowNs()); // gives the memory of the index before back
        expectFound(tracker, 0, 80_000);
        expectNothingLeft(tracker);
    }

    /** Translated connections have two cells: the index grows by itself, again and again, and nobody sweeps. */
    @Test
    void anIndexThatBecomesCrowdedGrowsByItself() {
        for (NatRequest nat : new NatRequest[] {TO_OTHER_ADDRESS, TO_SAME_ADDRESS}) {
            ConnectionTracker tracker = new ConnectionTracker(clock, 20_000);
            ConnectionTable table = tracker.table();
            int growths = 0;
            IndexGrowth last = null;
            for (int i = 0; i < 20_000; i++) {
                send(tracker, i, COMMIT.with(nat));
                IndexGrowth growth = table.growth();
                growths += growth != null && growth != last ? 1 : 0;
                last = growth != null ? growth : last;
                int cells = 2 * tracker.connectionCount();
                assertThat(cells).isLessThan(table.index.capacity() * 7 / 5);
            }
            assertThat(growths).isPositive();
            assertThat(tracker.connectionCount()).isEqualTo(20_000);
            expectFound(tracker, 0, 20_000);
            expectNothingLeft(tracker);
        }
    }

    /** A limit of the address space, or a system that promises nothing that it may not have. */
    @Test
    void anIndexForWhichThereIsNoMemoryServesOnAndGrowsLater() {
        ConnectionTracker tracker = new ConnectionTracker(clock, 5_000);
        ConnectionTable table = tracker.table();
        AtomicInteger asked = new AtomicInteger();
        IntFunction<TupleIndex> maker = table.indexMaker;
        table.indexMaker = _ -> {
            asked.incrementAndGet();
            throw new OutOfMemoryError("as the test wants it");
        };
        int made = 0;
        for (; made < table.index.capacity(); made++) {
            send(tracker, made, COMMIT.with(TO_OTHER_ADDRESS));
        }
        assertThat(asked).as("once, not by each connection").hasValue(1);
        assertThat(2 * tracker.connectionCount())
                .as("nine tenths of the cells")
                .isBetween(table.index.capacity() * 3 / 2, table.index.capacity() * 3 / 2 + 2);
        assertThat(tracker.refusals()).isEqualTo(made - tracker.connectionCount());
        expectFound(tracker, 0, tracker.connectionCount());
        tracker.sweep(clock.nowNs());
        send(tracker, made, COMMIT);
        send(tracker, made, COMMIT);
        assertThat(asked).as("once after a sweep").hasValue(2);
        tracker.setMaxConnections(6_000);
        assertThat(tracker.maxConnections()).isEqualTo(6_000);
        table.indexMaker = maker;
        tracker.sweep(clock.nowNs());
        assertThat(send(tracker, made, COMMIT).ctConnection())
                .as("it only begins")
                .isZero();
        while (tracker.sweep(clock.nowNs()) == 0) {
            assertThat(table.growth()).isNotNull();
        }
        assertThat(send(tracker, made, COMMIT).ctConnection()).isNotZero();
        expectNothingLeft(tracker);
    }

    /** Removed connections that are held have slots and no cells: the share is larger then, and the growth ends. */
    @Test
    void theGrowthEndsThoughThereAreManyMoreSlotsThanCells() {
        Carrier carrier = new Carrier();
        carrier.keepsRemoved = true;
        ConnectionTracker tracker = new ConnectionTracker(clock, 1_000);
        tracker.setListener(carrier);
        int made = 0;
        for (; made < 20_000; made++) {
            send(tracker, made, COMMIT);
            if (made % 1_000 == 999) {
                tracker.flush(null, clock.nowNs());
            }
        }
        tracker.setMaxConnections(10_000);
        int first = made;
        while (tracker.table().growth() != null) {
            send(tracker, made++, COMMIT);
        }
        assertThat(made - first).isLessThan(1_000);
        expectFound(tracker, first, made);
    }

    private void expectNothingLeft(ConnectionTracker tracker) {
        tracker.flush(null, clock.nowNs());
        assertThat(tracker.connectionCount()).isZero();
        tracker.visitBuckets((bucket, cells) -> assertThat(cells).isZero());
        assertThat(tracker.table().index.displacement()).isZero();
    }

    // ---- who has lost his core ----

    @Test
    void whoLosesHisCoreInAStripeKeepsFewOthersWaiting() {
        int connections = 20_000;
        ConnectionTracker tracker = new ConnectionTracker(clock, 100_000);
        Map<Object, Integer> byStripe = new IdentityHashMap<>();
        for (int i = 0; i < connections; i++) {
            long id = send(tracker, i, COMMIT).ctConnection();
            long entry = tracker.table().entries.entry(ConnectionTable.slot(id));
            byStripe.merge(tracker.table().stripe(tracker.table().hash.ofOriginal(entry)), 1, Integer::sum);
        }
        assertThat(byStripe.values()).as("of 20 000").allMatch(together -> together < 40);
    }

    /** Commits that find a wheel in somebody's hands leave their slots there. */
    @Test
    void newConnectionsDoNotWaitForAWheelAndExpireAllTheSame() throws Exception {
        ConnectionTracker tracker = new ConnectionTracker(clock, 10_000);
        ExpiryWheel[] wheels = tracker.table().wheels();
        for (ExpiryWheel wheel : wheels) {
            wheel.taken.set(true);
        }
        Thread other = Thread.ofPlatform().start(() -> {
            for (int i = 0; i < 5_000; i++) {
                send(tracker, i, COMMIT);
            }
        });
        other.join(); // with the wheels held
        assertThat(tracker.connectionCount()).isEqualTo(5_000);
        for (ExpiryWheel wheel : wheels) {
            wheel.taken.set(false);
        }
        clock.advance(Duration.ofNanos(LIFE_NS));
        tracker.sweepAll(clock.nowNs());
        assertThat(tracker.connectionCount()).isZero();
    }

    /** However many have left theirs while the wheel was held; nor does it come back for more. */
    @Test
    void aNewConnectionQueuesFewOfThoseThatOthersHaveLeft() throws Exception {
        int slots = 500;
        EntryTable entries = new EntryTable(slots, false);
        ExpiryWheel wheel = new ExpiryWheel(entries, 0);
        wheel.taken.set(true);
        Thread.ofPlatform()
                .start(() -> IntStream.range(1, slots).forEach(_ -> schedule(wheel, entries, entries.take())))
                .join();
        wheel.taken.set(false);
        long[] before = sides(entries, slots);
        schedule(wheel, entries, entries.take());
        assertThat(changed(before, sides(entries, slots)))
                .isBetween(1L, 1L + ExpiryWheel.TAKEN_IN_BY_COMMIT)
                .isLessThan(20);
        wheel.advance(LIFE_NS);
        assertThat(wheel.poll(new int[slots + 1])).isEqualTo(slots);
    }

    private static void schedule(ExpiryWheel wheel, EntryTable entries, int slot) {
        OffHeap.putLong(entries.entry(slot) + EntryLayout.DEADLINE, LIFE_NS);
        wheel.schedule(slot);
    }

    // ---- expiry ----

    @Test
    void aSweepLooksAtABoundedNumberOfSlots() {
        int connections = 3 * ConnectionTracker.SWEEP_LENGTH;
        ConnectionTracker tracker = full(connections);
        clock.advance(Duration.ofNanos(LIFE_NS));
        int left = connections;
        while (tracker.sweep(clock.nowNs()) == 0) {
            int looked = left - tracker.connectionCount();
            assertThat(looked)
                    .isBetween(
                            ConnectionTracker.SWEEP_LENGTH,
                            ConnectionTracker.SWEEP_LENGTH + ConnectionTracker.POLL_LENGTH);
            left -= looked;
            assertThat(send(tracker, connections + left, COMMIT).ctConnection()).isNotZero();
            left++;
        }
        assertThat(tracker.connectionCount()).as("those that are new").isEqualTo(3);
    }

    @Test
    void sweepAllGoesOnFromWhereASweepHasStoppedAndBeginsAnew() {
        int connections = 2 * ConnectionTracker.SWEEP_LENGTH;
        ConnectionTracker tracker = full(connections);
        clock.advance(Duration.ofNanos(LIFE_NS));
        tracker.sweep(clock.nowNs());
        assertThat(tracker.connectionCount()).isPositive();
        for (int i = 0; i < 100; i++) {
            send(tracker, connections + i, COMMIT); // some of them on wheels that the sweep has passed
        }
        clock.advance(Duration.ofNanos(LIFE_NS));
        tracker.sweepAll(clock.nowNs());
        assertThat(tracker.connectionCount()).isZero();
    }

    /** Commits wait for the wheel's lock as long as that many slots take, however many have come due. */
    @Test
    void theWheelsLockIsHeldForABoundedNumberOfSlots() {
        int slots = 1_000;
        EntryTable entries = new EntryTable(slots, false);
        ExpiryWheel wheel = new ExpiryWheel(entries, 0);
        for (int i = 0; i < slots; i++) {
            schedule(wheel, entries, entries.take());
        }
        long[] before = sides(entries, slots);
        wheel.advance(LIFE_NS);
        assertThat(changed(before, sides(entries, slots))).isZero();
        int[] taken = new int[ConnectionTracker.POLL_LENGTH];
        int sum = 0;
        int count;
        do {
            before = sides(entries, slots);
            count = wheel.poll(taken);
            sum += count;
            assertThat(changed(before, sides(entries, slots)))
                    .as("what was taken, and the next one")
                    .isLessThanOrEqualTo(taken.length + 1);
        } while (count > 0);
        assertThat(sum).isEqualTo(slots);
    }

    /** What the wheel writes into the slots' side records. */
    private static long[] sides(EntryTable entries, int slots) {
        return LongStream.range(0, slots)
                .map(slot -> OffHeap.getLong(entries.side((int) slot)) * 31
                        + OffHeap.getUnsignedShort(entries.side((int) slot) + EntryLayout.WHEEL_BUCKET))
                .toArray();
    }

    private static long changed(long[] before, long[] after) {
        return IntStream.range(0, before.length)
                .filter(i -> before[i] != after[i])
                .count();
    }
}
