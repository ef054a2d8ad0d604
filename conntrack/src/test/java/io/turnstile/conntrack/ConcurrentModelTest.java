package io.turnstile.conntrack;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.ConnectionListener.RemovalReason;
import io.turnstile.conntrack.NaiveTracker.Connection;
import io.turnstile.conntrack.NaiveTracker.Tuple;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.time.ManualClock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Three threads with tuples of their own, each of which knows exactly what its packets must meet, on one tracker, where
 * a fourth lets time pass, sweeps, flushes (all, a zone, what a filter names), changes the limit, walks the table,
 * carries some connections and releases what the listener holds. A connection may go at any moment, but only with a
 * report, only for a reason that was there, and only once.
 *
 * <p>{@code -Drace.millis=…} sets how long it goes on.
 */
class ConcurrentModelTest {
    private static final int OWNERS = 3;
    private static final int PAIRS = 40;
    private static final int ZONES = 4;
    private static final int LARGEST = 3000;
    private static final int OUTSIDE = 0xffff;
    /**
     * Each owner's packets are translated to an address of its own, so that no other's can take a place that was freed.
     */
    private static final int FIRST_PUBLIC = 0xff00;

    private static final long PATIENCE_NS = TimeUnit.SECONDS.toNanos(30);

    private record Removal(RemovalReason reason, long nowNs) {}

    private final Set<Long> committed = ConcurrentHashMap.newKeySet();
    private final Map<Long, Removal> removed = new ConcurrentHashMap<>();
    private final Set<Long> established = ConcurrentHashMap.newKeySet();
    /** Held once, and let go of at any time. */
    private final Set<Long> carried = ConcurrentHashMap.newKeySet();
    /** When somebody was asked about it. */
    private final Map<Long, Long> asked = new ConcurrentHashMap<>();

    private final Queue<Long> held = new ConcurrentLinkedQueue<>();
    private final Queue<String> faults = new ConcurrentLinkedQueue<>();
    private final AtomicLong refused = new AtomicLong();
    private final AtomicLong nowNs = new AtomicLong();
    private final AtomicInteger working = new AtomicInteger(OWNERS);
    private ConnectionTracker tracker;

    @ParameterizedTest
    @ValueSource(longs = {0, Long.MAX_VALUE - 40_000_000_000L})
    void everyOwnerMeetsWhatItKnows(long originNs) throws Exception {
        nowNs.set(originNs);
        tracker = new ConnectionTracker(new ManualClock(originNs, 0), 100);
        tracker.setListener(new Recorder());
        List<Owner> owners = new ArrayList<>();
        List<Callable<Void>> tasks = new ArrayList<>();
        for (int i = 0; i < OWNERS; i++) {
            Owner owner = new Owner(i);
            owners.add(owner);
            tasks.add(owner);
        }
        tasks.add(new Chaos());
        try (ExecutorService threads = Executors.newFixedThreadPool(tasks.size())) {
            for (Future<Void> one : tasks.stream().map(threads::submit).toList()) {
                one.get(120, TimeUnit.SECONDS);
            }
        }
        assertThat(faults).isEmpty();
        allIsAsTheOwnersKnow(owners);
        nothingIsLeftAfterAll();
    }

    private void allIsAsTheOwnersKnow(List<Owner> owners) {
        Map<Long, Connection> known = new HashMap<>();
        owners.forEach(owner -> owner.connections.values().stream()
                .filter(one -> !removed.containsKey(one.id))
                .forEach(one -> known.put(one.id, one)));
        assertThat(committed).containsAll(removed.keySet());
        assertThat(tracker.connectionCount())
                .isEqualTo(committed.size() - removed.size())
                .isEqualTo(known.size());
        assertThat(tracker.refusals()).isEqualTo(refused.get());
        Set<Tuple> tuples = new HashSet<>();
        int[] ofZone = new int[ZONES];
        known.values().forEach(connection -> {
            ConnectionSnapshot seen = new ConnectionSnapshot();
            assertThat(tracker.read(connection.id, seen, nowNs.get())).isTrue();
            assertThat(UdpPackets.read(seen.original, seen.zone, seen.ipv6)).isEqualTo(connection.original);
            assertThat(UdpPackets.read(seen.reply, seen.zone, seen.ipv6)).isEqualTo(connection.reply);
            assertThat(seen.mark).isEqualTo(connection.mark);
            assertThat(seen.labelHigh).isEqualTo(connection.labelHigh);
            if (!asked.containsKey(connection.id)) {
                assertThat(seen.timeLeftNs).isEqualTo(connection.deadlineNs - nowNs.get());
            }
            assertThat(tuples.add(connection.original)).isTrue();
            assertThat(tuples.add(connection.reply)).isTrue();
            ofZone[seen.zone]++;
        });
        for (int zone = 0; zone < ZONES; zone++) {
            assertThat(tracker.zoneLimits().count(zone)).isEqualTo(ofZone[zone]);
        }
        owners.forEach(Owner::lookEverywhere);
        assertThat(faults).isEmpty();
    }

