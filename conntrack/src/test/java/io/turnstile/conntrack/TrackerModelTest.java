package io.turnstile.conntrack;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Frames;
import io.turnstile.packet.Packet;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The off-heap table against a {@link HashMap}: random UDP traffic, sweeps, flushes and time; the seed is the parameter. */
class TrackerModelTest {
    private static final int STEPS = 10_000;
    private static final int TUPLES = 300;

    /** What the naive tracker keeps of a connection. */
    private static final class Naive {
        final boolean fromLow;
        long deadlineNs;
        boolean answered;
        int mark;

        Naive(boolean fromLow) {
            this.fromLow = fromLow;
        }
    }

    private final Map<Integer, Naive> naive = new HashMap<>();

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void tableAgreesWithAHashMap(long seed) {
        Random random = new Random(seed);
        long origin = seed == 1 ? 0 : Long.MAX_VALUE - random.nextInt();
        TrackerFixture ct = new TrackerFixture(origin, TUPLES * 2);
        for (int step = 0; step < STEPS; step++) {
            int choice = random.nextInt(1000);
            if (choice < 40) {
                ct.advance(Duration.ofMillis(random.nextInt(choice < 2 ? 90_000 : 4000)));
            } else if (choice < 80) {
                ct.sweep();
                naive.values().removeIf(connection -> connection.deadlineNs - ct.clock.nowNs() <= 0);
                assertThat(ct.tracker.connectionCount()).as("seed %d step %d", seed, step).isEqualTo(naive.size());
            } else if (choice < 82) {
                int zone = random.nextInt(2);
                ct.tracker.flush(zone, ct.clock.nowNs());
                naive.keySet().removeIf(tuple -> tuple % 2 == zone);
            } else {
                packet(ct, random, "seed " + seed + " step " + step);
            }
            if (step % 500 == 0) {
                compareAll(ct);
            }
        }
    }

    private void packet(TrackerFixture ct, Random random, String where) {
        int tuple = random.nextInt(TUPLES);
        int zone = tuple % 2;
        boolean fromLow = random.nextBoolean();
        boolean commit = random.nextInt(3) == 0;
        boolean force = commit && random.nextInt(8) == 0;
        int mark = commit ? random.nextInt(1000) : 0;
        String low = tuple % 3 == 0 ? "[fc00::1]:" + (tuple + 1) : "10.0.0.1:" + (tuple + 1);
        String high = tuple % 3 == 0 ? "[fc00::2]:9000" : "10.0.0.2:9000";
        Packet packet = ct.send(Frames.udp(fromLow ? low + " > " + high : high + " > " + low).packet(),
                new CtRequest(zone, commit, force, mark, commit ? -1 : 0, 0, 0, 0, 0));
        assertThat(TrackerFixture.state(packet)).as(where).isEqualTo(expect(tuple, fromLow, commit, force, mark,
                ct.clock.nowNs()));
    }

    private String expect(int tuple, boolean fromLow, boolean commit, boolean force, int mark, long nowNs) {
        Naive known = naive.get(tuple);
        if (known != null && (known.deadlineNs - nowNs <= 0 || force && known.fromLow != fromLow)) {
            // An expired one may lie in the table until the next sweep; whoever commits takes its place.
            if (commit || known.deadlineNs - nowNs > 0) {
                naive.remove(tuple);
            }
            known = null;
        }
        if (known == null) {
            if (commit) {
                Naive made = new Naive(fromLow);
                made.deadlineNs = nowNs + TimeoutPolicy.DEFAULT.ns(Timeout.UDP_FIRST);
                made.mark = mark;
                naive.put(tuple, made);
            }
            return "new";
        }
        known.answered |= fromLow != known.fromLow;
        known.deadlineNs = nowNs
                + TimeoutPolicy.DEFAULT.ns(known.answered ? Timeout.UDP_MULTIPLE : Timeout.UDP_SINGLE);
        known.mark = commit ? mark : known.mark;
        return !known.answered ? "new" : fromLow == known.fromLow ? "est" : "est|rpl";
    }

    private void compareAll(TrackerFixture ct) {
        TreeSet<String> expected = new TreeSet<>();
        naive.forEach((tuple, connection) -> {
            long left = connection.deadlineNs - ct.clock.nowNs();
            if (left > 0) {
                expected.add(tuple + " " + connection.mark + " " + left + " " + connection.fromLow);
            }
        });
        TreeSet<String> actual = new TreeSet<>();
        for (long cursor = 0; cursor >= 0; ) {
            cursor = ct.tracker.scan(cursor, 13, seen -> {
                boolean fromLow = seen.original.destinationPort == 9000;
                int port = fromLow ? seen.original.sourcePort : seen.original.destinationPort;
                actual.add(port - 1 + " " + seen.mark + " " + seen.timeLeftNs + " " + fromLow);
            }, ct.clock.nowNs());
        }
        assertThat(actual).containsExactlyInAnyOrderElementsOf(expected);
    }
}
