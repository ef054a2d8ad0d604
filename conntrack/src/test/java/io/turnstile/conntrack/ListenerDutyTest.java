package io.turnstile.conntrack;

import static io.turnstile.packet.Frames.tcp;
import static io.turnstile.packet.Frames.udp;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a {@link ConnectionListener} is told, and what it may do about it. */
class ListenerDutyTest {
    private static final String THERE = "10.0.0.1:1234 > 10.0.0.2:80";
    private static final String BACK = "10.0.0.2:80 > 10.0.0.1:1234";
    private static final CtRequest LOOK = CtRequest.lookup(0);
    private static final CtRequest COMMIT = CtRequest.commit(0);

    private final TrackerFixture ct = new TrackerFixture(Long.MAX_VALUE - 20_000_000_000L, 100);
    private final Recorder told = new Recorder();

    private final class Recorder implements ConnectionListener {
        final List<String> events = new ArrayList<>();
        final List<Long> ids = new ArrayList<>();
        final ConnectionSnapshot seen = new ConnectionSnapshot();
        int repliesWanted = 1;
        boolean hold;
        boolean interested = true;

        @Override
        public void onCommitted(long connectionId, int inPort, long nowNs) {
            ids.add(connectionId);
            assertThat(ct.tracker.read(connectionId, seen, nowNs)).isTrue();
            assertThat(seen.removed).isFalse();
            events.add("committed in=" + inPort);
        }

        @Override
        public boolean onReply(long connectionId, int inPort, long nowNs) {
            assertThat(ct.tracker.read(connectionId, seen, nowNs)).isTrue();
            events.add("reply in=" + inPort + " seen=" + seen.replySeen + " first=" + seen.replyInPort);
            return --repliesWanted <= 0;
        }

        @Override
        public boolean onExpiring(long connectionId, long deadlineNs, long nowNs) {
            events.add("expiring in " + Duration.ofNanos(deadlineNs - nowNs).toSeconds() + " s");
            return interested;
        }

        @Override
        public boolean onRemoved(long connectionId, RemovalReason reason, long nowNs) {
            assertThat(ct.tracker.read(connectionId, seen, nowNs))
                    .as("readable until this returns")
                    .isTrue();
            assertThat(seen.removed).isTrue();
            assertThat(ct.ids()).as("nobody can find it").doesNotContain(connectionId);
            events.add("removed " + reason);
            return hold;
        }
    }

    @BeforeEach
    void listen() {
        ct.tracker.setListener(told);
    }

    @Test
    void commitIsToldOnceWithItsPort() {
        ct.sendFrom(3, udp(THERE), COMMIT);
        ct.sendFrom(4, udp(THERE), COMMIT);
        assertThat(told.events).containsExactly("committed in=3");
        assertThat(told.seen.originalInPort).isEqualTo(3);
        assertThat(told.seen.replyInPort).isEqualTo(-1);
    }

    @Test
    void repliesAreToldUntilTheListenerHasEnough() {
        told.repliesWanted = 2;
        ct.sendFrom(1, udp(THERE), COMMIT);
        ct.sendFrom(5, udp(BACK), LOOK);
        ct.sendFrom(6, udp(BACK), LOOK);
        ct.sendFrom(7, udp(BACK), LOOK);
        assertThat(told.events)
                .containsExactly("committed in=1", "reply in=5 seen=true first=5", "reply in=6 seen=true first=5");
    }

    @Test
    void listenerThatComesLaterHearsTheNextReply() {
        ct.tracker.setListener(null);
        ct.sendFrom(1, udp(THERE), COMMIT);
        ct.sendFrom(5, udp(BACK), LOOK);
        ct.tracker.setListener(told);
        ct.sendFrom(6, udp(BACK), LOOK);
        assertThat(told.events).containsExactly("reply in=6 seen=true first=5");
    }