    private void nothingIsLeftAfterAll() {
        EntryTable entries = tracker.table().entries;
        assertThat(entries.slotsTaken()).isEqualTo(tracker.connectionCount() + held.size());
        tracker.flush(null, nowNs.get());
        assertThat(removed.keySet()).isEqualTo(committed);
        held.forEach(tracker::release);
        assertThat(tracker.connectionCount()).isZero();
        assertThat(entries.slotsTaken()).isZero();
        assertThat(entries.extensionsTaken()).isZero();
        assertThat(tracker.table().index.displacement()).isZero();
        tracker.visitBuckets((bucket, connections) -> assertThat(connections).isZero());
        for (int zone = 0; zone < ZONES; zone++) {
            assertThat(tracker.zoneLimits().count(zone)).isZero();
        }
    }

    /** Writes down who comes and goes, and holds every third that goes. */
    private final class Recorder implements ConnectionListener {
        @Override
        public void onCommitted(long connectionId, int inPort, long now) {
            if (!committed.add(connectionId)) {
                faults.add("committed twice: " + connectionId);
            }
        }

        @Override
        public void onEstablished(long connectionId, long now) {
            if (!established.add(connectionId)) {
                faults.add("established twice: " + connectionId);
            }
        }

        @Override
        public void onChanged(long connectionId, int changes, long now) {
            if (changes != PORT_CHANGED && !carried.contains(connectionId)) {
                faults.add("changes of what nobody carries: " + connectionId);
            }
        }

        @Override
        public boolean onDeadline(long connectionId, long now) {
            if (!carried.contains(connectionId)) {
                faults.add("asked about what nobody carries: " + connectionId);
            }
            asked.put(connectionId, now);
            return connectionId % 5 != 0;
        }

        @Override
        public boolean isAwaited(long connectionId) {
            Long since = asked.get(connectionId);
            if (since == null) {
                faults.add("awaited without a question: " + connectionId);
            }
            return since != null && nowNs.get() - since < TimeUnit.SECONDS.toNanos(2);
        }

        @Override
        public boolean onRemoved(long connectionId, RemovalReason reason, long now) {
            boolean hold = connectionId % 3 == 0;
            if (hold) {
                held.add(connectionId);
            }
            if (removed.put(connectionId, new Removal(reason, now)) != null) {
                faults.add("removed twice: " + connectionId);
            }
            return hold;
        }
    }

    /** Sends packets of its tuples and compares. */
    private final class Owner implements Callable<Void> {
        final int number;
        final Random random;
        final NatRequest nat;
        final PacketBatch batch = new PacketBatch();
        /** By the original tuple, turned so that it leads outside. */
        final Map<Tuple, Connection> connections = new HashMap<>();

        final Map<Tuple, Packet> packets = new HashMap<>();

        Owner(int number) {
            this.number = number;
            this.random = new Random(number);
            long address = UdpPackets.address(false, FIRST_PUBLIC + number);
            this.nat = new NatRequest(
                    NatRequest.Kind.SOURCE, false, 0, address, 0, address, 0, 0, false, NatRequest.Choice.DEFAULT);
        }

        /** Tuples with an even number of a pair are translated if they are of IPv4. */
        private Tuple tuple(int pair, boolean ipv6) {
            return new Tuple(pair % ZONES, ipv6, number << 8 | pair + 1, 1000 + pair, OUTSIDE, 80);
        }

