package io.turnstile.conntrack;

import static io.turnstile.packet.Frames.portUnreachable;
import static io.turnstile.packet.Frames.udp;
import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Packet;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** When a connection is over that somebody else carries. */
class HeldDeadlineTest {
    private static final String THERE = "10.0.0.1:1234 > 10.0.0.2:80";
    private static final String BACK = "10.0.0.2:80 > 10.0.0.1:1234";
    private static final Duration UDP_FIRST = Duration.ofSeconds(60);
    private static final Duration SECOND = Duration.ofSeconds(1);
    private static final Duration MOMENT = Duration.ofMillis(100);

    private final TrackerFixture ct = new TrackerFixture(Long.MAX_VALUE - 90_000_000_000L, 100);
    private final Carrier carrier = new Carrier();

    @BeforeEach
    void listen() {
        ct.tracker.setListener(carrier);
    }

    private long held() {
        ct.commit(udp(THERE));
        long id = ct.ids().getFirst();
        assertThat(ct.tracker.hold(id)).isTrue();
        return id;
    }

    private long waitNs() {
        return ct.tracker.sweep(ct.clock.nowNs());
    }

    /** The policy's timeout, and how often the carrier sees a packet. */
    @ParameterizedTest
    @CsvSource({"30, 26", "30, 29", "5, 4", "1, 1", "2, 1"})
    void whatIsUsedElsewhereNeverExpires(long timeoutSeconds, int useSeconds) {
        ct.tracker.setTimeoutPolicy(1, new TimeoutPolicy(Map.of(Timeout.UDP_FIRST, timeoutSeconds)));
        ct.send(udp(THERE).packet(), new CtRequest(0, true, false, 0, 0, 0, 0, 0, 0, null, Alg.NONE, 1));
        long id = ct.ids().getFirst();
        ct.tracker.hold(id);
        long[] usedNs = {ct.clock.nowNs()};
        carrier.asked = asked -> {
            ct.tracker.extend(asked, usedNs[0]);
            return true;
        };
        for (int second = 1; second <= 600; second++) {
            ct.advance(SECOND);
            usedNs[0] = second % useSeconds == 0 ? ct.clock.nowNs() : usedNs[0];
            ct.sweep();
            assertThat(ct.tracker.connectionCount()).as("after %d s", second).isOne();
        }
        for (int second = 0; second <= timeoutSeconds + 1; second++) {
            ct.advance(SECOND);
            ct.sweep();
        }
        assertThat(ct.tracker.connectionCount())
                .as("once it is not used any more")
                .isZero();
    }

    @Test
    void nobodyIsAskedBeforeTheDeadline() {
        held();
        ct.advance(UDP_FIRST.minus(MOMENT));
        ct.sweep();
        assertThat(carrier.news()).isEmpty();
        ct.advance(MOMENT);
        ct.sweep();
        assertThat(carrier.news()).containsExactly("deadline", "removed EXPIRED");
    }

    @Test
    void removalWaitsForTheAnswer() {
        carrier.asked = id -> true;
        carrier.awaited = true;
        held();
        ct.advance(UDP_FIRST);
        ct.sweep();
        for (int i = 0; i < 50; i++) {
            ct.advance(SECOND);
            ct.sweep();
        }
        assertThat(carrier.news()).as("asked once").containsExactly("deadline");
        carrier.awaited = false;
        ct.sweep();
        assertThat(carrier.news()).as("at the next sweep, be it now").containsExactly("removed EXPIRED");
    }

    @Test
    void sweeperIsBackSoonWhileSomebodyIsAwaited() {
        carrier.asked = id -> true;
        carrier.awaited = true;
        held();
        ct.advance(UDP_FIRST);
        for (int i = 0; i < 3; i++) {
            assertThat(waitNs()).isLessThanOrEqualTo(Duration.ofSeconds(2).toNanos());
        }
        carrier.awaited = false;
        ct.sweep();
        assertThat(waitNs()).isGreaterThan(Duration.ofSeconds(5).toNanos());
    }

    @Test
    void nobodyIsAwaitedLongerThanAMinute() {
        carrier.asked = id -> true;
        carrier.awaited = true;
        held();
        Duration late = Duration.ofSeconds(100);
        ct.advance(UDP_FIRST.plus(late));
        ct.sweep();
        ct.advance(Duration.ofNanos(Conntrack.LONGEST_WAIT_NS - 1));
        ct.sweep();
        assertThat(carrier.news()).as("a minute from the question on").containsExactly("deadline");
        ct.advance(Duration.ofNanos(1));
        ct.sweep();
        assertThat(carrier.news()).containsExactly("removed EXPIRED");
    }

    @Test
    void packetBetweenDeadlineAndAnswerFindsTheConnection() {
        carrier.asked = id -> true;
        carrier.awaited = true;
        long id = held();
        ct.advance(UDP_FIRST.plus(SECOND));
        assertThat(ct.look(udp(BACK))).as("before the question").isEqualTo("est|rpl");
        ct.advance(Duration.ofSeconds(31));
        ct.sweep();
        assertThat(carrier.news()).containsExactly("established", "deadline");
        ct.advance(SECOND);
        assertThat(ct.look(portUnreachable("10.0.0.2 > 10.0.0.1", udp(THERE).bytes())))
                .isEqualTo("rel|rpl");
        assertThat(ct.commit(udp(THERE))).as("after it").isEqualTo("est");
        carrier.awaited = false;
        ct.sweep();
        assertThat(ct.ids()).as("a packet is a use like another").containsExactly(id);
        ct.advance(Duration.ofSeconds(30));
        ct.sweep();
        assertThat(carrier.news()).as("asked anew").containsExactly("deadline");
    }

