package io.turnstile.conntrack;

import static io.turnstile.packet.Frames.tcp;
import static io.turnstile.packet.Frames.udp;
import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Frame;
import io.turnstile.packet.Packet;
import org.junit.jupiter.api.Test;

/** FTP and TFTP as the tracker follows them: what is expected, what is translated, what both ends see. */
class AlgTrackingTest {
    private static final long NAT = 0x0a01_01f0L; // 10.1.1.240
    private static final CtRequest LOOK = CtRequest.lookup(0);
    private static final CtRequest BACK = CtRequest.lookup(0).with(NatRequest.ANY);
    private static final CtRequest COMMIT = CtRequest.commit(0).with(NatRequest.ANY);
    private static final CtRequest FTP = CtRequest.commit(0).with(Alg.FTP);
    private static final CtRequest TFTP = CtRequest.commit(0).with(Alg.TFTP);
    private static final String FORTH = "10.1.1.1:4000 > 10.1.1.2:21";
    private static final String BACK_PLAIN = "10.1.1.2:21 > 10.1.1.1:4000";
    private static final String PORT = "PORT 10,1,1,1,156,65\r\n";

    private final TrackerFixture ct = new TrackerFixture();

    private static NatRequest to(NatRequest.Kind kind, long address, int port) {
        return new NatRequest(kind, false, 0, address, 0, address, port, port, false, NatRequest.Choice.DEFAULT);
    }

    private String state(Frame frame, CtRequest request) {
        return TrackerFixture.state(ct.send(frame.packet(), request));
    }

    private void handshake(CtRequest commit, String forth, String back) {
        ct.send(tcp(forth).syn().seq(999).packet(), commit);
        ct.send(tcp(back).synAck().seq(4999).ackNumber(1000).packet(), BACK);
        assertThat(state(tcp(forth).ack().seq(1000).ackNumber(5000), BACK)).startsWith("est");
    }

    private void expect(Frame sent, String state, Frame leaving) {
        Packet packet = ct.send(sent.packet(), BACK);
        assertThat(TrackerFixture.state(packet)).isEqualTo(state);
        assertThat(packet.toBytes()).isEqualTo(leaving.bytes());
    }

    // ---- without translation ----

    @Test
    void theConnectionThatTheClientAnnouncesIsRelatedAndInheritsItsParentsMark() {
        CtRequest marked = new CtRequest(0, true, false, 7, 0xff, 0, 0, 0, 0).with(Alg.FTP);
        handshake(marked, FORTH, BACK_PLAIN);
        assertThat(state(tcp("10.1.1.2:20 > 10.1.1.1:40001").syn(), LOOK)).isEqualTo("new");
        assertThat(state(tcp(FORTH).push().seq(1000).ackNumber(5000).payload(PORT), LOOK))
                .isEqualTo("est");
        assertThat(state(tcp("10.1.1.2:20 > 10.1.1.1:40002").syn(), LOOK)).isEqualTo("new");
        assertThat(state(tcp("10.1.1.3:20 > 10.1.1.1:40001").syn(), LOOK)).isEqualTo("new");
        Packet data = ct.send(tcp("10.1.1.2:20 > 10.1.1.1:40001").syn().packet(), CtRequest.commit(0));
        assertThat(TrackerFixture.state(data)).isEqualTo("new|rel");
        assertThat(data.ctMark()).isEqualTo(7);
        assertThat(state(tcp("10.1.1.1:40001 > 10.1.1.2:20").synAck().ackNumber(1), LOOK))
                .isEqualTo("est|rel|rpl");
    }

    @Test
    void theConnectionThatTheServerAnnouncesIsRelated() {
        handshake(FTP, FORTH, BACK_PLAIN);
        assertThat(state(
                        tcp(BACK_PLAIN)
                                .push()
                                .seq(5000)
                                .ackNumber(1000)
                                .payload("227 Entering Passive Mode (10,1,1,2,4,5).\r\n"),
                        LOOK))
                .isEqualTo("est|rpl");
        assertThat(state(tcp("10.1.1.1:777 > 10.1.1.2:1029").syn(), LOOK)).isEqualTo("new|rel");
        assertThat(state(tcp("10.1.1.2:777 > 10.1.1.1:1029").syn(), LOOK)).isEqualTo("new");
    }