        @Override
        public Void call() {
            long endNs = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(Integer.getInteger("race.millis", 2500));
            try {
                while (System.nanoTime() - endNs < 0 && faults.isEmpty()) {
                    step(tuple(random.nextInt(PAIRS), random.nextBoolean()), random.nextInt(3) == 0);
                }
            } finally {
                working.decrementAndGet();
            }
            return null;
        }

        void lookEverywhere() {
            for (int pair = 0; pair < PAIRS; pair++) {
                step(tuple(pair, false), false);
                step(tuple(pair, true), false);
            }
        }

        /** One batch of one direction of the tuple. */
        private void step(Tuple tuple, boolean commit) {
            boolean translated = !tuple.ipv6() && tuple.sourcePort() % 2 == 0;
            Connection known = connections.get(tuple);
            boolean reply = random.nextBoolean() && !(translated && (commit || known == null));
            boolean force = commit && !translated && random.nextInt(4) == 0;
            Tuple sent = !reply ? tuple : known != null && translated ? known.reply : tuple.turned();
            long half = commit ? random.nextLong() | 1 : 0;
            CtRequest request = new CtRequest(
                    tuple.zone(),
                    commit,
                    force,
                    (int) half,
                    commit ? -1 : 0,
                    half,
                    ~half,
                    commit ? -1 : 0,
                    commit ? -1 : 0,
                    !translated ? null : reply ? NatRequest.ANY : nat,
                    Alg.NONE,
                    0);
            long now = nowNs.get();
            Removal before = known == null ? null : removed.get(known.id);
            Packet packet = send(sent, request, now);
            long id = packet.ctConnection();
            if (known != null && id == known.id) {
                check(before == null, "found after its removal", known);
                follow(known, sent, packet, request, now);
                return;
            }
            if (known != null) {
                gone(known, force, sent, now);
                connections.remove(tuple);
            }
            check(
                    (packet.ctState() & CtState.NEW) != 0 && (packet.ctState() & (CtState.EST | CtState.RPL)) == 0,
                    "state of no connection: " + TrackerFixture.state(packet),
                    known);
            check(commit || id == Conntrack.NO_CONNECTION, "somebody else's connection", known);
            if (commit && id == Conntrack.NO_CONNECTION) {
                refused.incrementAndGet();
            } else if (commit) {
                connections.put(tuple, made(sent, packet, request, now));
            }
        }

        private Packet send(Tuple tuple, CtRequest request, long now) {
            Packet packet =
                    request.nat() == null ? packets.computeIfAbsent(tuple, UdpPackets::of) : UdpPackets.of(tuple);
            packet.clearConntrack();
            batch.clear();
            batch.add(packet);
            check(tracker.track(batch, request, now) == 0, "dropped", null);
            return packet;
        }

        private Connection made(Tuple tuple, Packet packet, CtRequest request, long now) {
            Connection made = new Connection(tuple);
            made.id = packet.ctConnection();
            made.reply = UdpPackets.read(packet, tuple.zone(), tuple.ipv6()).turned();
            made.source = request.nat() != null;
            made.deadlineNs = now + TimeoutPolicy.DEFAULT.ns(Timeout.UDP_FIRST);
            write(made, request);
            check(made.source == ((packet.ctState() & CtState.SNAT) != 0), "translation of the first packet", made);
            expectMetadata(made, packet);
            return made;
        }

        private void follow(Connection known, Tuple sent, Packet packet, CtRequest request, long now) {
            boolean reply = !sent.equals(known.original);
            NaiveTracker rules = new NaiveTracker();
            rules.follow(new NaiveTracker.Finding(known, reply), now);
            write(known, request);
            int state = !known.answered ? CtState.NEW : reply ? CtState.EST | CtState.RPL : CtState.EST;
            int translation = !known.source ? 0 : reply ? CtState.DNAT : CtState.SNAT;
            check(
                    packet.ctState() == (CtState.TRK | state | translation),
                    "state " + TrackerFixture.state(packet) + " of a packet " + sent,
                    known);
            check(
                    UdpPackets.read(packet, sent.zone(), sent.ipv6())
                            .equals(reply ? known.original.turned() : known.reply.turned()),
                    "translation",
                    known);
            expectMetadata(known, packet);
        }

        private void write(Connection connection, CtRequest request) {
            if (request.commit()) {
                connection.mark = request.mark();
                connection.labelHigh = request.labelHigh();
                connection.labelLow = request.labelLow();
            }
        }