    @Test
    void invalidPacketIsNoReply() {
        ct.sendFrom(1, tcp(THERE).syn().seq(1), COMMIT);
        ct.sendFrom(2, tcp(BACK).flags(0), LOOK);
        assertThat(told.events).containsExactly("committed in=1");
    }

    @Test
    void expiryIsAnnouncedOnceForEachDeadline() {
        ct.sendFrom(1, udp(THERE), COMMIT);
        ct.advance(Duration.ofSeconds(50));
        ct.sweep();
        ct.advance(Duration.ofSeconds(6));
        ct.sweep();
        ct.sweep();
        ct.advance(Duration.ofSeconds(2));
        ct.sweep();
        assertThat(told.events).containsExactly("committed in=1", "expiring in 4 s");
        ct.advance(Duration.ofSeconds(2));
        ct.sweep();
        assertThat(told.events).containsExactly("committed in=1", "expiring in 4 s", "removed EXPIRED");
    }

    @Test
    void extensionMovesTheDeadlineOnlyForward() {
        ct.sendFrom(1, udp(THERE), COMMIT);
        ct.advance(Duration.ofSeconds(56));
        ct.sweep();
        ct.tracker.extend(
                told.ids.getFirst(), ct.clock.nowNs() - Duration.ofSeconds(6).toNanos());
        ct.tracker.extend(
                told.ids.getFirst(), ct.clock.nowNs() - Duration.ofSeconds(40).toNanos());
        assertThat(ct.dump(false, true).getFirst()).endsWith("timeout=54");
        ct.advance(Duration.ofSeconds(10));
        ct.sweep();
        ct.advance(Duration.ofSeconds(40));
        ct.sweep();
        assertThat(told.events).containsExactly("committed in=1", "expiring in 4 s", "expiring in 4 s");
        ct.advance(Duration.ofSeconds(4));
        ct.sweep();
        assertThat(told.events).endsWith("removed EXPIRED");
    }

    @Test
    void everyWayOutHasItsReason() {
        ct.sendFrom(1, udp(THERE), COMMIT);
        ct.sendFrom(1, udp(BACK), new CtRequest(0, true, true, 0, 0, 0, 0, 0, 0));
        ct.tracker.flush(null, ct.clock.nowNs());
        assertThat(told.events)
                .containsExactly("committed in=1", "removed REPLACED", "committed in=1", "removed FLUSHED");
    }

    @Test
    void heldEntryIsReadableUntilReleased() {
        told.hold = true;
        ct.sendFrom(1, udp(THERE), COMMIT);
        long first = told.ids.getFirst();
        ct.tracker.flush(null, ct.clock.nowNs());
        assertThat(ct.tracker.connectionCount()).isZero();
        assertThat(ct.tracker.read(first, told.seen, ct.clock.nowNs())).isTrue();
        assertThat(told.seen.original.sourcePort).isEqualTo(1234);
        ct.sendFrom(1, udp(THERE), COMMIT);
        assertThat((int) (long) told.ids.get(1)).as("slot still held").isNotEqualTo((int) first);
        ct.tracker.release(first);
        ct.tracker.release(first);
        assertThat(ct.tracker.read(first, told.seen, ct.clock.nowNs())).isFalse();
        ct.sendFrom(1, udp("10.0.0.3:1 > 10.0.0.4:2"), COMMIT);
        assertThat((int) (long) told.ids.get(2)).as("slot used again").isEqualTo((int) first);
        assertThat(told.ids.get(2) >>> 32).isEqualTo((first >>> 32) + 1);
    }

    @Test
    void idsOfNothingAreHarmless() {
        ConnectionSnapshot into = new ConnectionSnapshot();
        for (long id : new long[] {0, -1, Long.MIN_VALUE, 5, 1L << 32, 1L << 32 | 7}) {
            assertThat(ct.tracker.read(id, into, 0)).isFalse();
            ct.tracker.release(id);
            ct.tracker.extend(id, 0);
            ct.tracker.carriedElsewhere(id);
        }
    }
}
