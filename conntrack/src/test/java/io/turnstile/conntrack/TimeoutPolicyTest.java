package io.turnstile.conntrack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.turnstile.packet.Frame;
import io.turnstile.packet.Frames;
import io.turnstile.packet.PacketBatch;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Connections live as long as the policy says under which they were committed. */
class TimeoutPolicyTest {
    private static final int POLICY = 7;
    private static final Frame ASK = Frames.udp("10.0.0.1:1000 > 10.0.0.2:2000").payload(8);
    private static final Frame ANSWER =
            Frames.udp("10.0.0.2:2000 > 10.0.0.1:1000").payload(8);

    private static final String CALL = "10.0.0.1:1000 > 10.0.0.2:80";
    private static final String BACK = "10.0.0.2:80 > 10.0.0.1:1000";

    private TrackerFixture on = new TrackerFixture();

    /** Every state lives for a time of its own, other than the default. */
    private static Map<Timeout, Long> odd() {
        Map<Timeout, Long> seconds = new EnumMap<>(Timeout.class);
        for (Timeout timeout : Timeout.values()) {
            seconds.put(timeout, 1000L + 100 * timeout.ordinal());
        }
        return seconds;
    }

    private void policy(Map<Timeout, Long> seconds) {
        on.tracker.setTimeoutPolicy(POLICY, new TimeoutPolicy(seconds));
    }

    private void commit(Frame frame) {
        on.send(frame.packet(), CtRequest.commit(0).withTimeouts(POLICY));
    }

    private long secondsLeft() {
        assertThat(on.dump()).hasSize(1);
        long[] leftNs = new long[1];
        on.tracker.scan(0, Integer.MAX_VALUE, connection -> leftNs[0] = connection.timeLeftNs, on.clock.nowNs());
        return Duration.ofNanos(leftNs[0]).toSeconds();
    }

    private void expect(Timeout state) {
        assertThat(secondsLeft()).as(state.toString()).isEqualTo(odd().get(state));
    }

    @Test
    void udpHasItsThree() {
        policy(odd());
        commit(ASK);
        expect(Timeout.UDP_FIRST);
        on.look(ASK);
        expect(Timeout.UDP_SINGLE);
        on.look(ANSWER);
        expect(Timeout.UDP_MULTIPLE);
    }

    @Test
    void icmpHasItsTwo() {
        policy(odd());
        commit(Frames.echoRequest("10.0.0.1 > 10.0.0.2", 5));
        expect(Timeout.ICMP_FIRST);
        on.look(Frames.echoReply("10.0.0.2 > 10.0.0.1", 5));
        expect(Timeout.ICMP_REPLY);
    }

    @Test
    void tcpHasOneForEachStep() {
        policy(odd());
        commit(Frames.tcp(CALL).seq(100).syn());
        expect(Timeout.TCP_SYN_SENT);
        on.look(Frames.tcp(BACK).seq(500).ackNumber(101).synAck());
        expect(Timeout.TCP_SYN_RECV);
        on.look(Frames.tcp(CALL).seq(101).ackNumber(501).ack());
        expect(Timeout.TCP_ESTABLISHED);
        on.look(Frames.tcp(CALL).seq(101).ackNumber(501).fin());
        expect(Timeout.TCP_FIN_WAIT);
        on.look(Frames.tcp(BACK).seq(501).ackNumber(102).fin());
        expect(Timeout.TCP_TIME_WAIT);
        on.look(Frames.tcp(BACK).seq(502).ackNumber(102).rst());
        expect(Timeout.TCP_CLOSE);
    }

    @Test
    void whatAPolicyDoesNotNameIsAsInTheDefaultOne() {
        policy(Map.of(Timeout.UDP_FIRST, 7L));
        commit(ASK);
        assertThat(secondsLeft()).isEqualTo(7);
        on.look(ASK);
        assertThat(secondsLeft()).isEqualTo(Timeout.UDP_SINGLE.defaultSeconds());
    }

