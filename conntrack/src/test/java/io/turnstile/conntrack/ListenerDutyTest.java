package io.turnstile.conntrack;

import static io.turnstile.packet.Frames.tcp;
import static io.turnstile.packet.Frames.udp;
import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.PacketBatch;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
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
        boolean hold;

        @Override
        public void onCommitted(long connectionId, int inPort, long nowNs) {
            ids.add(connectionId);
            assertThat(ct.tracker.read(connectionId, seen, nowNs)).isTrue();
            assertThat(seen.removed).isFalse();
            events.add("committed in=" + inPort);
        }

        @Override
        public void onEstablished(long connectionId, long nowNs) {
            assertThat(ct.tracker.read(connectionId, seen, nowNs)).isTrue();
            events.add("established=" + seen.established + " in=" + seen.originalInPort + " back=" + seen.replyInPort);
        }

        @Override
        public void onChanged(long connectionId, int changes, long nowNs) {
            events.add("changed " + changes);
        }

        @Override
        public boolean onDeadline(long connectionId, long nowNs) {
            events.add("deadline");
            return true;
        }

        @Override
        public boolean isAwaited(long connectionId) {
            return false;
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
    void establishedIsToldOnce() {
        ct.sendFrom(1, udp(THERE), COMMIT);
        ct.sendFrom(1, udp(THERE), LOOK);
        ct.sendFrom(5, udp(BACK), LOOK);
        ct.sendFrom(6, udp(BACK), LOOK);
        ct.sendFrom(1, udp(THERE), LOOK);
        assertThat(told.events).containsExactly("committed in=1", "established=true in=1 back=5");
    }

    @Test
    void establishedIsToldAgainIfSomebodyAsksForIt() {
        ct.sendFrom(1, udp(THERE), COMMIT);
        long id = told.ids.getFirst();
        assertThat(ct.tracker.awaitEstablished(id)).isFalse();
        ct.sendFrom(5, udp(BACK), LOOK);
        told.events.clear();
        assertThat(ct.tracker.awaitEstablished(id)).isTrue();
        ct.sendFrom(1, udp(THERE), LOOK);
        ct.sendFrom(1, udp(THERE), LOOK);
        assertThat(told.events).as("by a packet of either way").containsExactly("established=true in=1 back=5");
    }

    @Test
    void awaitingAFreshConnectionTakesNoLock() {
        ct.sendFrom(1, udp(THERE), COMMIT);
        long id = told.ids.getFirst();
        long entry = ct.tracker.table().entries.entry(ConnectionTable.slot(id));
        long word = EntryTable.word(entry);
        assertThat(ct.tracker.awaitEstablished(id)).isFalse();
        assertThat(EntryTable.word(entry))
                .as("each lock leaves another version")
                .isEqualTo(word);
        assertThat(ct.tracker.awaitEstablished(id + (1L << 32)))
                .as("another connection of the slot")
                .isFalse();
        ct.sendFrom(5, udp(BACK), LOOK);
        assertThat(told.events).containsExactly("committed in=1", "established=true in=1 back=5");
    }

    /** Who waits is told, or learns that he need not, whenever the packet comes. */
    @Test
    void establishedIsNotMissedWhileSomebodyBeginsToAwaitIt() throws Exception {
        ConnectionTracker tracker = new ConnectionTracker(ct.clock, 100);
        AtomicBoolean waits = new AtomicBoolean();
        AtomicInteger heard = new AtomicInteger();
        AtomicLong id = new AtomicLong();
        tracker.setListener(new IdleListener() {
            @Override
            public void onCommitted(long connectionId, int inPort, long nowNs) {
                id.set(connectionId);
            }

            @Override
            public void onEstablished(long connectionId, long nowNs) {
                if (waits.get()) {
                    heard.incrementAndGet();
                }
            }
        });
        PacketBatch batch = new PacketBatch();
        Race.run(
                () -> {
                    tracker.flush(null, ct.clock.nowNs());
                    waits.set(false);
                    heard.set(0);
                    batch.clear();
                    batch.add(udp(THERE).packet());
                    tracker.track(batch, COMMIT, ct.clock.nowNs());
                    batch.clear();
                    batch.add(udp(BACK).packet());
                },
                () -> assertThat(heard.get()).isPositive(),
                round -> tracker.track(batch, LOOK, ct.clock.nowNs()),
                round -> {
                    waits.set(true);
                    if (tracker.awaitEstablished(id.get())) {
                        heard.incrementAndGet();
                    }
                });
    }

    /** The second and later packets of a batch may take the way without lock. */
    @Test
    void establishedIsNotMissedOnTheFastPath() {
        ct.sendFrom(1, udp(THERE), COMMIT);
        ct.sendFrom(5, udp(BACK), LOOK);
        for (String way : new String[] {THERE, BACK}) {
            told.events.clear();
            ct.sendFrom(5, udp(way), LOOK);
            ct.tracker.awaitEstablished(told.ids.getFirst());
            ct.sendFrom(5, udp(way), LOOK);
            assertThat(told.events).hasSize(1);
        }
    }

    @Test
    void listenerThatComesLaterHearsOfEstablishedOnes() {
        ct.tracker.setListener(null);
        ct.sendFrom(1, udp(THERE), COMMIT);
        ct.sendFrom(5, udp(BACK), LOOK);
        ct.tracker.setListener(told);
        ct.sendFrom(6, udp(BACK), LOOK);
        assertThat(told.events).containsExactly("established=true in=1 back=5");
    }

    @Test
    void tcpIsEstablishedByTheThirdPacket() {
        ct.sendFrom(1, tcp(THERE).syn().seq(100), COMMIT);
        ct.sendFrom(2, tcp(BACK).synAck().seq(900).ackNumber(101), LOOK);
        assertThat(told.events).containsExactly("committed in=1");
        ct.sendFrom(1, tcp(THERE).ack().seq(101).ackNumber(901), LOOK);
        assertThat(told.events).containsExactly("committed in=1", "established=true in=1 back=2");
    }

    @Test
    void sctpIsEstablishedByItsCookie() {
        ct.send(SctpChunkBytes.there(0, SctpChunkBytes.init(7)).packet(), COMMIT);
        ct.send(SctpChunkBytes.back(7, SctpChunkBytes.initAck(9)).packet(), LOOK);
        ct.send(SctpChunkBytes.there(9, SctpChunkBytes.cookieEcho()).packet(), LOOK);
        assertThat(told.events).containsExactly("committed in=0");
        ct.send(SctpChunkBytes.back(7, SctpChunkBytes.cookieAck()).packet(), LOOK);
        assertThat(told.events).hasSize(2).last().asString().startsWith("established=true");
    }

    @Test
    void refusedSynEstablishesNothing() {
        ct.sendFrom(1, tcp(THERE).syn().seq(100), COMMIT);
        ct.sendFrom(2, tcp(BACK).flags(0x14).seq(0).ackNumber(101), LOOK);
        assertThat(told.events).containsExactly("committed in=1");
        assertThat(ct.tracker.read(told.ids.getFirst(), told.seen, ct.clock.nowNs()))
                .isTrue();
        assertThat(told.seen.established).isFalse();
        assertThat(told.seen.replySeen).isTrue();
    }

    @Test
    void invalidPacketIsNoReply() {
        ct.sendFrom(1, tcp(THERE).syn().seq(1), COMMIT);
        ct.sendFrom(2, tcp(BACK).flags(0), LOOK);
        assertThat(told.events).containsExactly("committed in=1");
    }

    @Test
    void nobodyIsAskedAboutWhatNobodyHolds() {
        ct.sendFrom(1, udp(THERE), COMMIT);
        ct.advance(Duration.ofSeconds(59));
        ct.sweep();
        assertThat(ct.tracker.connectionCount()).isOne();
        ct.advance(Duration.ofSeconds(1));
        ct.sweep();
        assertThat(told.events).containsExactly("committed in=1", "removed EXPIRED");
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
        ct.advance(Duration.ofSeconds(53));
        ct.sweep();
        assertThat(ct.tracker.connectionCount()).isOne();
        ct.advance(Duration.ofSeconds(1));
        ct.sweep();
        assertThat(told.events).containsExactly("committed in=1", "removed EXPIRED");
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
            assertThat(ct.tracker.hold(id)).isFalse();
            ct.tracker.unhold(id, null);
            assertThat(ct.tracker.awaitEstablished(id)).isFalse();
        }
    }
}
