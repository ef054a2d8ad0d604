package io.turnstile.conntrack;

import static io.turnstile.packet.Frames.echoReply;
import static io.turnstile.packet.Frames.echoRequest;
import static io.turnstile.packet.Frames.portUnreachable;
import static io.turnstile.packet.Frames.tcp;
import static io.turnstile.packet.Frames.udp;
import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Frame;
import io.turnstile.packet.Frames;
import io.turnstile.packet.Packet;
import io.turnstile.packet.Packet.ChecksumState;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ConnectionTrackerTest {
    private static final String THERE = "10.0.0.1:1234 > 10.0.0.2:80";
    private static final String BACK = "10.0.0.2:80 > 10.0.0.1:1234";
    private static final Duration UDP_FIRST = Duration.ofSeconds(60);

    private final TrackerFixture ct = new TrackerFixture();

    @Test
    void uncommittedConnectionIsNotStored() {
        assertThat(ct.look(udp(THERE))).isEqualTo("new");
        assertThat(ct.look(udp(THERE))).isEqualTo("new");
        assertThat(ct.look(udp(BACK))).isEqualTo("new");
        assertThat(ct.tracker.connectionCount()).isZero();
    }

    @Test
    void udpIsNewUntilAnswered() {
        assertThat(ct.commit(udp(THERE))).isEqualTo("new");
        assertThat(ct.look(udp(THERE))).isEqualTo("new");
        assertThat(ct.look(udp(BACK))).isEqualTo("est|rpl");
        assertThat(ct.look(udp(THERE))).isEqualTo("est");
    }

    @Test
    void udpOverIpv6WorksAlike() {
        assertThat(ct.commit(udp("[2001:db8::1]:1 > [2001:db8::2]:2"))).isEqualTo("new");
        assertThat(ct.look(udp("[2001:db8::2]:2 > [2001:db8::1]:1"))).isEqualTo("est|rpl");
        assertThat(ct.dump())
                .containsExactly("udp,orig=(src=2001:db8::1,dst=2001:db8::2,sport=1,dport=2),"
                        + "reply=(src=2001:db8::2,dst=2001:db8::1,sport=2,dport=1)");
    }

    @Test
    void tcpGoesThroughItsLife() {
        assertThat(ct.pass(tcp(THERE).syn().seq(100))).isEqualTo("new");
        assertThat(ct.dump().getFirst()).endsWith("protoinfo=(state=SYN_SENT)");
        assertThat(ct.look(tcp(BACK).synAck().seq(900).ackNumber(101))).isEqualTo("est|rpl");
        assertThat(ct.look(tcp(THERE).ack().seq(101).ackNumber(901))).isEqualTo("est");
        assertThat(ct.dump().getFirst()).endsWith("protoinfo=(state=ESTABLISHED)");
        assertThat(ct.look(tcp(THERE).push().seq(101).ackNumber(901).payload(50)))
                .isEqualTo("est");
        assertThat(ct.look(tcp(THERE).fin().seq(151).ackNumber(901))).isEqualTo("est");
        assertThat(ct.dump().getFirst()).endsWith("protoinfo=(state=CLOSING)");
        assertThat(ct.look(tcp(BACK).fin().seq(901).ackNumber(152))).isEqualTo("est|rpl");
        assertThat(ct.look(tcp(THERE).ack().seq(152).ackNumber(902))).isEqualTo("est");
        assertThat(ct.dump())
                .containsExactly("tcp,orig=(src=10.0.0.1,dst=10.0.0.2,sport=1234,dport=80),"
                        + "reply=(src=10.0.0.2,dst=10.0.0.1,sport=80,dport=1234),protoinfo=(state=TIME_WAIT)");
    }

    @Test
    void synOnAClosedConnectionBeginsANewOne() {
        tcpGoesThroughItsLife();
        long before = ct.ids().getFirst();
        assertThat(ct.pass(tcp(THERE).syn().seq(5000))).isEqualTo("new");
        assertThat(ct.ids()).hasSize(1).doesNotContain(before);
        assertThat(ct.dump().getFirst()).endsWith("protoinfo=(state=SYN_SENT)");
    }

    @Test
    void resetClosesBothSides() {
        handshake();
        assertThat(ct.look(tcp(BACK).rst().seq(901))).isEqualTo("est|rpl");
        assertThat(ct.dump(true, true).getFirst())
                .contains("timeout=30,")
                .contains("state_orig=TIME_WAIT,state_reply=TIME_WAIT");
    }

    @Test
    void resetOffTheSpotIsInvalid() {
        handshake();
        assertThat(ct.look(tcp(BACK).rst().seq(950))).isEqualTo("inv");
        assertThat(ct.dump().getFirst()).endsWith("protoinfo=(state=ESTABLISHED)");
    }

    @Test
    void segmentOutOfTheWindowIsInvalidUnlessWindowsAreNotChecked() {
        handshake();
        Frame far = tcp(THERE).push().seq(10_000_000).ackNumber(901).payload(10);
        assertThat(ct.look(far)).isEqualTo("inv");
        ct.tracker.setTcpWindowChecked(false);
        assertThat(ct.look(far)).isEqualTo("est");
    }

    @Test
    void scaledWindowIsBelieved() {
        ct.pass(tcp(THERE).syn().seq(100).windowScale(7).window(1000));
        ct.look(tcp(BACK).synAck().seq(900).ackNumber(101).windowScale(10).window(1000));
        ct.look(tcp(THERE).ack().seq(101).ackNumber(901).window(1000));
        ct.look(tcp(BACK).ack().seq(901).ackNumber(101).window(1000));
        assertThat(ct.dump(true, false).getFirst())
                .contains("wscale_orig=7,wscale_reply=10," + "flags_orig=WINDOW_SCALE,flags_reply=WINDOW_SCALE");
        // The reply side offered 1000 << 10.
        assertThat(ct.look(tcp(THERE).push().seq(101 + 900_000).ackNumber(901).payload(1000)))
                .isEqualTo("est");
        assertThat(ct.look(tcp(THERE).push().seq(101 + 2_200_000).ackNumber(901).payload(1000)))
                .isEqualTo("inv");
    }

    @Test
    void runningTcpIsPickedUpInTheMiddle() {
        assertThat(ct.pass(tcp(THERE).ack().seq(77_000_000).ackNumber(88_000_000)))
                .isEqualTo("new");
        assertThat(ct.look(tcp(BACK).ack().seq(88_000_000).ackNumber(77_000_000).payload(10)))
                .isEqualTo("est|rpl");
        assertThat(ct.dump(true, false).getFirst()).contains("flags_orig=BE_LIBERAL,flags_reply=BE_LIBERAL");
    }

    @Test
    void synAckAloneIsInvalid() {
        assertThat(ct.pass(tcp(BACK).synAck())).isEqualTo("inv");
    }

    @Test
    void simultaneousOpenIsFollowed() {
        assertThat(ct.pass(tcp(THERE).syn().seq(100))).isEqualTo("new");
        assertThat(ct.look(tcp(BACK).syn().seq(900))).isEqualTo("new");
        assertThat(ct.look(tcp(THERE).synAck().seq(100).ackNumber(901))).isEqualTo("est");
        assertThat(ct.look(tcp(BACK).synAck().seq(900).ackNumber(101))).isEqualTo("est|rpl");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 0x01, 0x03, 0x06, 0x08, 0x20, 0x29, 0x07})
    void impossibleFlagsAreInvalid(int flags) {
        assertThat(ct.look(tcp(THERE).flags(flags))).isEqualTo("inv");
        handshake();
        assertThat(ct.look(tcp(THERE).flags(flags).seq(101).ackNumber(901))).isEqualTo("inv");
    }

    @Test
    void pingIsNewUntilAnswered() {
        assertThat(ct.commit(echoRequest("10.1.0.1 > 10.1.0.2", 1))).isEqualTo("new");
        assertThat(ct.look(echoReply("10.1.0.2 > 10.1.0.1", 1))).isEqualTo("est|rpl");
        assertThat(ct.look(echoRequest("10.1.0.1 > 10.1.0.2", 1))).isEqualTo("est");
        assertThat(ct.look(echoRequest("10.1.0.1 > 10.1.0.2", 2))).isEqualTo("new");
        assertThat(ct.dump())
                .containsExactly("icmp,orig=(src=10.1.0.1,dst=10.1.0.2,id=1,type=8,code=0),"
                        + "reply=(src=10.1.0.2,dst=10.1.0.1,id=1,type=0,code=0)");
    }

    @Test
    void pingOverIpv6WorksAlike() {
        assertThat(ct.commit(echoRequest("fc00::1 > fc00::2", 9))).isEqualTo("new");
        assertThat(ct.look(echoReply("fc00::2 > fc00::1", 9))).isEqualTo("est|rpl");
        assertThat(ct.dump())
                .containsExactly("icmpv6,orig=(src=fc00::1,dst=fc00::2,id=9,type=128,code=0),"
                        + "reply=(src=fc00::2,dst=fc00::1,id=9,type=129,code=0)");
    }

    @Test
    void echoReplyAloneIsInvalid() {
        assertThat(ct.commit(echoReply("10.1.0.2 > 10.1.0.1", 1))).isEqualTo("inv");
        assertThat(ct.commit(Frames.icmp("10.1.0.2 > 10.1.0.1", 8, 1, 1)))
                .as("code must be 0")
                .isEqualTo("inv");
        assertThat(ct.commit(Frames.icmp("10.1.0.2 > 10.1.0.1", 9, 0, 1)))
                .as("router advertisement")
                .isEqualTo("inv");
    }

    @Test
    void errorIsRelatedToWhatItQuotes() {
        Frame question = udp("10.0.0.1:5000 > 10.0.0.2:53");
        ct.commit(question);
        Packet error =
                ct.send(portUnreachable("10.0.0.2 > 10.0.0.1", question.bytes()).packet(), CtRequest.lookup(0));
        assertThat(TrackerFixture.state(error)).isEqualTo("rel|rpl");
        assertThat(error.ctOriginal().protocol).isEqualTo(17);
        assertThat(error.ctOriginal().sourcePort).isEqualTo(5000);
        assertThat(ct.look(portUnreachable("10.9.9.9 > 10.0.0.1", question.bytes())))
                .as("from a router")
                .isEqualTo("rel|rpl");
        assertThat(ct.look(portUnreachable("10.0.0.2 > 10.0.0.7", question.bytes())))
                .as("sent astray")
                .isEqualTo("inv");
    }

    @Test
    void errorOverIpv6IsRelatedToWhatItQuotes() {
        Frame question = udp("[fc00::1]:5000 > [fc00::2]:53");
        ct.commit(question);
        assertThat(ct.look(portUnreachable("fc00::2 > fc00::1", question.bytes())))
                .isEqualTo("rel|rpl");
    }

    @Test
    void errorAboutNothingKnownIsInvalid() {
        assertThat(ct.look(portUnreachable(
                        "10.0.0.2 > 10.0.0.1",
                        udp("10.0.0.1:5000 > 10.0.0.2:53").bytes())))
                .isEqualTo("inv");
    }

    @Test
    void otherProtocolsAreTrackedByAddress() {
        assertThat(ct.commit(Frames.ip("10.0.0.1 > 10.0.0.2", 47).payload(8))).isEqualTo("new");
        assertThat(ct.look(Frames.ip("10.0.0.2 > 10.0.0.1", 47).payload(8))).isEqualTo("est|rpl");
        assertThat(ct.dump())
                .containsExactly("47,orig=(src=10.0.0.1,dst=10.0.0.2,sport=0,dport=0),"
                        + "reply=(src=10.0.0.2,dst=10.0.0.1,sport=0,dport=0)");
    }

    @Test
    void wrongChecksumsAreInvalid() {
        assertThat(ct.look(udp(THERE).corruptChecksum())).isEqualTo("inv");
        assertThat(ct.look(tcp(THERE).syn().corruptChecksum())).isEqualTo("inv");
        assertThat(ct.look(echoRequest("10.0.0.1 > 10.0.0.2", 1).corruptChecksum()))
                .isEqualTo("inv");
        assertThat(ct.look(echoRequest("fc00::1 > fc00::2", 1).corruptChecksum()))
                .isEqualTo("inv");
        assertThat(ct.look(udp("[fc00::1]:1 > [fc00::2]:2").withoutChecksum())).isEqualTo("inv");
        assertThat(ct.look(udp(THERE).corruptNetworkChecksum())).isEqualTo("inv");
        assertThat(ct.look(udp(THERE).withoutChecksum())).isEqualTo("new");
    }

    @Test
    void checksumThatIsKnownOrStillToComeIsNotLookedAt() {
        for (ChecksumState state : new ChecksumState[] {ChecksumState.GOOD, ChecksumState.PARTIAL}) {
            Packet packet = udp(THERE).corruptChecksum().packet();
            packet.setChecksumState(state);
            assertThat(TrackerFixture.state(ct.send(packet, CtRequest.lookup(0))))
                    .isEqualTo("new");
        }
    }

    @Test
    void whatIsNotTrackableIsInvalid() {
        assertThat(ct.look(Frames.arpRequest("10.0.0.1 > 10.0.0.2"))).isEqualTo("inv");
        assertThat(ct.look(udp("10.0.0.1:0 > 10.0.0.2:53"))).isEqualTo("inv");
        assertThat(ct.look(udp(THERE).fragment(0, true))).isEqualTo("inv");
        assertThat(ct.look(udp(THERE).fragment(64, false))).isEqualTo("inv");
    }

    @Test
    void zonesAreWorldsOfTheirOwn() {
        ct.send(udp(THERE).packet(), CtRequest.commit(7));
        assertThat(TrackerFixture.state(ct.send(udp(BACK).packet(), CtRequest.lookup(8))))
                .isEqualTo("new");
        assertThat(TrackerFixture.state(ct.send(udp(BACK).packet(), CtRequest.lookup(7))))
                .isEqualTo("est|rpl");
        assertThat(ct.dump().getFirst()).endsWith(",zone=7");
        Packet through = ct.send(udp(BACK).packet(), CtRequest.lookup(7));
        assertThat(TrackerFixture.state(ct.send(through, CtRequest.lookup(8))))
                .as("state starts anew")
                .isEqualTo("new");
        assertThat(through.ctZone()).isEqualTo(8);
    }

    @Test
    void markAndLabelAreWrittenUnderTheirMasks() {
        ct.send(udp(THERE).packet(), new CtRequest(0, true, false, 0x12, 0xff, 1, 2, -1, -1));
        Packet packet =
                ct.send(udp(THERE).packet(), new CtRequest(0, true, false, 0xff30, 0xff00, 0, 0x100, 0, 0xff00));
        assertThat(packet.ctMark()).isEqualTo(0xff12);
        assertThat(packet.ctLabelHigh()).isEqualTo(1);
        assertThat(packet.ctLabelLow()).isEqualTo(0x102);
        assertThat(ct.look(udp(BACK))).isEqualTo("est|rpl");
        assertThat(ct.dump().getFirst()).endsWith(",mark=65298,labels=0x10000000000000102");
    }

    @Test
    void secondCommitOfOneWalkSeesItsOwnConnection() {
        Packet packet = udp(THERE).packet();
        ct.send(packet, CtRequest.lookup(0));
        ct.send(packet, CtRequest.commit(0));
        ct.send(packet, new CtRequest(0, true, false, 5, -1, 0, 0, 0, 0));
        assertThat(TrackerFixture.state(packet)).isEqualTo("new");
        assertThat(packet.ctMark()).isEqualTo(5);
        ct.send(packet, CtRequest.lookup(0));
        assertThat(packet.ctMark()).isEqualTo(5);
    }

    @Test
    void forceTurnsAConnectionRound() {
        ct.commit(udp(THERE));
        long before = ct.ids().getFirst();
        Packet packet = ct.send(udp(BACK).packet(), new CtRequest(0, true, true, 0, 0, 0, 0, 0, 0));
        assertThat(TrackerFixture.state(packet)).isEqualTo("new");
        assertThat(ct.ids()).hasSize(1).doesNotContain(before);
        assertThat(ct.dump().getFirst()).startsWith("udp,orig=(src=10.0.0.2");
        ct.send(udp(BACK).packet(), new CtRequest(0, true, true, 0, 0, 0, 0, 0, 0));
        assertThat(ct.ids()).as("same direction: kept").hasSize(1);
    }

    @Test
    void packetCarriesTheOriginalTuple() {
        ct.commit(udp(THERE));
        Packet reply = ct.send(udp(BACK).packet(), CtRequest.lookup(0));
        assertThat(reply.ctOriginal().sourceLow).isEqualTo(0x0a000001L);
        assertThat(reply.ctOriginal().destinationPort).isEqualTo(80);
        Packet ping = ct.send(echoRequest("10.0.0.1 > 10.0.0.2", 3).packet(), CtRequest.commit(0));
        assertThat(ping.ctOriginal().sourcePort).isEqualTo(8);
        assertThat(ping.ctOriginal().destinationPort).isZero();
    }

    @ParameterizedTest
    @ValueSource(longs = {0, Long.MAX_VALUE - 30_000_000_000L, Long.MIN_VALUE, -1})
    void replyAfterTimeoutIsNew(long originNs) {
        TrackerFixture ct = new TrackerFixture(originNs, 100);
        ct.commit(udp(THERE));
        ct.advance(UDP_FIRST.minusNanos(1));
        assertThat(ct.tracker.connectionCount()).isOne();
        ct.sweep();
        assertThat(ct.dump(false, true).getFirst()).endsWith(",timeout=0");
        ct.advance(Duration.ofNanos(1));
        assertThat(ct.look(udp(BACK))).isEqualTo("new");
        assertThat(ct.dump()).isEmpty();
        ct.sweep();
        assertThat(ct.tracker.connectionCount()).isZero();
    }

    @Test
    void expiredConnectionDoesNotStandInTheWayOfANewOne() {
        ct.commit(udp(THERE));
        ct.advance(UDP_FIRST);
        assertThat(ct.commit(udp(BACK))).isEqualTo("new");
        assertThat(ct.dump()).singleElement().asString().startsWith("udp,orig=(src=10.0.0.2");
        assertThat(ct.tracker.connectionCount()).isOne();
    }

    @Test
    void shorterLifeIsNoticedByTheSweep() {
        handshake();
        assertThat(ct.dump(false, true).getFirst()).contains(",timeout=86400,");
        ct.look(tcp(BACK).rst().seq(901));
        ct.advance(Duration.ofSeconds(30));
        ct.sweep();
        assertThat(ct.tracker.connectionCount()).isZero();
    }

    @Test
    void longLifeIsKeptOverManySweeps() {
        handshake();
        for (int hour = 0; hour < 23; hour++) {
            ct.advance(Duration.ofHours(1));
            ct.sweep();
        }
        assertThat(ct.tracker.connectionCount()).isOne();
        ct.advance(Duration.ofHours(1));
        ct.sweep();
        assertThat(ct.tracker.connectionCount()).isZero();
    }

    @Test
    void fullTableTakesNoMore() {
        TrackerFixture ct = new TrackerFixture(0, 2);
        assertThat(ct.commit(udp("10.0.0.1:1 > 10.0.0.2:1"))).isEqualTo("new");
        assertThat(ct.commit(udp("10.0.0.1:2 > 10.0.0.2:1"))).isEqualTo("new");
        assertThat(ct.commit(udp("10.0.0.1:3 > 10.0.0.2:1"))).isEqualTo("new");
        assertThat(ct.tracker.connectionCount()).isEqualTo(2);
        assertThat(ct.tracker.refusals()).isOne();
        ct.tracker.flush(null, ct.clock.nowNs());
        ct.commit(udp("10.0.0.1:3 > 10.0.0.2:1"));
        assertThat(ct.tracker.connectionCount()).isOne();
    }

    @Test
    void flushTakesAZoneOrAll() {
        ct.send(udp(THERE).packet(), CtRequest.commit(1));
        ct.send(udp(THERE).packet(), CtRequest.commit(2));
        ct.send(udp(THERE).packet(), CtRequest.commit(3));
        assertThat(ct.tracker.flush(2, ct.clock.nowNs())).isOne();
        assertThat(ct.dump()).hasSize(2).noneMatch(line -> line.endsWith("zone=2"));
        assertThat(ct.tracker.flush(null, ct.clock.nowNs())).isEqualTo(2);
        assertThat(ct.tracker.connectionCount()).isZero();
    }

    @Test
    void windowIsForgottenAfterPacketsWereCarriedElsewhere() {
        handshake();
        Frame ahead = tcp(THERE).push().seq(500_000_000).ackNumber(700_000_000).payload(10);
        assertThat(ct.look(ahead)).isEqualTo("inv");
        long id = ct.ids().getFirst();
        ct.tracker.hold(id);
        ct.tracker.unhold(id, null);
        assertThat(ct.look(ahead)).isEqualTo("est");
        assertThat(ct.look(tcp(THERE)
                        .push()
                        .seq(500_000_010)
                        .ackNumber(700_000_000)
                        .payload(10)))
                .isEqualTo("est");
        assertThat(ct.look(
                        tcp(BACK).push().seq(700_000_000).ackNumber(500_000_020).payload(10)))
                .isEqualTo("est|rpl");
        assertThat(ct.look(tcp(THERE).ack().seq(500_000_020).ackNumber(700_000_010)))
                .isEqualTo("est");
        assertThat(ct.look(tcp(BACK).push().seq(100_000).ackNumber(500_000_020).payload(10)))
                .as("strict again")
                .isEqualTo("inv");
    }

    private void handshake() {
        ct.pass(tcp(THERE).syn().seq(100));
        ct.look(tcp(BACK).synAck().seq(900).ackNumber(101));
        ct.look(tcp(THERE).ack().seq(101).ackNumber(901));
    }
}
