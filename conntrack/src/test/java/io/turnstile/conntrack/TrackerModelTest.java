package io.turnstile.conntrack;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.NaiveTracker.Connection;
import io.turnstile.conntrack.NaiveTracker.Finding;
import io.turnstile.conntrack.NaiveTracker.Tuple;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The tracker against {@link NaiveTracker}: random UDP traffic of both families with NAT, marks, labels, zones and
 * timeout policies, while time passes, the table is swept, flushed, limited and enlarged, ports come and go, others
 * carry connections and are asked about their deadlines, and the listener holds what is removed. The seed is the
 * parameter; but for seed 1 the clock wraps on the way.
 */
class TrackerModelTest {
    private static final int STEPS = 12_000;
    private static final int ZONES = 3;
    private static final int PAIRS = 40;
    private static final int PORTS = 5;
    private static final int PUBLIC = 600;
    private static final int FIRST_PORT = 5000;
    private static final int LAST_PORT = 5007;
    private static final int SERVED = 800;
    private static final int SERVER = 801;
    private static final int SERVER_PORT = 8080;
    private static final NatRequest SNAT = nat(NatRequest.Kind.SOURCE, false, PUBLIC, FIRST_PORT, LAST_PORT);
    private static final NatRequest DNAT = nat(NatRequest.Kind.DESTINATION, true, SERVER, SERVER_PORT, SERVER_PORT + 1);

    private final NaiveTracker naive = new NaiveTracker();
    private final List<String> events = new ArrayList<>();
    /** What the listener was told of connections that stay. */
    private final List<String> told = new ArrayList<>();
    /** Those who were asked, and have not answered. */
    private final Set<Long> awaited = new HashSet<>();
    /** Removed, but still readable, by id. */
    private final Map<Long, Tuple> held = new TreeMap<>();

    private final Map<Long, Connection> byId = new HashMap<>();
    private final ConnectionSnapshot snapshot = new ConnectionSnapshot();
    private TrackerFixture ct;
    private Random random;
    private long refusals;
    private long exhaustions;

