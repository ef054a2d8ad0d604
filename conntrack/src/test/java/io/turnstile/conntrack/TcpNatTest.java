package io.turnstile.conntrack;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Frame;
import io.turnstile.packet.Frames;
import io.turnstile.packet.Packet;
import io.turnstile.packet.TcpHeader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** TCP by the RFCs where addresses are translated and a helper shifts sequence numbers. */
class TcpNatTest {
    private static final long NAT = 0x0a01_01f0L; // 10.1.1.240
    private static final NatRequest SOURCE =
            new NatRequest(NatRequest.Kind.SOURCE, false, 0, NAT, 0, NAT, 0, 0, false, NatRequest.Choice.DEFAULT);
    private static final CtRequest COMMIT = CtRequest.commit(0).with(SOURCE);
    private static final CtRequest FOLLOW = CtRequest.lookup(0).with(NatRequest.ANY);
    private static final String CLIENT = "10.1.1.1:4000 > 10.1.1.2:21";
    private static final String SERVER = "10.1.1.2:21 > 10.1.1.240:4000";
    private static final String PORT = "PORT 10,1,1,1,156,65\r\n";
    /** The translated address has two digits more. */
    private static final int LONGER_BYTES = 2;

    private final TrackerFixture ct = new TrackerFixture();

    private Packet send(String ends, String segment, CtRequest request) {
        return ct.send(Frames.tcp(ends).segment(segment).packet(), request);
    }

    private String client(String segment) {
        return TrackerFixture.state(send(CLIENT, segment, FOLLOW));
    }

    private String server(String segment) {
        return TrackerFixture.state(send(SERVER, segment, FOLLOW));
    }

    private void handshake(CtRequest commit) {
        send(CLIENT, "[S] seq 999", commit);
        assertThat(server("[S.] seq 4999 ack 1000")).isEqualTo("est|rpl|dnat");
        assertThat(client("[.] seq 1000 ack 5000")).isEqualTo("est|snat");
    }

    /** RFC 5382 REQ-2, RFC 9293 §3.5 figure 7. */
    @Test
    void bothSidesOpenAtOnceThroughTranslation() {
        assertThat(TrackerFixture.state(send(CLIENT, "[S] seq 3000000000", COMMIT)))
                .isEqualTo("new|snat");
        assertThat(server("[S] seq 1500000000")).isEqualTo("new|dnat");
        assertThat(client("[S.] seq 3000000000 ack 1500000001")).isEqualTo("est|snat");
        assertThat(server("[S.] seq 1500000000 ack 3000000001")).isEqualTo("est|rpl|dnat");
        assertThat(client("[P.] seq 3000000001 ack 1500000001 len 10")).isEqualTo("est|snat");
        assertThat(ct.dump(true, false).getFirst()).contains("state_orig=ESTABLISHED,state_reply=ESTABLISHED");
    }

    /** RFC 5382 REQ-10: whatever is reported, neither translation nor connection ends. */
    @ParameterizedTest
    @ValueSource(ints = {IcmpTypes.UNREACHABLE, 11, 12})
    void errorsEndNoConnection(int type) {
        Packet syn = send(CLIENT, "[S] seq 999", COMMIT);
        errorAbout(syn, type);
        assertThat(server("[S.] seq 4999 ack 1000")).isEqualTo("est|rpl|dnat");
        Packet data = send(CLIENT, "[P.] seq 1000 ack 5000 len 10", FOLLOW);
        String before = ct.dump(true, true).getFirst();
        errorAbout(data, type);
        assertThat(ct.dump(true, true)).containsExactly(before);
    }

    private void errorAbout(Packet sent, int type) {
        Frame error = Frames.icmpError("10.1.1.2 > 10.1.1.240", type, 1, sent.toBytes());
        assertThat(TrackerFixture.state(ct.send(error.packet(), FOLLOW))).isEqualTo("rel|rpl|dnat");
    }

    /** RFC 9293 §3.5.1 figure 9, with numbers that differ on both sides of the switch. */
    @Test
    void halfOpenDialogueIsClearedThoughItsNumbersAreShifted() {
        handshake(COMMIT.with(Alg.FTP));
        Frame command = Frames.tcp(CLIENT).push().seq(1000).ackNumber(5000).payload(PORT);
        assertThat(TrackerFixture.state(ct.send(command.packet(), FOLLOW))).isEqualTo("est|snat");
        long next = 1000 + PORT.length();
        assertThat(server("[.] seq 5000 ack " + (next + LONGER_BYTES))).isEqualTo("est|rpl|dnat");
        assertThat(client("[S] seq 3000000000")).isEqualTo("est|snat");
        Packet challenge = send(SERVER, "[.] seq 5000 ack " + (next + LONGER_BYTES), FOLLOW);
        assertThat(number(challenge, TcpHeader.ACKNOWLEDGEMENT)).isEqualTo(next);
        Packet reset = send(CLIENT, "[R] seq " + next, FOLLOW);
        assertThat(TrackerFixture.state(reset)).isEqualTo("est|snat");
        assertThat(number(reset, TcpHeader.SEQUENCE)).isEqualTo(next + LONGER_BYTES);
        assertThat(TrackerFixture.state(send(CLIENT, "[S] seq 3000000000", COMMIT)))
                .isEqualTo("new|snat");
    }

    private static long number(Packet packet, int offset) {
        return packet.u32(packet.l4Offset() + offset) & 0xffff_ffffL;
    }

    /** What nobody vouches for is neither believed nor let through untranslated. */
    @Test
    void commandBesideTheWindowAnnouncesNothing() {
        handshake(COMMIT.with(Alg.FTP));
        Frame ahead = Frames.tcp(CLIENT).push().seq(66_600).ackNumber(5000).payload(PORT);
        assertThat(TrackerFixture.state(ct.send(ahead.packet(), FOLLOW))).contains("inv");
        assertThat(ct.tracker.expected().hasNext()).isFalse();
        assertThat(ct.tracker.invalid(InvalidReason.TCP_WINDOW)).isOne();
        Frame inOrder = Frames.tcp(CLIENT).push().seq(1000).ackNumber(5000).payload(PORT);
        assertThat(TrackerFixture.state(ct.send(inOrder.packet(), FOLLOW))).isEqualTo("est|snat");
        assertThat(ct.tracker.expected().hasNext()).isTrue();
    }
}