    @Test
    void extendedAnnouncementsWorkOverIpv6() {
        String forth = "[fc00::1]:4000 > [fc00::2]:21";
        String back = "[fc00::2]:21 > [fc00::1]:4000";
        handshake(FTP, forth, back);
        ct.send(
                tcp(back)
                        .push()
                        .seq(5000)
                        .ackNumber(1000)
                        .payload("229 Extended (|||1029|)\r\n")
                        .packet(),
                LOOK);
        assertThat(state(tcp("[fc00::1]:777 > [fc00::2]:1029").syn(), LOOK)).isEqualTo("new|rel");
        ct.send(
                tcp(forth)
                        .push()
                        .seq(1000)
                        .ackNumber(5000)
                        .payload("EPRT |2|fc00::1|1030|\r\n")
                        .packet(),
                LOOK);
        assertThat(state(tcp("[fc00::2]:20 > [fc00::1]:1030").syn(), LOOK)).isEqualTo("new|rel");
    }

    @Test
    void nobodyOpensAWayToSomebodyElse() {
        handshake(FTP, FORTH, BACK_PLAIN);
        assertThat(state(tcp(FORTH).push().seq(1000).ackNumber(5000).payload("PORT 10,1,1,9,0,22\r\n"), LOOK))
                .isEqualTo("est|inv");
        assertThat(state(tcp("10.1.1.2:20 > 10.1.1.9:22").syn(), LOOK)).isEqualTo("new");
        assertThat(state(tcp(BACK_PLAIN).push().seq(5000).ackNumber(1000).payload("227 (10,1,1,9,0,22)\r\n"), LOOK))
                .isEqualTo("est|rpl|inv");
        assertThat(state(tcp("10.1.1.1:777 > 10.1.1.9:22").syn(), LOOK)).isEqualTo("new");
    }

    @Test
    void withoutHelperNothingIsExpected() {
        handshake(CtRequest.commit(0), FORTH, BACK_PLAIN);
        ct.send(tcp(FORTH).push().seq(1000).ackNumber(5000).payload(PORT).packet(), LOOK);
        assertThat(state(tcp("10.1.1.2:20 > 10.1.1.1:40001").syn(), LOOK)).isEqualTo("new");
    }

    @Test
    void whatWasAnnouncedIsForgottenWithItsParent() {
        handshake(FTP, FORTH, BACK_PLAIN);
        ct.send(tcp(FORTH).push().seq(1000).ackNumber(5000).payload(PORT).packet(), LOOK);
        ct.tracker.flush(null, ct.clock.nowNs());
        assertThat(state(tcp("10.1.1.2:20 > 10.1.1.1:40001").syn(), LOOK)).isEqualTo("new");
    }

    @Test
    void aLongDialogueGoesOnAnnouncing() {
        handshake(FTP, FORTH, BACK_PLAIN);
        int sequence = 1000;
        for (int port = 10_000; port < 10_000 + 3 * Expectations.MOST_OF_PARENT; port++) {
            String line = "PORT 10,1,1,1," + port / 256 + "," + port % 256 + "\r\n";
            ct.send(
                    tcp(FORTH)
                            .push()
                            .seq(sequence)
                            .ackNumber(5000)
                            .payload(line)
                            .packet(),
                    LOOK);
            ct.send(
                    tcp(BACK_PLAIN)
                            .ack()
                            .seq(5000)
                            .ackNumber(sequence += line.length())
                            .packet(),
                    LOOK);
            assertThat(state(tcp("10.1.1.2:20 > 10.1.1.1:" + port).syn(), LOOK)).isEqualTo("new|rel");
        }
        assertThat(state(tcp("10.1.1.2:20 > 10.1.1.1:10000").syn(), LOOK)).isEqualTo("new");
    }