    @Test
    void anUnknownPolicyIsTheDefaultOne() {
        commit(ASK);
        assertThat(secondsLeft()).isEqualTo(Timeout.UDP_FIRST.defaultSeconds());
    }

    @Test
    void theConnectionEndsWhenItsPolicySays() {
        policy(Map.of(Timeout.UDP_FIRST, 7L));
        commit(ASK);
        on.advance(Duration.ofMillis(6999));
        on.sweep();
        assertThat(on.dump()).hasSize(1);
        on.advance(Duration.ofMillis(1));
        assertThat(on.look(ASK)).isEqualTo("new");
        on.sweep();
        assertThat(on.tracker.connectionCount()).isZero();
    }

    @Test
    void aTimeoutOfZeroIsOverAtOnce() {
        policy(Map.of(Timeout.UDP_FIRST, 0L));
        commit(ASK);
        assertThat(on.look(ASK)).isEqualTo("new");
        assertThat(on.dump()).isEmpty();
        commit(ASK);
        on.advance(Duration.ofMillis(1));
        on.sweep();
        assertThat(on.tracker.connectionCount()).isLessThanOrEqualTo(1);
        on.advance(Duration.ofSeconds(3));
        on.sweep();
        assertThat(on.tracker.connectionCount()).isZero();
    }

    @ParameterizedTest
    @ValueSource(longs = {0, Long.MAX_VALUE - 3_000_000_000L, -3_000_000_000L})
    void theLongestTimeoutIsNotCut(long originNs) {
        on = new TrackerFixture(originNs, 1000);
        policy(Map.of(Timeout.UDP_FIRST, 0xffff_ffffL, Timeout.UDP_SINGLE, 0xffff_ffffL));
        commit(ASK);
        assertThat(secondsLeft()).isEqualTo(0xffff_ffffL);
        for (int day = 0; day < 30; day++) {
            on.advance(Duration.ofDays(1));
            on.sweep();
        }
        assertThat(secondsLeft()).isEqualTo(0xffff_ffffL - 30 * 24 * 3600);
        assertThat(on.look(ASK)).isEqualTo("new");
        assertThat(secondsLeft()).isEqualTo(0xffff_ffffL);
    }

    @Test
    void aForgottenPolicyEndsWithTheNextPacketAlsoIfItWasLonger() {
        policy(odd());
        commit(ASK);
        on.tracker.setTimeoutPolicy(POLICY, null);
        expect(Timeout.UDP_FIRST);
        on.look(ASK);
        assertThat(secondsLeft()).isEqualTo(Timeout.UDP_SINGLE.defaultSeconds());
        on.advance(Duration.ofSeconds(Timeout.UDP_SINGLE.defaultSeconds()));
        on.sweep();
        assertThat(on.tracker.connectionCount()).isZero();
    }

    @Test
    void aChangedPolicyCountsFromTheNextPacketAlsoInTheSameState() {
        policy(odd());
        commit(ASK);
        on.look(ASK);
        policy(Map.of(Timeout.UDP_SINGLE, 20L));
        on.look(ASK);
        assertThat(secondsLeft()).isEqualTo(20);
        policy(Map.of(Timeout.UDP_SINGLE, 2000L));
        on.look(ASK);
        assertThat(secondsLeft()).isEqualTo(2000);
    }

    @Test
    void threadsWithSlightlyOlderReadingsDoNotMoveTheDeadlineBack() {
        commit(ASK);
        on.look(ASK);
        PacketBatch batch = new PacketBatch();
        batch.add(ASK.packet());
        on.tracker.track(batch, CtRequest.lookup(0), on.clock.nowNs() - 900_000_000L);
        assertThat(secondsLeft()).isEqualTo(Timeout.UDP_SINGLE.defaultSeconds());
    }

    @Test
    void secondsBeyond32BitsAreRefused() {
        assertThatThrownBy(() -> new TimeoutPolicy(Map.of(Timeout.UDP_FIRST, 0x1_0000_0000L)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("UDP_FIRST");
        assertThatThrownBy(() -> new TimeoutPolicy(Map.of(Timeout.UDP_FIRST, -1L)))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