    @Test
    void deadlineThatHasPassedIsShownAsNow() {
        long id = held();
        ct.advance(UDP_FIRST.plusSeconds(7));
        assertThat(ct.dump(false, true)).singleElement().asString().endsWith(",timeout=0");
        ConnectionSnapshot seen = new ConnectionSnapshot();
        assertThat(ct.tracker.read(id, seen, ct.clock.nowNs())).isTrue();
        assertThat(seen.timeLeftNs).isEqualTo(-Duration.ofSeconds(7).toNanos());
        assertThat(seen.held).isTrue();
        assertThat(seen.timeoutNs).isEqualTo(UDP_FIRST.toNanos());
        ct.tracker.unhold(id, null);
        assertThat(ct.dump()).as("nobody carries it").isEmpty();
    }

    @Test
    void answerThatIsTooOldIsNone() {
        carrier.asked = id -> {
            ct.tracker.extend(id, ct.clock.nowNs() - UDP_FIRST.toNanos());
            return true;
        };
        held();
        ct.advance(UDP_FIRST.plusSeconds(5));
        ct.sweep();
        ct.sweep();
        assertThat(carrier.news()).containsExactly("deadline", "removed EXPIRED");
    }

    @Test
    void answerThatCrossesTheLookAtItIsAskedFurther() {
        carrier.asked = id -> true;
        long id = held();
        ct.advance(UDP_FIRST);
        ct.sweep();
        ct.advance(SECOND);
        carrier.meanwhile = () -> ct.tracker.extend(id, ct.clock.nowNs() - UDP_FIRST.toNanos());
        ct.sweep();
        assertThat(carrier.news()).containsExactly("deadline");
        ct.sweep();
        assertThat(carrier.news())
                .as("there is a newer deadline, and it has passed, too")
                .containsExactly("deadline");
    }

    @Test
    void answerAtTheLastMomentCounts() {
        carrier.asked = id -> {
            ct.tracker.extend(id, ct.clock.nowNs());
            return false;
        };
        held();
        ct.advance(UDP_FIRST);
        ct.sweep();
        assertThat(carrier.news()).containsExactly("deadline");
    }

    @Test
    void lastHolderToLetGoDecides() {
        carrier.asked = id -> true;
        carrier.awaited = true;
        long id = held();
        ct.tracker.hold(id);
        ct.tracker.unhold(id, null);
        ct.advance(UDP_FIRST);
        ct.sweep();
        assertThat(carrier.news()).containsExactly("deadline");
        ct.tracker.unhold(id, null);
        ct.tracker.unhold(id, null);
        ct.sweep();
        assertThat(carrier.news()).containsExactly("removed EXPIRED");
        assertThat(ct.tracker.hold(id)).isFalse();
    }

    @Test
    void extensionBeforeTheHoldEndsIsKept() {
        long id = held();
        ct.advance(UDP_FIRST.minus(SECOND));
        ct.tracker.extend(id, ct.clock.nowNs());
        ct.tracker.unhold(id, null);
        ct.advance(UDP_FIRST.minus(SECOND));
        ct.sweep();
        assertThat(ct.tracker.connectionCount()).isOne();
        ct.advance(SECOND);
        ct.sweep();
        assertThat(carrier.news()).containsExactly("removed EXPIRED");
    }

    @Test
    void withoutListenerNobodyIsWaitedFor() {
        held();
        ct.tracker.setListener(null);
        ct.advance(UDP_FIRST);
        ct.sweep();
        assertThat(ct.tracker.connectionCount()).isZero();
    }

    @Test
    void tupleOfAHeldConnectionIsNotTakenBySomebodyElse() {
        long id = held();
        ct.advance(UDP_FIRST.plus(SECOND));
        assertThat(ct.commit(udp(THERE))).isEqualTo("new");
        assertThat(ct.ids()).as("the same connection goes on").containsExactly(id);
        assertThat(carrier.news()).isEqualTo(List.of());
    }

    /** It expired when the tuple was looked up, and is held when another one is to take its place. */
    @Test
    void holdBetweenLookUpAndCommitKeepsTheConnection() {
        long id = held();
        ct.advance(UDP_FIRST.plus(SECOND));
        ConnectionTable table = ct.tracker.table();
        TrackingScratch scratch = new TrackingScratch(table, new NatHash(1, 2));
        Packet packet = udp(THERE).packet();
        TupleReader.read(packet, 0, scratch.keys[0]);
        table.hash.foldAndHash(scratch.keys[0]);
        FirstPackets first = new FirstPackets(table, new InvalidCounters());
        assertThat(first.begin(packet, 0, CtRequest.commit(0), ct.clock.nowNs(), scratch))
                .as("to be looked up again")
                .isFalse();
        assertThat(ct.ids()).containsExactly(id);
        assertThat(carrier.news()).isEmpty();
        ct.tracker.unhold(id, null);
        assertThat(first.begin(packet, 0, CtRequest.commit(0), ct.clock.nowNs(), scratch))
                .isFalse();
        assertThat(carrier.news()).containsExactly("removed EXPIRED");
    }

    @Test
    void shorterStateIsLookedAtInTime() {
        carrier.asked = id -> true;
        carrier.awaited = true;
        held();
        ct.look(udp(BACK));
        ct.advance(Duration.ofSeconds(30));
        ct.sweep();
        assertThat(carrier.news()).containsExactly("established", "deadline");
    }
}