    // ---- with translation ----

    @Test
    void aTranslatedClientAnnouncesItsTranslatedAddressAndNumbersStayInStep() {
        CtRequest snat = FTP.with(to(NatRequest.Kind.SOURCE, NAT, 0));
        String out = "10.1.1.240:4000 > 10.1.1.2:21";
        String in = "10.1.1.2:21 > 10.1.1.240:4000";
        handshake(snat, FORTH, in);
        String translated = "PORT 10,1,1,240,156,65\r\n"; // Two bytes longer.
        for (int time = 0; time < 2; time++) {
            expect(
                    tcp(FORTH).push().seq(1000).ackNumber(5000).payload(PORT),
                    "est|snat",
                    tcp(out).push().seq(1000).ackNumber(5000).payload(translated));
        }
        expect(
                tcp(in).push().seq(5000).ackNumber(1024).payload("200 ok\r\n"),
                "est|rpl|dnat",
                tcp(BACK_PLAIN).push().seq(5000).ackNumber(1022).payload("200 ok\r\n"));
        expect(
                tcp(FORTH).push().seq(1022).ackNumber(5008).payload("LIST\r\n"),
                "est|snat",
                tcp(out).push().seq(1024).ackNumber(5008).payload("LIST\r\n"));
        expect(
                tcp(in).ack().seq(5008).ackNumber(1030),
                "est|rpl|dnat",
                tcp(BACK_PLAIN).ack().seq(5008).ackNumber(1028));

        Packet data = ct.send(tcp("10.1.1.2:20 > 10.1.1.240:40001").syn().packet(), COMMIT);
        assertThat(TrackerFixture.state(data)).isEqualTo("new|rel|dnat");
        assertThat(data.toBytes())
                .isEqualTo(tcp("10.1.1.2:20 > 10.1.1.1:40001").syn().bytes());
        expect(
                tcp("10.1.1.1:40001 > 10.1.1.2:20").synAck().ackNumber(1),
                "est|rel|rpl|snat",
                tcp("10.1.1.240:40001 > 10.1.1.2:20").synAck().ackNumber(1));
    }

    @Test
    void aTranslatedServerAnnouncesTheAddressThatTheClientKnows() {
        CtRequest dnat = FTP.with(to(NatRequest.Kind.DESTINATION, 0x0a01_0102L, 0));
        String known = "10.1.1.1:4000 > 192.0.2.200:21";
        handshake(dnat, known, BACK_PLAIN);
        expect(
                tcp(BACK_PLAIN).push().seq(5000).ackNumber(1000).payload("227 x (10,1,1,2,4,5)\r\n"),
                "est|rpl|snat",
                tcp("192.0.2.200:21 > 10.1.1.1:4000")
                        .push()
                        .seq(5000)
                        .ackNumber(1000)
                        .payload("227 x (192,0,2,200,4,5)\r\n"));
        expect(
                tcp(known).ack().seq(1000).ackNumber(5025),
                "est|dnat",
                tcp(FORTH).ack().seq(1000).ackNumber(5022));
        Packet data = ct.send(tcp("10.1.1.1:777 > 192.0.2.200:1029").syn().packet(), COMMIT);
        assertThat(TrackerFixture.state(data)).isEqualTo("new|rel|dnat");
        assertThat(data.toBytes())
                .isEqualTo(tcp("10.1.1.1:777 > 10.1.1.2:1029").syn().bytes());
    }

    @Test
    void aTranslatedServerCallsBackFromTheAddressThatTheClientKnows() {
        CtRequest dnat = FTP.with(to(NatRequest.Kind.DESTINATION, 0x0a01_0102L, 0));
        handshake(dnat, "10.1.1.1:4000 > 192.0.2.200:21", BACK_PLAIN);
        ct.send(
                tcp("10.1.1.1:4000 > 192.0.2.200:21")
                        .push()
                        .seq(1000)
                        .ackNumber(5000)
                        .payload(PORT)
                        .packet(),
                BACK);
        Packet data = ct.send(tcp("10.1.1.2:20 > 10.1.1.1:40001").syn().packet(), COMMIT);
        assertThat(TrackerFixture.state(data)).isEqualTo("new|rel|snat");
        assertThat(data.toBytes())
                .isEqualTo(tcp("192.0.2.200:20 > 10.1.1.1:40001").syn().bytes());
    }

