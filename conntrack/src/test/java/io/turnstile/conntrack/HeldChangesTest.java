package io.turnstile.conntrack;

import static io.turnstile.packet.Frames.portUnreachable;
import static io.turnstile.packet.Frames.tcp;
import static io.turnstile.packet.Frames.udp;
import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Frame;
import io.turnstile.packet.Packet;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What those who carry a connection hear of it, and what is known of ports that move and go. */
class HeldChangesTest {
    private static final String THERE = "10.0.0.1:1234 > 10.0.0.2:80";
    private static final String BACK = "10.0.0.2:80 > 10.0.0.1:1234";
    private static final CtRequest LOOK = CtRequest.lookup(0);

    private final TrackerFixture ct = new TrackerFixture();
    private final Carrier carrier = new Carrier();
    private final ConnectionSnapshot seen = new ConnectionSnapshot();
    private long id;

    @BeforeEach
    void listen() {
        ct.tracker.setListener(carrier);
    }

    private static CtRequest mark(int mark, int mask) {
        return new CtRequest(0, true, false, mark, mask, 0, 0, 0, 0);
    }

    private static CtRequest label(long high, long low) {
        return new CtRequest(0, true, false, 0, 0, high, low, -1, -1);
    }

    /** Both ways were seen, by ports 1 and 2. */
    private void udpBothWays(boolean held) {
        ct.sendFrom(1, udp(THERE), CtRequest.commit(0));
        ct.sendFrom(2, udp(BACK), LOOK);
        id = ct.ids().getFirst();
        if (held) {
            ct.tracker.hold(id);
        }
        assertThat(carrier.news()).containsExactly("established");
    }

    private void tcpHandshake() {
        ct.sendFrom(1, tcp(THERE).segment("[S] seq 100"), CtRequest.commit(0));
        id = ct.ids().getFirst();
        ct.tracker.hold(id);
        ct.sendFrom(2, tcp(BACK).segment("[S.] seq 900 ack 101"), LOOK);
        ct.sendFrom(1, tcp(THERE).segment("[.] seq 101 ack 901"), LOOK);
    }

    private String ports() {
        assertThat(ct.tracker.read(id, seen, ct.clock.nowNs())).isTrue();
        return seen.originalInPort + " " + seen.replyInPort;
    }

    // ---- mark, label, TCP ----

    @Test
    void markIsToldIfItChanges() {
        udpBothWays(true);
        ct.sendFrom(1, udp(THERE), mark(5, -1));
        ct.sendFrom(1, udp(THERE), mark(5, -1));
        ct.sendFrom(1, udp(THERE), mark(0xf0, 0xf));
        assertThat(carrier.news()).containsExactly("changed mark", "changed mark");
        assertThat(ct.tracker.read(id, seen, ct.clock.nowNs())).isTrue();
        assertThat(seen.mark).isZero();
    }

    @Test
    void labelIsToldIfItChanges() {
        udpBothWays(true);
        ct.sendFrom(1, udp(THERE), label(0, 0));
        ct.sendFrom(1, udp(THERE), label(0, 7));
        ct.sendFrom(1, udp(THERE), label(0, 7));
        ct.sendFrom(1, udp(THERE), label(9, 7));
        assertThat(carrier.news()).containsExactly("changed label", "changed label");
    }

    @Test
    void furtherCtOfTheSameWalkIsToldToo() {
        udpBothWays(true);
        Packet packet = ct.sendFrom(1, udp(THERE), LOOK);
        ct.send(packet, new CtRequest(0, true, false, 3, -1, 0, 4, 0, -1));
        assertThat(carrier.news()).containsExactly("changed mark label");
    }

    @Test
    void markByAnErrorPacketIsTold() {
        udpBothWays(true);
        Frame error = portUnreachable("10.0.0.2 > 10.0.0.1", udp(THERE).bytes());
        ct.sendFrom(7, error, mark(5, -1));
        assertThat(carrier.news()).containsExactly("changed mark");
        assertThat(ports()).as("an error may come from any router").isEqualTo("1 2");
    }

