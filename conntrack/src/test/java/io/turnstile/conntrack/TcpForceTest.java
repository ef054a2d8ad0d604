package io.turnstile.conntrack;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Frame;
import io.turnstile.packet.Frames;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code ct(commit,force)} of the reply direction makes room for what may begin a connection, and for nothing else. */
class TcpForceTest {
    private static final CtRequest FORCE = new CtRequest(0, true, true, 0, 0, 0, 0, 0, 0);

    private final TrackerFixture ct = new TrackerFixture();

    private static Frame there(String segment) {
        return Frames.tcp("10.0.0.1:1234 > 10.0.0.2:80").segment(segment);
    }

    private static Frame back(String segment) {
        return Frames.tcp("10.0.0.2:80 > 10.0.0.1:1234").segment(segment);
    }

    private long established() {
        ct.pass(there("[S] seq 1000"));
        ct.look(back("[S.] seq 5000 ack 1001"));
        ct.look(there("[.] seq 1001 ack 5001"));
        return ct.ids().getFirst();
    }

    /** RFC 9293 §3.10.7.1: they would leave nothing in its place. */
    @ParameterizedTest
    @ValueSource(
            strings = {"[R] seq 5001", "[R.] seq 5001 ack 1001", "[F.] seq 5001 ack 1001", "[S.] seq 5000 ack 1001"})
    void whatMayBeginNothingForcesNothing(String segment) {
        long before = established();
        assertThat(TrackerFixture.state(ct.send(back(segment).packet(), FORCE))).isEqualTo("est|rpl");
        assertThat(ct.ids()).containsExactly(before);
    }

    @ParameterizedTest
    @ValueSource(strings = {"[S] seq 5000", "[.] seq 5001 ack 1001"})
    void whatMayBeginOneDoes(String segment) {
        long before = established();
        assertThat(TrackerFixture.state(ct.send(back(segment).packet(), FORCE))).isEqualTo("new");
        assertThat(ct.ids()).hasSize(1).doesNotContain(before);
    }
}