    @Test
    void aWalkThatTranslatesOnItsSecondVisitOnlyDoesAllOfItThen() {
        CtRequest snat = FTP.with(to(NatRequest.Kind.SOURCE, NAT, 0));
        handshake(snat, FORTH, "10.1.1.2:21 > 10.1.1.240:4000");
        Packet packet = ct.send(
                tcp(FORTH).push().seq(1000).ackNumber(5000).payload(PORT).packet(), LOOK);
        assertThat(packet.toBytes())
                .isEqualTo(tcp(FORTH)
                        .push()
                        .seq(1000)
                        .ackNumber(5000)
                        .payload(PORT)
                        .bytes());
        ct.send(packet, BACK);
        ct.send(packet, BACK);
        assertThat(packet.toBytes())
                .isEqualTo(tcp("10.1.1.240:4000 > 10.1.1.2:21")
                        .push()
                        .seq(1000)
                        .ackNumber(5000)
                        .payload("PORT 10,1,1,240,156,65\r\n")
                        .bytes());
        expect(
                tcp(FORTH).ack().seq(1022).ackNumber(5000),
                "est|snat",
                tcp("10.1.1.240:4000 > 10.1.1.2:21").ack().seq(1024).ackNumber(5000));
    }

    @Test
    void anAnnouncedConnectionWhoseTupleIsTakenIsDropped() {
        handshake(FTP.with(to(NatRequest.Kind.SOURCE, NAT, 0)), FORTH, "10.1.1.2:21 > 10.1.1.240:4000");
        ct.send(tcp(FORTH).push().seq(1000).ackNumber(5000).payload(PORT).packet(), BACK);
        ct.send(tcp("10.1.1.1:40001 > 10.1.1.2:20").syn().packet(), CtRequest.commit(0));
        ct.send(tcp("10.1.1.2:20 > 10.1.1.240:40001").syn().packet(), COMMIT);
        assertThat(ct.tracker.natExhaustions()).isEqualTo(1);
    }

    // ---- TFTP ----

    @Test
    void theAnswerToATftpRequestIsRelatedFromWhicheverPort() {
        assertThat(state(udp("10.1.1.1:4000 > 10.1.1.2:69").payload("\0\1boot\0octet\0"), TFTP))
                .isEqualTo("new");
        assertThat(state(udp("10.1.1.2:3333 > 10.1.1.1:4000").payload("\0\3\0\1data"), LOOK))
                .isEqualTo("new|rel");
        assertThat(state(udp("10.1.1.2:3333 > 10.1.1.1:4001").payload("\0\3\0\1data"), LOOK))
                .isEqualTo("new");
    }

    @Test
    void theAnswerToATranslatedTftpRequestFindsBackToThePortThatAsked() {
        CtRequest snat = TFTP.with(to(NatRequest.Kind.SOURCE, NAT, 5000));
        ct.send(udp("10.1.1.1:4000 > 10.1.1.2:69").payload("\0\1boot\0octet\0").packet(), snat);
        Packet data = ct.send(
                udp("10.1.1.2:3333 > 10.1.1.240:5000").payload("data").packet(),
                CtRequest.commit(0).with(NatRequest.ANY));
        assertThat(TrackerFixture.state(data)).isEqualTo("new|rel|dnat");
        assertThat(data.toBytes())
                .isEqualTo(udp("10.1.1.2:3333 > 10.1.1.1:4000").payload("data").bytes());
        expect(
                udp("10.1.1.1:4000 > 10.1.1.2:3333").payload("ack"),
                "est|rel|rpl|snat",
                udp("10.1.1.240:5000 > 10.1.1.2:3333").payload("ack"));
    }
}
