package io.turnstile.conntrack;

import static io.turnstile.packet.Frames.tcp;
import static io.turnstile.packet.Frames.udp;
import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Frame;
import io.turnstile.packet.Packet;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

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

    /** RFC 2577 §3 for the command; the answer is for the client to believe or not. */
    @Test
    void nobodyOpensAWayToSomebodyElse() {
        handshake(FTP, FORTH, BACK_PLAIN);
        assertThat(says(1000, "PORT 10,1,1,9,0,22\r\n")).isEqualTo("est|inv");
        assertThat(says(1000, "PORT 10,1,1,1,0,22\r\nPORT 10,1,1,9,0,22\r\n")).isEqualTo("est|inv");
        String many = "PORT 10,1,1,1,0,22\r\n".repeat(AlgTracking.MOST_IN_PACKET);
        assertThat(says(1000, many + "PORT 10,1,1,9,0,22\r\n")).isEqualTo("est|inv");
        assertThat(state(tcp("10.1.1.2:20 > 10.1.1.9:22").syn(), LOOK)).isEqualTo("new");
        assertThat(state(tcp("10.1.1.2:20 > 10.1.1.1:22").syn(), LOOK)).isEqualTo("new");
        assertThat(answers(5000, "227 (10,1,1,9,0,22)\r\n")).isEqualTo("est|rpl");
        assertThat(state(tcp("10.1.1.1:777 > 10.1.1.9:22").syn(), LOOK)).isEqualTo("new");
    }

    private String says(int sequence, String text) {
        return state(tcp(FORTH).push().seq(sequence).ackNumber(5000).payload(text), LOOK);
    }

    private String answers(int sequence, String text) {
        return state(tcp(BACK_PLAIN).push().seq(sequence).ackNumber(1000).payload(text), LOOK);
    }

    /** A firewall that drops what is invalid would have it sent again for ever. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "227 Entering Passive Mode\r\n",
                "227 (10,1,1,2,4,5", // the rest comes in another segment
                "227 (10,1,1,2,4,5,6)\r\n",
                "227 (10,1,1,9,4,5)\r\n",
                "229 Entering Extended Passive Mode\r\n",
                "229 (|||99999|)\r\n",
                "229 (|2|fc00::2|1029|)\r\n"
            })
    void dialogueGoesOnAfterAnAnswerThatIsNotUnderstood(String answer) {
        handshake(FTP, FORTH, BACK_PLAIN);
        assertThat(answers(5000, answer)).isEqualTo("est|rpl");
        assertThat(state(tcp("10.1.1.1:777 > 10.1.1.2:1029").syn(), LOOK)).isEqualTo("new");
        assertThat(answers(5000 + answer.length(), "227 (10,1,1,2,4,6)\r\n")).isEqualTo("est|rpl");
        assertThat(state(tcp("10.1.1.1:777 > 10.1.1.2:1030").syn(), LOOK)).isEqualTo("new|rel");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "PORT 10,1,1,1,4\r\n",
                "PORT 10,1,1,1,4,5", // the rest comes in another segment
                "EPRT |2|fc00::1|1029|\r\n", // RFC 2428 §2: is answered by 522
                "EPRT |3|nobody|1029|\r\n"
            })
    void dialogueGoesOnAfterACommandThatIsNotUnderstood(String command) {
        handshake(FTP, FORTH, BACK_PLAIN);
        assertThat(says(1000, command)).isEqualTo("est");
        assertThat(state(tcp("10.1.1.2:20 > 10.1.1.1:1029").syn(), LOOK)).isEqualTo("new");
        assertThat(says(1000 + command.length(), PORT)).isEqualTo("est");
        assertThat(state(tcp("10.1.1.2:20 > 10.1.1.1:40001").syn(), LOOK)).isEqualTo("new|rel");
    }

    /** RFC 959 §4.2: an answer may have several lines, and several may come in one segment. */
    @Test
    void announcementIsFoundInAnyLineOfASegment() {
        handshake(FTP, FORTH, BACK_PLAIN);
        String answer = "226-Transfer complete\r\n 2 files\r\n226 bye\r\n227 (10,1,1,2,4,5)\r\n229 (|||1030|)\r\n";
        assertThat(answers(5000, answer)).isEqualTo("est|rpl");
        for (int port : new int[] {1029, 1030}) {
            assertThat(state(tcp("10.1.1.1:777 > 10.1.1.2:" + port).syn(), LOOK))
                    .isEqualTo("new|rel");
        }
    }

    @Test
    void moreAnnouncementsThanAPacketMayHaveAreLeftAlone() {
        handshake(FTP, FORTH, BACK_PLAIN);
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < AlgTracking.MOST_IN_PACKET + 2; i++) {
            lines.append("229 (|||").append(2000 + i).append("|)\r\n");
        }
        assertThat(answers(5000, lines.toString())).isEqualTo("est|rpl");
        assertThat(state(tcp("10.1.1.1:777 > 10.1.1.2:2007").syn(), LOOK)).isEqualTo("new|rel");
        assertThat(state(tcp("10.1.1.1:777 > 10.1.1.2:2008").syn(), LOOK)).isEqualTo("new");
    }

    @Test
    void dataIsNotSearchedForAnnouncements() {
        handshake(FTP, FORTH, BACK_PLAIN);
        answers(5000, "229 (|||1029|)\r\n");
        String data = "10.1.1.1:777 > 10.1.1.2:1029";
        ct.send(tcp(data).syn().seq(99).packet(), FTP);
        ct.send(
                tcp("10.1.1.2:1029 > 10.1.1.1:777")
                        .synAck()
                        .seq(499)
                        .ackNumber(100)
                        .packet(),
                LOOK);
        String listing = "a file\r\n227 (10,1,1,2,0,22)\r\n";
        assertThat(state(
                        tcp("10.1.1.2:1029 > 10.1.1.1:777")
                                .push()
                                .seq(500)
                                .ackNumber(100)
                                .payload(listing),
                        LOOK))
                .isEqualTo("est|rel|rpl");
        assertThat(state(tcp("10.1.1.1:778 > 10.1.1.2:22").syn(), LOOK)).isEqualTo("new");
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

    /**
     * Lines 2 and 4 are changed, and the stream goes on without a gap, also if the segment comes again and has grown.
     */
    @Test
    void severalAnnouncementsOfASegmentAreTranslatedTogether() {
        CtRequest dnat = FTP.with(to(NatRequest.Kind.DESTINATION, 0x0a01_0102L, 0));
        String known = "10.1.1.1:4000 > 192.0.2.200:21";
        String toClient = "192.0.2.200:21 > 10.1.1.1:4000";
        handshake(dnat, known, BACK_PLAIN);
        String[] sent = {"226 sent\r\n", "227 x (10,1,1,2,4,5)\r\n", "200 ok\r\n", "227 (10,1,1,2,4,6)\r\n"};
        String[] received = {"226 sent\r\n", "227 x (192,0,2,200,4,5)\r\n", "200 ok\r\n", "227 (192,0,2,200,4,6)\r\n"};
        for (int lines : new int[] {2, 2, 4, 4}) {
            expect(
                    tcp(BACK_PLAIN).push().seq(5000).ackNumber(1000).payload(joined(sent, lines)),
                    "est|rpl|snat",
                    tcp(toClient).push().seq(5000).ackNumber(1000).payload(joined(received, lines)));
        }
        int sentEnd = 5000 + joined(sent, 4).length();
        int receivedEnd = 5000 + joined(received, 4).length();
        assertThat(receivedEnd - sentEnd).isEqualTo(6);
        expect(
                tcp(known).ack().seq(1000).ackNumber(receivedEnd),
                "est|dnat",
                tcp(FORTH).ack().seq(1000).ackNumber(sentEnd));
        expect(
                tcp(BACK_PLAIN).push().seq(sentEnd).ackNumber(1000).payload("226 x\r\n"),
                "est|rpl|snat",
                tcp(toClient).push().seq(receivedEnd).ackNumber(1000).payload("226 x\r\n"));
        for (int port : new int[] {1029, 1030}) {
            Packet data =
                    ct.send(tcp("10.1.1.1:777 > 192.0.2.200:" + port).syn().packet(), COMMIT);
            assertThat(TrackerFixture.state(data)).isEqualTo("new|rel|dnat");
        }
    }

    private static String joined(String[] lines, int count) {
        return String.join("", Arrays.copyOf(lines, count));
    }

    /** What came together may come again in pieces: each piece has its place in the stream. */
    @Test
    void segmentThatComesAgainInPiecesHasTheSameNumbers() {
        handshake(FTP.with(to(NatRequest.Kind.SOURCE, NAT, 0)), FORTH, "10.1.1.2:21 > 10.1.1.240:4000");
        String out = "10.1.1.240:4000 > 10.1.1.2:21";
        String translated = "PORT 10,1,1,240,156,65\r\n";
        expect(
                tcp(FORTH).push().seq(1000).ackNumber(5000).payload("NOOP\r\n" + PORT),
                "est|snat",
                tcp(out).push().seq(1000).ackNumber(5000).payload("NOOP\r\n" + translated));
        expect(
                tcp(FORTH).push().seq(1006).ackNumber(5000).payload(PORT),
                "est|snat",
                tcp(out).push().seq(1006).ackNumber(5000).payload(translated));
        expect(
                tcp(FORTH).push().seq(1028).ackNumber(5000).payload("LIST\r\n"),
                "est|snat",
                tcp(out).push().seq(1030).ackNumber(5000).payload("LIST\r\n"));
    }

    @Test
    void addressInALongAnswerToEpsvIsTranslatedToo() {
        CtRequest dnat = FTP.with(to(NatRequest.Kind.DESTINATION, 0x0a01_0102L, 0));
        handshake(dnat, "10.1.1.1:4000 > 192.0.2.200:21", BACK_PLAIN);
        expect(
                tcp(BACK_PLAIN).push().seq(5000).ackNumber(1000).payload("229 x (|1|10.1.1.2|1029|)\r\n"),
                "est|rpl|snat",
                tcp("192.0.2.200:21 > 10.1.1.1:4000")
                        .push()
                        .seq(5000)
                        .ackNumber(1000)
                        .payload("229 x (|1|192.0.2.200|1029|)\r\n"));
        Packet data = ct.send(tcp("10.1.1.1:777 > 192.0.2.200:1029").syn().packet(), COMMIT);
        assertThat(TrackerFixture.state(data)).isEqualTo("new|rel|dnat");
    }

    /** The dialogue goes on with the right numbers after answers that are left as they are. */
    @Test
    void translatedDialogueGoesOnAfterAnAnswerThatIsNotUnderstood() {
        CtRequest dnat = FTP.with(to(NatRequest.Kind.DESTINATION, 0x0a01_0102L, 0));
        handshake(dnat, "10.1.1.1:4000 > 192.0.2.200:21", BACK_PLAIN);
        String toClient = "192.0.2.200:21 > 10.1.1.1:4000";
        int sent = 5000;
        int received = 5000;
        for (String[] line : new String[][] {
            {"227 (10,1,1,2,4,5)\r\n", "227 (192,0,2,200,4,5)\r\n"},
            {"227 (10,1,1,2,4,5,6)\r\n", "227 (10,1,1,2,4,5,6)\r\n"},
            {"227 (10,9,9,9,4,5)\r\n", "227 (10,9,9,9,4,5)\r\n"},
            {"229 (|1|10.9.9.9|1031|)\r\n", "229 (|1|10.9.9.9|1031|)\r\n"},
            {"227 (10,1,1,2,4,6)\r\n", "227 (192,0,2,200,4,6)\r\n"}
        }) {
            expect(
                    tcp(BACK_PLAIN).push().seq(sent).ackNumber(1000).payload(line[0]),
                    "est|rpl|snat",
                    tcp(toClient).push().seq(received).ackNumber(1000).payload(line[1]));
            sent += line[0].length();
            received += line[1].length();
            expect(
                    tcp("10.1.1.1:4000 > 192.0.2.200:21").ack().seq(1000).ackNumber(received),
                    "est|dnat",
                    tcp(FORTH).ack().seq(1000).ackNumber(sent));
        }
        for (int port : new int[] {1029, 1030, 1031}) {
            Packet data =
                    ct.send(tcp("10.1.1.1:777 > 192.0.2.200:" + port).syn().packet(), COMMIT);
            assertThat(TrackerFixture.state(data)).as("port %d", port).isEqualTo("new|rel|dnat");
        }
    }

    @Test
    void answerWithoutRoomForTheOtherAddressPassesAsItIs() {
        CtRequest dnat = FTP.with(to(NatRequest.Kind.DESTINATION, 0x0a01_0102L, 0));
        handshake(dnat, "10.1.1.1:4000 > 192.0.2.200:21", BACK_PLAIN);
        String line = "227 (10,1,1,2,4,5)\r\n" + "x".repeat(65_535 - 40 - 20);
        Packet packet = ct.send(
                tcp(BACK_PLAIN).push().seq(5000).ackNumber(1000).payload(line).packet(), BACK);
        assertThat(TrackerFixture.state(packet)).isEqualTo("est|rpl|snat");
        Packet data = ct.send(tcp("10.1.1.1:777 > 192.0.2.200:1029").syn().packet(), LOOK);
        assertThat(TrackerFixture.state(data)).isEqualTo("new");
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