    /** A SYN that is the other end's business says nothing of ports either, though one has gone. */
    @Test
    void synWithinALiveConnectionTellsNothing() {
        tcpHandshake();
        ct.tracker.forgetPorts(port -> port == 1);
        carrier.news();
        ct.sendFrom(9, tcp(THERE).segment("[S] seq 3000000000"), LOOK);
        ct.sendFrom(9, tcp(BACK).segment("[S] seq 3000000000"), LOOK);
        assertThat(carrier.news()).isEmpty();
        assertThat(ports()).isEqualTo("-1 2");
        ct.sendFrom(3, tcp(THERE).segment("[.] seq 101 ack 901"), LOOK);
        assertThat(carrier.news()).containsExactly("changed port");
    }

    /** Nor does what acknowledges another SYN tell by which port the answer comes. */
    @Test
    void whatIsNoAnswerIsNoFirstReply() {
        ct.sendFrom(1, tcp(THERE).segment("[S] seq 100"), CtRequest.commit(0));
        id = ct.ids().getFirst();
        assertThat(TrackerFixture.state(ct.sendFrom(9, tcp(BACK).segment("[S.] seq 900 ack 5000"), LOOK)))
                .isEqualTo("est|rpl");
        assertThat(ports()).isEqualTo("1 -1");
        ct.sendFrom(2, tcp(BACK).segment("[S.] seq 900 ack 101"), LOOK);
        assertThat(ports()).isEqualTo("1 2");
        assertThat(carrier.news()).isEmpty();
    }

    @Test
    void whatIsNotHeldTellsNothing() {
        udpBothWays(false);
        ct.sendFrom(1, udp(THERE), mark(5, -1));
        ct.sendFrom(3, udp(THERE), label(1, 1));
        assertThat(carrier.news()).isEmpty();
        assertThat(ports()).isEqualTo("1 2");
        ct.tracker.hold(id);
        ct.tracker.unhold(id, null);
        ct.sendFrom(1, udp(THERE), mark(6, -1));
        assertThat(carrier.news()).isEmpty();
    }

    @Test
    void statesThatAPacketMovesTowardsTheEndAreTold() {
        tcpHandshake();
        assertThat(carrier.news()).containsExactly("established");
        ct.sendFrom(1, tcp(THERE).segment("[P.] seq 101 ack 901 len 10"), LOOK);
        assertThat(carrier.news()).isEmpty();
        ct.sendFrom(2, tcp(BACK).segment("[F.] seq 901 ack 111"), LOOK);
        ct.sendFrom(1, tcp(THERE).segment("[.] seq 111 ack 902"), LOOK);
        ct.sendFrom(1, tcp(THERE).segment("[.] seq 111 ack 902"), LOOK);
        assertThat(carrier.news()).containsExactly("changed tcp", "changed tcp");
        ct.sendFrom(1, tcp(THERE).segment("[R] seq 5"), LOOK);
        assertThat(carrier.news()).as("a blind reset").isEmpty();
        ct.sendFrom(1, tcp(THERE).segment("[R] seq 111"), LOOK);
        assertThat(carrier.news()).containsExactly("changed tcp");
    }

    @Test
    void changesOfOnePacketAreToldAtOnce() {
        tcpHandshake();
        carrier.news();
        ct.sendFrom(4, tcp(BACK).segment("[R] seq 901"), mark(1, -1));
        assertThat(carrier.news()).containsExactly("changed mark tcp port");
    }

    // ---- ports ----

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void portOfAHostThatHasMovedIsTold(boolean reply) {
        udpBothWays(true);
        String way = reply ? BACK : THERE;
        int usual = reply ? 2 : 1;
        ct.sendFrom(usual, udp(way), LOOK);
        ct.sendFrom(usual, udp(way), LOOK);
        assertThat(carrier.news()).isEmpty();
        ct.clock.advance(Duration.ofSeconds(2)); // a port is looked at once a second
        ct.sendFrom(9, udp(way), LOOK);
        ct.sendFrom(9, udp(way), LOOK);
        assertThat(carrier.news()).containsExactly("changed port");
        assertThat(ports()).isEqualTo(reply ? "1 9" : "9 2");
    }

