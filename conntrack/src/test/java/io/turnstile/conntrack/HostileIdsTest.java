package io.turnstile.conntrack;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Frames;
import io.turnstile.packet.Packet;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Ids and cursors may be any numbers: what they name is looked at only if it is there. Addresses are made of them, so
 * one that is not checked ends the process.
 */
class HostileIdsTest {
    private static final int CONNECTIONS = 40;
    private static final int ROUNDS = 200_000;

    private final long seed = new Random().nextLong();
    private final Random random = new Random(seed);
    private final TrackerFixture ct = new TrackerFixture();
    private List<Long> ids = List.of();

    @BeforeEach
    void fill() {
        for (int port = 1; port <= CONNECTIONS; port++) {
            ct.commit(Frames.udp(
                    port % 2 == 0 ? "[fc00::1]:" + port + " > [fc00::2]:53" : "10.0.0.1:" + port + " > 10.0.0.2:53"));
        }
        ids = ct.ids();
    }

    /** Near what there is, near the ends of the numbers, or anything. */
    private long number() {
        long real = ids.get(random.nextInt(ids.size()));
        return switch (random.nextInt(8)) {
            case 0 -> real ^ 1L << random.nextInt(64);
            case 1 -> random.nextInt(2 * CONNECTIONS) - CONNECTIONS / 2;
            case 2 -> (long) random.nextInt() << 32 | random.nextInt(2 * CONNECTIONS);
            case 3 -> Integer.MAX_VALUE + (long) random.nextInt(5) - 2;
            case 4 -> Integer.MIN_VALUE + (long) random.nextInt(5) - 2;
            case 5 -> Long.MIN_VALUE + random.nextInt(5) - 2;
            case 6 -> (1L << 32) * random.nextInt(5) - random.nextInt(3);
            default -> random.nextLong();
        };
    }

    @Test
    void cursorsThatNobodyHasGivenFindNothingThatIsNotThere() {
        for (long cursor : new long[] {
            -1, Long.MIN_VALUE, Integer.MIN_VALUE, CONNECTIONS, Integer.MAX_VALUE, 1L << 32, 1L << 62, Long.MAX_VALUE
        }) {
            assertThat(ct.tracker.scan(cursor, Integer.MAX_VALUE, this::isThere, 0))
                    .as("cursor %d", cursor)
                    .isEqualTo(-1);
        }
        for (int round = 0; round < ROUNDS; round++) {
            long next = ct.tracker.scan(number(), random.nextInt(), this::isThere, 0);
            assertThat(next).as("seed %d", seed).isBetween(-1L, (long) CONNECTIONS);
        }
    }

    private void isThere(ConnectionSnapshot connection) {
        assertThat(ids).as("seed %d", seed).contains(connection.connectionId);
    }

    @Test
    void idsThatNobodyHasDoNothing() {
        ConnectionSnapshot into = new ConnectionSnapshot();
        for (int round = 0; round < ROUNDS; round++) {
            long id = number();
            if (ids.contains(id)) {
                continue;
            }
            String what = "seed " + seed + ", id " + id;
            assertThat(ct.tracker.read(id, into, 0)).as(what).isFalse();
            assertThat(ct.tracker.hold(id)).as(what).isFalse();
            assertThat(ct.tracker.awaitEstablished(id)).as(what).isFalse();
            ct.tracker.unhold(id, null);
            ct.tracker.extend(id, TimeUnit.DAYS.toNanos(1));
            ct.tracker.release(id);
        }
        assertThat(ct.ids()).as("seed %d", seed).isEqualTo(ids);
        ct.advance(Duration.ofHours(1));
        ct.sweep();
        assertThat(ct.tracker.connectionCount()).as("seed %d", seed).isZero();
    }

    /** A packet may say of itself that it is of any connection. */
    @Test
    void packetsOfNoConnectionAreLookedUp() {
        for (int round = 0; round < 20_000; round++) {
            Packet packet = Frames.udp("10.0.0.1:1 > 10.0.0.2:53").packet();
            long id = number();
            if (ids.contains(id)) {
                continue;
            }
            packet.setCtConnection(id);
            ct.send(packet, CtRequest.lookup(0));
            assertThat(packet.ctConnection()).as("seed %d, id %d", seed, id).isEqualTo(ids.getFirst());
        }
    }

    @Test
    void slicesOfAFlushMayBeOfAnySize() {
        ConntrackControl.Flush flush = ct.tracker.beginFlush(connection -> true, "");
        int removed = 0;
        int some = flush.next(-7, 0);
        while (some >= 0) {
            removed += some;
            some = flush.next(random.nextInt(), 0);
        }
        assertThat(removed).isEqualTo(CONNECTIONS);
        assertThat(flush.next(Integer.MAX_VALUE, 0)).isEqualTo(-1);
    }
}