    private static NatRequest nat(NatRequest.Kind kind, boolean ipv6, int host, int firstPort, int lastPort) {
        long high = UdpPackets.network(ipv6);
        long low = UdpPackets.address(ipv6, host);
        return new NatRequest(kind, ipv6, high, low, high, low, firstPort, lastPort, false, NatRequest.Choice.DEFAULT);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void trackerAgreesWithTheNaiveOne(long seed) {
        random = new Random(seed);
        ct = new TrackerFixture(seed == 1 ? 0 : Long.MAX_VALUE - (random.nextLong() >>> 24), 200);
        ct.tracker.setListener(new Recorder());
        for (int step = 0; step < STEPS; step++) {
            try {
                step();
                assertThat(ct.tracker.connectionCount()).isEqualTo(naive.count());
                if (step % 400 == 0) {
                    compareAll();
                }
            } catch (AssertionError e) {
                throw new AssertionError("seed " + seed + ", step " + step + ": " + e.getMessage(), e);
            }
        }
        assertThat(ct.tracker.refusals()).isEqualTo(refusals).isPositive();
        assertThat(ct.tracker.natExhaustions()).isEqualTo(exhaustions).isPositive();
        nothingIsLeftAfterAll();
    }

    private void step() {
        events.clear();
        told.clear();
        int choice = random.nextInt(1000);
        if (choice < 50) {
            ct.advance(Duration.ofMillis(random.nextInt(choice < 2 ? 90_000 : 4000)));
        } else if (choice < 80) {
            sweep();
        } else if (choice < 85) {
            flush();
        } else if (choice < 100) {
            operate();
        } else if (choice < 130) {
            release();
        } else if (choice < 150) {
            extend();
        } else if (choice < 200) {
            carry();
        } else if (choice < 204) {
            forgetPort();
        } else {
            packet();
        }
    }

    // ---- operators and listeners ----

    private void flush() {
        long now = ct.clock.nowNs();
        int zone = random.nextInt(ZONES);
        switch (random.nextInt(8)) {
            case 0 -> {
                assertThat(ct.tracker.flush(null, now)).isEqualTo(naive.count());
                expectRemoved("FLUSHED", naive.removeIf(connection -> true));
            }
            case 1, 2 -> {
                assertThat(ct.tracker.flush(zone, now)).isEqualTo(naive.count(zone));
                expectRemoved("FLUSHED", naive.removeIf(connection -> connection.original.zone() == zone));
            }
            default -> {
                int bit = 1 << random.nextInt(32);
                // A walk shows nothing of what is over, be it swept or not.
                List<Connection> matching = naive.removeIf(connection -> !NaiveTracker.isOver(connection, now)
                        && connection.original.zone() == zone
                        && (connection.mark & bit) != 0);
                assertThat(ct.tracker.flushMatching(seen -> seen.zone == zone && (seen.mark & bit) != 0, now))
                        .isEqualTo(matching.size());
                expectRemoved("FLUSHED", matching);
            }
        }
    }

    private void operate() {
        switch (random.nextInt(4)) {
            case 0 -> ct.tracker.setMaxConnections(20 + random.nextInt(4) * 100);
            case 1 -> ct.tracker.zoneLimits().set(random.nextInt(ZONES), random.nextInt(60));
            case 2 -> ct.tracker.zoneLimits().clear(random.nextInt(ZONES));
            default -> {
                naive.policies[1] = new TimeoutPolicy(Map.of(
                        Timeout.UDP_FIRST,
                        5L + random.nextInt(90),
                        Timeout.UDP_SINGLE,
                        5L + random.nextInt(90),
                        Timeout.UDP_MULTIPLE,
                        5L + random.nextInt(90)));
                ct.tracker.setTimeoutPolicy(1, naive.policies[1]);
            }
        }
    }

    private void release() {
        for (Map.Entry<Long, Tuple> one : new ArrayList<>(held.entrySet())) {
            if (random.nextInt(3) == 0) {
                long id = one.getKey();
                assertThat(ct.tracker.read(id, snapshot, ct.clock.nowNs())).isTrue();
                assertThat(UdpPackets.read(snapshot.original, snapshot.zone, snapshot.ipv6))
                        .isEqualTo(one.getValue());
                ct.tracker.release(id);
                assertThat(ct.tracker.read(id, snapshot, ct.clock.nowNs())).isFalse();
                held.remove(id);
            }
        }
    }

    private void extend() {
        List<Connection> all = naive.all();
        if (!all.isEmpty()) {
            extend(all.get(random.nextInt(all.size())), ct.clock.nowNs() - random.nextInt(1_000_000_000) * 20L);
        }
    }

    private void extend(Connection chosen, long lastUsedNs) {
        ct.tracker.extend(chosen.id, lastUsedNs);
        naive.extend(chosen, lastUsedNs);
    }

    /** Whoever is carried and past its deadline is asked about, and goes if nobody knows of a use. */
    private void sweep() {
        long now = ct.clock.nowNs();
        List<String> asked = new ArrayList<>();
        List<Connection> gone = new ArrayList<>();
        for (Connection connection : naive.all()) {
            if (NaiveTracker.isOver(connection, now)) {
                gone.add(connection);
            } else if (NaiveTracker.isPast(connection, now)) {
                if (connection.asked && now - connection.deadlineNs >= Conntrack.LONGEST_WAIT_NS) {
                    gone.add(connection);
                } else {
                    asked.add((connection.asked ? "AWAITED " : "DEADLINE ") + connection.id);
                }
            }
        }
        ct.sweep();
        assertThat(told).containsExactlyInAnyOrderElementsOf(asked);
        for (Connection connection : naive.all()) {
            boolean unknown = told.contains("AWAITED " + connection.id) || told.contains("DEADLINE " + connection.id);
            if (unknown && !awaited.contains(connection.id)) {
                gone.add(connection);
            }
        }
        gone.forEach(naive::remove);
        expectRemoved("EXPIRED", gone);
        answer();
    }

    /** Some of those who were asked answer between two sweeps. */
    private void answer() {
        awaited.removeIf(id -> !byId.containsKey(id));
        for (Long id : new ArrayList<>(awaited)) {
            if (random.nextInt(3) == 0) {
                awaited.remove(id);
                if (random.nextBoolean()) {
                    extend(byId.get(id), ct.clock.nowNs() - random.nextInt(1_000_000_000));
                }
            }
        }
    }

    private void carry() {
        List<Connection> all = naive.all();
        if (all.isEmpty()) {
            return;
        }
        Connection chosen = all.get(random.nextInt(all.size()));
        switch (random.nextInt(3)) {
            case 0 -> {
                assertThat(ct.tracker.hold(chosen.id)).isTrue();
                chosen.holds++;
                chosen.asked = false; // one who comes after the deadline is asked, too
            }
            case 1 -> {
                ct.tracker.unhold(chosen.id, null);
                chosen.holds = Math.max(0, chosen.holds - 1);
            }
            default -> {
                assertThat(ct.tracker.awaitEstablished(chosen.id)).isEqualTo(chosen.answered);
                chosen.reported = false;
            }
        }
    }

    private void forgetPort() {
        int port = 1 + random.nextInt(PORTS);
        List<String> expected = new ArrayList<>();
        for (Connection connection : naive.all()) {
            if (NaiveTracker.forgetPort(connection, port)) {
                expected.add("CHANGED " + connection.id + " " + ConnectionListener.PORT_CHANGED);
            }
        }
        ct.tracker.forgetPorts(gone -> gone == port);
        assertThat(told).containsExactlyInAnyOrderElementsOf(expected);
    }

    private void expectRemoved(String reason, List<Connection> gone) {
        List<String> expected = new ArrayList<>();
        for (Connection connection : gone) {
            expected.add(reason + " " + connection.id);
            forget(connection);
        }
        assertThat(events).containsExactlyInAnyOrderElementsOf(expected);
    }

    private void forget(Connection connection) {
        byId.remove(connection.id);
        assertThat(ct.tracker.read(connection.id, snapshot, ct.clock.nowNs()))
                .isEqualTo(held.containsKey(connection.id));
    }

    /** Writes down what it is told, and keeps some of what is removed. */
    private final class Recorder implements ConnectionListener {
        @Override
        public void onCommitted(long connectionId, int inPort, long nowNs) {
            events.add("COMMITTED " + connectionId);
        }

        @Override
        public void onEstablished(long connectionId, long nowNs) {
            told.add("ESTABLISHED " + connectionId);
        }

        @Override
        public void onChanged(long connectionId, int changes, long nowNs) {
            told.add("CHANGED " + connectionId + " " + changes);
        }

        @Override
        public boolean onDeadline(long connectionId, long nowNs) {
            told.add("DEADLINE " + connectionId);
            awaited.remove(connectionId);
            Connection asked = byId.get(connectionId);
            asked.asked = true;
            asked.deadlineNs = nowNs;
            if (random.nextInt(8) == 0) {
                extend(asked, nowNs);
            }
            boolean waits = random.nextInt(3) > 0 || asked.deadlineNs != nowNs;
            if (waits) {
                awaited.add(connectionId);
            }
            return waits;
        }

        @Override
        public boolean isAwaited(long connectionId) {
            told.add("AWAITED " + connectionId);
            return awaited.contains(connectionId);
        }

        @Override
        public boolean onRemoved(long connectionId, RemovalReason reason, long nowNs) {
            events.add(reason + " " + connectionId);
            boolean keep = random.nextInt(3) == 0;
            if (keep) {
                held.put(connectionId, byId.get(connectionId).original);
            }
            return keep;
        }
    }

    // ---- packets ----

    private void packet() {
        int zone = random.nextInt(ZONES);
        int pair = 1 + random.nextInt(PAIRS);
        switch (random.nextInt(4)) {
            case 0 -> plain(new Tuple(zone, false, pair, 1000 + pair, 200, 9000));
            case 1 -> plain(new Tuple(zone, true, pair, 1000 + pair, 200, 9000));
            case 2 -> {
                if (random.nextBoolean()) {
                    send(new Tuple(zone, false, 300 + pair % 12, 2000, 512, 53), SNAT);
                } else {
                    int port = FIRST_PORT - 1 + random.nextInt(LAST_PORT - FIRST_PORT + 3);
                    send(new Tuple(zone, false, 512, 53, PUBLIC, port), NatRequest.ANY);
                }
            }
            default -> {
                int client = 700 + pair % 10;
                if (random.nextBoolean()) {
                    send(new Tuple(zone, true, client, 3000, SERVED, 80), DNAT);
                } else {
                    send(new Tuple(zone, true, SERVER, SERVER_PORT + random.nextInt(2), client, 3000), NatRequest.ANY);
                }
            }
        }
    }

    private void plain(Tuple tuple) {
        send(random.nextBoolean() ? tuple : tuple.turned(), random.nextInt(4) == 0 ? NatRequest.ANY : null);
    }

    private void send(Tuple tuple, NatRequest nat) {
        boolean commit = random.nextInt(3) == 0;
        boolean force = commit && random.nextInt(8) == 0;
        boolean labels = commit && random.nextInt(3) == 0;
        CtRequest request = new CtRequest(
                tuple.zone(),
                commit,
                force,
                random.nextInt(),
                commit ? random.nextInt() : 0,
                random.nextLong(),
                random.nextLong(),
                labels ? random.nextLong() : 0,
                labels ? random.nextLong() : 0,
                nat,
                Alg.NONE,
                random.nextInt(4) / 3);
        Packet packet = UdpPackets.of(tuple);
        int usual = 1 + tuple.source() % PORTS;
        packet.setInPort(random.nextInt(10) == 0 ? 1 + random.nextInt(PORTS) : usual);
        PacketBatch batch = new PacketBatch();
        batch.add(packet);
        long now = ct.clock.nowNs();
        Finding found = naive.find(tuple, now);
        boolean dropped = ct.tracker.track(batch, request, now) != 0;
        if (found != null && force && found.reply()) {
            assertThat(events.removeFirst()).isEqualTo("REPLACED " + found.connection().id);
            naive.remove(found.connection());
            forget(found.connection());
            found = null;
        }
        if (found != null) {
            assertThat(events).isEmpty();
            assertThat(dropped).isFalse();
            follow(found, packet, request);
        } else if (commit) {
            begin(tuple, packet, request, dropped);
        } else {
            assertThat(events).isEmpty();
            expectUnknown(tuple, packet);
        }
    }

    private void follow(Finding found, Packet packet, CtRequest request) {
        Connection connection = found.connection();
        boolean first = !connection.answered;
        long deadlineBefore = connection.deadlineNs;
        naive.follow(found, ct.clock.nowNs());
        String state = !connection.answered ? "new" : found.reply() ? "est|rpl" : "est";
        Tuple sent = found.reply() ? connection.reply : connection.original;
        if (request.nat() != null && connection.isTranslated()) {
            state += connection.source != found.reply() ? "|snat" : "|dnat";
            sent = found.reply() ? connection.original.turned() : connection.reply.turned();
        }
        boolean moved = NaiveTracker.followPort(connection, found.reply(), first, packet.inPort(), deadlineBefore);
        expectTold(connection, moved, request);
        expectKnown(connection, state, sent, packet);
    }

    private void expectTold(Connection connection, boolean moved, CtRequest request) {
        int mark = connection.mark;
        long labelHigh = connection.labelHigh;
        long labelLow = connection.labelLow;
        write(connection, request);
        int changes = moved ? ConnectionListener.PORT_CHANGED : 0;
        if (connection.holds > 0) {
            changes |= mark == connection.mark ? 0 : ConnectionListener.MARK_CHANGED;
            boolean sameLabel = labelHigh == connection.labelHigh && labelLow == connection.labelLow;
            changes |= sameLabel ? 0 : ConnectionListener.LABEL_CHANGED;
        }
        List<String> expected = new ArrayList<>();
        if (connection.answered && !connection.reported) {
            expected.add("ESTABLISHED " + connection.id);
            connection.reported = true;
        }
        if (changes != 0) {
            expected.add("CHANGED " + connection.id + " " + changes);
        }
        assertThat(told).containsExactlyElementsOf(expected);
    }

    private static void write(Connection connection, CtRequest request) {
        connection.mark = masked(connection.mark, request.mark(), request.markMask());
        connection.labelHigh = masked(connection.labelHigh, request.labelHigh(), request.labelMaskHigh());
        connection.labelLow = masked(connection.labelLow, request.labelLow(), request.labelMaskLow());
    }

    private static int masked(int old, int value, int mask) {
        return (int) masked((long) old, value, mask);
    }

    private static long masked(long old, long value, long mask) {
        return old & ~mask | value & mask;
    }

    private void begin(Tuple tuple, Packet packet, CtRequest request, boolean dropped) {
        boolean chooses = request.nat() != null && request.nat().kind() != NatRequest.Kind.EXISTING;
        boolean exhausted = chooses && isExhausted(tuple, request.nat());
        assertThat(dropped).isEqualTo(exhausted);
        if (exhausted) {
            exhaustions++;
            assertThat(events).isEmpty();
            return;
        }
        if (naive.count() >= ct.tracker.maxConnections()) {
            refusals++;
            assertThat(events).isEmpty();
            expectUnknown(tuple, packet);
            return;
        }
        long id = packet.ctConnection();
        boolean made = events.remove("COMMITTED " + id);
        expectDisplaced();
        assertThat(made).isEqualTo(hasRoom(tuple.zone()));
        if (!made) {
            expectUnknown(tuple, packet);
            return;
        }
        Connection connection = new Connection(tuple);
        connection.id = id;
        connection.policy = request.timeoutPolicy();
        connection.originalPort = packet.inPort();
        assertThat(told).isEmpty();
        Tuple sent = UdpPackets.read(packet, tuple.zone(), tuple.ipv6());
        if (chooses) {
            connection.source = request.nat().kind() == NatRequest.Kind.SOURCE;
            connection.destination = !connection.source;
            connection.reply = sent.turned();
            expectInRange(tuple, sent, connection.source);
        }
        assertThat(naive.holder(tuple)).isNull();
        assertThat(naive.holder(connection.reply)).isNull();
        naive.add(connection, ct.clock.nowNs());
        byId.put(id, connection);
        write(connection, request);
        String state = connection.source ? "new|snat" : connection.destination ? "new|dnat" : "new";
        expectKnown(connection, state, chooses ? sent : tuple, packet);
    }

    /**
     * Whether each of the range's ports is somebody's; where another source port may be chosen, there is always one.
     */
    private boolean isExhausted(Tuple tuple, NatRequest nat) {
        if (nat.kind() == NatRequest.Kind.DESTINATION) {
            return false;
        }
        for (int port = FIRST_PORT; port <= LAST_PORT; port++) {
            Tuple reply = new Tuple(tuple.zone(), false, tuple.destination(), tuple.destinationPort(), PUBLIC, port);
            if (naive.find(reply, ct.clock.nowNs()) == null) {
                return false;
            }
        }
        return true;
    }

    /** Those whose time is over make room for who wants their tuple. */
    private void expectDisplaced() {
        for (String event : events) {
            assertThat(event).startsWith("EXPIRED ");
            Connection displaced = byId.get(Long.valueOf(event.substring("EXPIRED ".length())));
            assertThat(NaiveTracker.isOver(displaced, ct.clock.nowNs())).isTrue();
            naive.remove(displaced);
            forget(displaced);
        }
        assertThat(events).hasSizeLessThanOrEqualTo(2);
    }

    private boolean hasRoom(int zone) {
        Integer limit = ct.tracker.zoneLimits().configured().get(zone);
        return limit == null || naive.count(zone) < limit;
    }

    private static void expectInRange(Tuple tuple, Tuple sent, boolean source) {
        if (source) {
            assertThat(sent)
                    .isEqualTo(new Tuple(
                            tuple.zone(),
                            false,
                            PUBLIC,
                            sent.sourcePort(),
                            tuple.destination(),
                            tuple.destinationPort()));
            assertThat(sent.sourcePort()).isBetween(FIRST_PORT, LAST_PORT);
        } else {
            assertThat(sent.source()).isEqualTo(tuple.source());
            assertThat(sent.destination()).isEqualTo(SERVER);
            assertThat(sent.destinationPort()).isBetween(SERVER_PORT, SERVER_PORT + 1);
        }
    }

    private void expectUnknown(Tuple tuple, Packet packet) {
        assertThat(TrackerFixture.state(packet)).isEqualTo("new");
        assertThat(packet.ctConnection()).isEqualTo(Conntrack.NO_CONNECTION);
        assertThat(packet.ctMark()).isZero();
        assertThat(packet.ctLabelHigh() | packet.ctLabelLow()).isZero();
        assertThat(packet.toBytes()).isEqualTo(UdpPackets.of(tuple).toBytes());
    }

    private void expectKnown(Connection connection, String state, Tuple sent, Packet packet) {
        assertThat(TrackerFixture.state(packet)).isEqualTo(state);
        assertThat(packet.ctConnection()).isEqualTo(connection.id);
        assertThat(packet.ctZone()).isEqualTo(connection.original.zone());
        assertThat(packet.ctMark()).isEqualTo(connection.mark);
        assertThat(packet.ctLabelHigh()).isEqualTo(connection.labelHigh);
        assertThat(packet.ctLabelLow()).isEqualTo(connection.labelLow);
        assertThat(packet.ctOriginal().sourcePort).isEqualTo(connection.original.sourcePort());
        assertThat(packet.ctOriginal().sourceLow & 0xffff).isEqualTo(connection.original.source());
        assertThat(packet.ctOriginal().destinationLow & 0xffff).isEqualTo(connection.original.destination());
        assertThat(packet.toBytes())
                .as("as if it had been sent so")
                .isEqualTo(UdpPackets.of(sent).toBytes());
    }

    // ---- everything ----

    private void compareAll() {
        long now = ct.clock.nowNs();
        TreeSet<String> expected = new TreeSet<>();
        for (Connection connection : naive.all()) {
            if (!NaiveTracker.isOver(connection, now)) {
                expected.add(line(
                        connection.id,
                        connection.original,
                        connection.reply,
                        connection.mark,
                        connection.labelHigh,
                        connection.labelLow,
                        connection.deadlineNs - now,
                        connection.answered,
                        connection.holds > 0,
                        connection.originalPort,
                        connection.replyPort));
            }
        }
        TreeSet<String> actual = new TreeSet<>();
        for (long cursor = 0; cursor >= 0; ) {
            cursor = ct.tracker.scan(
                    cursor,
                    13,
                    seen -> actual.add(line(
                            seen.connectionId,
                            UdpPackets.read(seen.original, seen.zone, seen.ipv6),
                            UdpPackets.read(seen.reply, seen.zone, seen.ipv6),
                            seen.mark,
                            seen.labelHigh,
                            seen.labelLow,
                            seen.timeLeftNs,
                            seen.replySeen && seen.established,
                            seen.held,
                            seen.originalInPort,
                            seen.replyInPort)),
                    now);
        }
        assertThat(actual).containsExactlyElementsOf(expected);
        for (int zone = 0; zone < ZONES; zone++) {
            assertThat(ct.tracker.zoneLimits().count(zone)).isEqualTo(naive.count(zone));
        }
        assertThat(ct.tracker.table().entries.slotsTaken()).isEqualTo(naive.count() + held.size());
    }

    private static String line(
            long id,
            Tuple original,
            Tuple reply,
            int mark,
            long labelHigh,
            long labelLow,
            long leftNs,
            boolean answered,
            boolean carried,
            int originalPort,
            int replyPort) {
        return id + " " + original + " " + reply + " " + mark + " " + labelHigh + " " + labelLow + " " + leftNs + " "
                + answered + " " + carried + " " + originalPort + " " + replyPort;
    }

    private void nothingIsLeftAfterAll() {
        events.clear();
        ct.tracker.flush(null, ct.clock.nowNs());
        expectRemoved("FLUSHED", naive.removeIf(connection -> true));
        compareAll();
        held.keySet().forEach(ct.tracker::release);
        assertThat(ct.tracker.table().entries.slotsTaken()).isZero();
        assertThat(ct.tracker.table().entries.extensionsTaken()).isZero();
        assertThat(ct.tracker.table().index.displacement()).isZero();
        ct.tracker.visitBuckets((bucket, connections) -> assertThat(connections).isZero());
    }
}