    @Test
    void packetsByTwoPortsInTurnAreToldOnceASecond() {
        udpBothWays(true);
        for (int i = 0; i < 100; i++) {
            ct.sendFrom(3 + i % 2, udp(THERE), LOOK);
        }
        assertThat(carrier.news()).hasSizeLessThan(2);
        for (int i = 0; i < 100; i++) {
            ct.clock.advance(Duration.ofMillis(100));
            ct.sendFrom(3 + i % 2, udp(THERE), LOOK);
        }
        assertThat(carrier.news()).hasSizeBetween(4, 11);
    }

    @Test
    void firstReplyOfAHeldConnectionIsNoMove() {
        ct.sendFrom(1, udp(THERE), CtRequest.commit(0));
        id = ct.ids().getFirst();
        ct.tracker.hold(id);
        ct.sendFrom(5, udp(BACK), LOOK);
        assertThat(carrier.news()).containsExactly("established");
        assertThat(ports()).isEqualTo("1 5");
    }

    @Test
    void packetsOfAControllerMoveNothing() {
        udpBothWays(true);
        ct.sendFrom(-1, udp(THERE), LOOK);
        assertThat(carrier.news()).isEmpty();
        assertThat(ports()).isEqualTo("1 2");
    }

    @Test
    void invalidPacketMovesNothing() {
        tcpHandshake();
        carrier.news();
        ct.sendFrom(9, tcp(THERE).segment("[R] seq 5"), LOOK);
        ct.sendFrom(9, tcp(THERE).segment("none seq 5"), LOOK);
        assertThat(carrier.news()).isEmpty();
        assertThat(ports()).isEqualTo("1 2");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void portThatHasGoneIsForgottenUntilAPacketBringsOne(boolean held) {
        udpBothWays(held);
        ct.tracker.forgetPorts(port -> port == 3);
        assertThat(carrier.news()).isEmpty();
        ct.tracker.forgetPorts(port -> port == 1);
        assertThat(carrier.news()).isEqualTo(held ? List.of("changed port") : List.of());
        assertThat(ports()).isEqualTo("-1 2");
        ct.tracker.forgetPorts(port -> true);
        assertThat(ports()).isEqualTo("-1 -1");
        carrier.news();
        ct.sendFrom(8, udp(BACK), LOOK);
        ct.sendFrom(8, udp(BACK), LOOK);
        assertThat(ports()).isEqualTo("-1 8");
        ct.sendFrom(1, udp(THERE), LOOK);
        assertThat(ports()).as("the number may be another port's").isEqualTo("1 8");
        assertThat(carrier.news()).containsExactly("changed port", "changed port");
        ct.clock.advance(Duration.ofSeconds(2));
        ct.sendFrom(4, udp(THERE), LOOK);
        assertThat(ports()).as("once both are known, as before").isEqualTo(held ? "4 8" : "1 8");
    }

    @Test
    void forgottenPortOfAConnectionWithoutReply() {
        ct.sendFrom(1, udp(THERE), CtRequest.commit(0));
        id = ct.ids().getFirst();
        ct.tracker.forgetPorts(port -> port == 1);
        ct.sendFrom(2, udp(BACK), LOOK);
        assertThat(ports()).isEqualTo("-1 2");
        ct.sendFrom(3, udp(THERE), LOOK);
        assertThat(ports()).isEqualTo("3 2");
        assertThat(carrier.news()).containsExactly("established", "changed port");
    }

    @Test
    void removedConnectionForgetsItsPortWhileItCanBeRead() {
        ct.tracker.setListener(new IdleListener() {
            @Override
            public void onCommitted(long connectionId, int inPort, long nowNs) {
                id = connectionId;
            }

            @Override
            public void onChanged(long connectionId, int changes, long nowNs) {
                throw new AssertionError("of a connection that is gone");
            }

            @Override
            public boolean onRemoved(long connectionId, RemovalReason reason, long nowNs) {
                return true;
            }
        });
        ct.sendFrom(1, udp(THERE), CtRequest.commit(0));
        ct.tracker.hold(id);
        ct.tracker.flush(null, ct.clock.nowNs());
        ct.tracker.forgetPorts(port -> port == 1);
        assertThat(ports()).isEqualTo("-1 -1");
    }
}