        private void expectMetadata(Connection known, Packet packet) {
            check(
                    packet.ctMark() == known.mark
                            && packet.ctLabelHigh() == known.labelHigh
                            && packet.ctLabelLow() == known.labelLow,
                    "mark or label",
                    known);
            check(
                    packet.ctOriginal().sourcePort == known.original.sourcePort()
                            && (packet.ctOriginal().sourceLow & 0xffff) == known.original.source(),
                    "original tuple",
                    known);
        }

        /** The connection was not met: it must have been removed for a reason, or have been about to be. */
        private void gone(Connection known, boolean force, Tuple sent, long now) {
            boolean over = NaiveTracker.isOver(known, now);
            Removal removal = over ? removed.get(known.id) : awaitRemoval(known);
            if (removal == null) {
                check(over, "neither met nor removed", known);
                return;
            }
            switch (removal.reason) {
                case EXPIRED -> check(NaiveTracker.isOver(known, removal.nowNs), "expired too early", known);
                case REPLACED -> check(force && !sent.equals(known.original), "replaced by nobody", known);
                case FLUSHED -> {
                    // At any time.
                }
            }
        }

        /** The report comes a moment after the connection has become unfindable. */
        private Removal awaitRemoval(Connection known) {
            long endNs = System.nanoTime() + PATIENCE_NS;
            Removal removal = removed.get(known.id);
            while (removal == null && System.nanoTime() - endNs < 0) {
                Thread.yield();
                removal = removed.get(known.id);
            }
            return removal;
        }

        private void check(boolean holds, String what, Connection known) {
            if (!holds) {
                faults.add("owner " + number + ": " + what
                        + (known == null
                                ? ""
                                : ", connection " + known.id + " " + known.original + ", removed: "
                                        + removed.get(known.id)));
            }
        }
    }

    /** What goes on beside the packets. */
    private final class Chaos implements Callable<Void> {
        private final Random random = new Random(99);
        private final ConnectionSnapshot snapshot = new ConnectionSnapshot();

        @Override
        public Void call() {
            while (working.get() > 0) {
                long now = nowNs.addAndGet(random.nextInt(200_000_000));
                switch (random.nextInt(12)) {
                    case 0 -> tracker.flush(random.nextInt(ZONES), now);
                    case 1 -> tracker.flushMatching(seen -> (seen.mark & 6) == 6, now);
                    case 2 -> tracker.setMaxConnections(random.nextInt(4) == 0 ? 50 : random.nextInt(LARGEST));
                    case 3 -> {
                        if (random.nextInt(20) == 0) {
                            tracker.flush(null, now);
                        }
                    }
                    case 4 -> walk(now);
                    case 5 -> {
                        if (random.nextInt(8) == 0) {
                            tracker.forgetPorts(port -> port == 0);
                        }
                        walk(now);
                    }
                    case 6, 7 -> releaseSome(now);
                    default -> tracker.sweep(now);
                }
                Thread.yield();
            }
            return null;
        }

        private void walk(long now) {
            for (long cursor = 0; cursor >= 0; ) {
                cursor = tracker.scan(
                        cursor,
                        64,
                        seen -> {
                            if (seen.connectionId % 7 == 0) {
                                carry(seen);
                            }
                            if (seen.labelHigh != ~seen.labelLow
                                    || seen.mark != (int) seen.labelHigh
                                    || seen.original.sourceLow != seen.reply.destinationLow
                                            && (seen.reply.destinationLow & 0xff00) != FIRST_PUBLIC) {
                                faults.add("torn: " + ConntrackDump.line(seen, true, true));
                            }
                        },
                        now);
            }
        }

        private void carry(ConnectionSnapshot seen) {
            carried.add(seen.connectionId);
            if (seen.held && random.nextInt(4) == 0) {
                tracker.unhold(seen.connectionId, null);
            } else {
                tracker.hold(seen.connectionId);
            }
        }

        private void releaseSome(long now) {
            for (Long id = held.poll(); id != null; id = random.nextInt(8) == 0 ? null : held.poll()) {
                boolean readable = tracker.read(id, snapshot, now);
                if (!readable) {
                    faults.add("held, but not readable: " + id);
                }
                tracker.release(id);
                if (tracker.read(id, snapshot, now)) {
                    faults.add("readable after its release: " + id);
                }
            }
        }
    }
}
