package io.turnstile.conntrack;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Frame;
import io.turnstile.packet.Frames;
import io.turnstile.packet.Packet;
import io.turnstile.packet.Packet.ChecksumState;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What {@code ct()} does the same for every protocol. */
class StatesAndCommitsTest {
    private static final CtRequest FORCE = new CtRequest(0, true, true, 0, 0, 0, 0, 0, 0);

    /** A packet each way, of which either may begin a connection. */
    enum Speech {
        UDP(Frames.udp("10.0.0.1:5 > 10.0.0.2:6"), Frames.udp("10.0.0.2:6 > 10.0.0.1:5")),
        UDP6(Frames.udp("[fc00::1]:5 > [fc00::2]:6"), Frames.udp("[fc00::2]:6 > [fc00::1]:5")),
        TCP(
                Frames.tcp("10.0.0.1:5 > 10.0.0.2:6").segment("[P.] seq 100 ack 900 len 1"),
                Frames.tcp("10.0.0.2:6 > 10.0.0.1:5").segment("[.] seq 900 ack 101")),
        TCP6(
                Frames.tcp("[fc00::1]:5 > [fc00::2]:6").segment("[P.] seq 100 ack 900 len 1"),
                Frames.tcp("[fc00::2]:6 > [fc00::1]:5").segment("[.] seq 900 ack 101")),
        SCTP(SctpChunkBytes.there(1, SctpChunkBytes.data()), SctpChunkBytes.back(2, SctpChunkBytes.sack())),
        GRE(
                Frames.ip("10.0.0.1 > 10.0.0.2", 47).payload(4),
                Frames.ip("10.0.0.2 > 10.0.0.1", 47).payload(4));

        final Frame there;
        final Frame back;

        Speech(Frame there, Frame back) {
            this.there = there;
            this.back = back;
        }
    }

    private final TrackerFixture ct = new TrackerFixture();

    @ParameterizedTest
    @EnumSource
    void answerEstablishesBothDirections(Speech speech) {
        assertThat(ct.look(speech.there)).isEqualTo("new");
        assertThat(ct.look(speech.back)).as("nothing was committed").isEqualTo("new");
        assertThat(ct.commit(speech.there)).isEqualTo("new");
        assertThat(ct.look(speech.back)).isEqualTo("est|rpl");
        assertThat(ct.look(speech.there)).isEqualTo("est");
        assertThat(ct.commit(speech.there))
                .as("committing again changes nothing")
                .isEqualTo("est");
        assertThat(ct.commit(speech.back)).isEqualTo("est|rpl");
        assertThat(ct.tracker.connectionCount()).isOne();
    }

    @ParameterizedTest
    @EnumSource(names = {"UDP", "UDP6", "TCP", "TCP6"})
    void damagedPacketIsInvalidAndCommitsNothing(Speech speech) {
        Packet packet = speech.there.packet();
        packet.putU16(packet.l4Offset() + 2, 7);
        assertThat(TrackerFixture.state(ct.send(packet, CtRequest.commit(0)))).isEqualTo("inv");
        assertThat(packet.checksumState()).isEqualTo(ChecksumState.BAD);
        assertThat(ct.tracker.connectionCount()).isZero();
    }

    /** The transport sum is computed once in a packet's life: damage after that is another's business. */
    @ParameterizedTest
    @EnumSource
    void sumIsVerifiedOnce(Speech speech) {
        Packet packet = speech.there.packet();
        assertThat(packet.checksumState()).isEqualTo(ChecksumState.UNVERIFIED);
        assertThat(TrackerFixture.state(ct.send(packet, CtRequest.lookup(0)))).isEqualTo("new");
        assertThat(packet.checksumState()).isEqualTo(ChecksumState.GOOD);
        packet.putU16(packet.l4Offset() + 2, 7);
        assertThat(TrackerFixture.state(ct.send(packet, CtRequest.lookup(1)))).isEqualTo("new");
    }

    @ParameterizedTest
    @EnumSource
    void forceReplacesTheConnectionOfTheOtherDirection(Speech speech) {
        ct.send(speech.there.packet(), new CtRequest(0, true, false, 9, -1, 1, 1, -1, -1));
        long before = ct.ids().getFirst();
        Packet same = ct.send(speech.there.packet(), FORCE);
        assertThat(ct.ids()).as("same direction: kept").containsExactly(before);
        assertThat(same.ctMark()).isEqualTo(9);
        Packet turned = ct.send(speech.back.packet(), FORCE);
        assertThat(TrackerFixture.state(turned)).isEqualTo("new");
        assertThat(turned.ctMark()).as("nothing is inherited").isZero();
        assertThat(turned.ctLabelLow()).isZero();
        assertThat(ct.ids()).hasSize(1).doesNotContain(before);
        assertThat(ct.look(speech.there)).isEqualTo("est|rpl");
    }

    @ParameterizedTest
    @EnumSource
    void oneWalkMayGoThroughSeveralZones(Speech speech) {
        Packet packet = speech.there.packet();
        for (int zone : new int[] {1, 2, 65535}) {
            ct.send(packet, CtRequest.commit(zone));
            assertThat(TrackerFixture.state(packet)).as("zone %d", zone).isEqualTo("new");
            assertThat(packet.ctZone()).isEqualTo(zone);
        }
        assertThat(TrackerFixture.state(ct.send(packet, CtRequest.commit(1))))
                .as("as a second packet")
                .isEqualTo(speech.name().startsWith("TCP") ? "est" : "new");
        assertThat(ct.tracker.connectionCount()).isEqualTo(3);
        Packet answer = ct.send(speech.back.packet(), CtRequest.lookup(2));
        assertThat(TrackerFixture.state(answer)).isEqualTo("est|rpl");
        assertThat(TrackerFixture.state(ct.send(answer, CtRequest.lookup(3)))).isEqualTo("new");
        assertThat(TrackerFixture.state(ct.send(answer, CtRequest.lookup(65535))))
                .isEqualTo("est|rpl");
        assertThat(TrackerFixture.state(ct.send(speech.there.packet(), CtRequest.lookup(1))))
                .as("never answered there")
                .isEqualTo(speech.name().startsWith("TCP") ? "est" : "new");
    }

    @ParameterizedTest
    @EnumSource
    void markAndLabelAreWrittenBitByBit(Speech speech) {
        ct.send(speech.there.packet(), new CtRequest(0, true, false, 0xffff_0000, 0xff00_00ff, -1, 0, 0xf0, 0xf0));
        Packet packet = ct.send(speech.back.packet(), CtRequest.lookup(0));
        assertThat(packet.ctMark()).isEqualTo(0xff00_0000);
        assertThat(packet.ctLabelHigh()).isEqualTo(0xf0);
        assertThat(packet.ctLabelLow()).isZero();
        packet = ct.send(
                speech.back.packet(), new CtRequest(0, true, false, 0x12, 0xff, 0, -1, 0x10, 0xf000_0000_0000_0000L));
        assertThat(packet.ctMark()).isEqualTo(0xff00_0012);
        assertThat(packet.ctLabelHigh()).isEqualTo(0xe0);
        assertThat(packet.ctLabelLow()).isEqualTo(0xf000_0000_0000_0000L);
        packet = ct.send(speech.there.packet(), CtRequest.lookup(0));
        assertThat(packet.ctMark()).as("the other direction sees the same").isEqualTo(0xff00_0012);
        assertThat(ct.dump().getFirst()).contains(",mark=4278190098,labels=0xe0f000000000000000");
    }

    @ParameterizedTest
    @EnumSource
    void bothDirectionsCarryTheOriginalTuple(Speech speech) {
        Packet there = ct.send(speech.there.packet(), CtRequest.commit(0));
        Packet back = ct.send(speech.back.packet(), CtRequest.lookup(0));
        assertThat(back.ctOriginal().sourceLow).isEqualTo(there.ctOriginal().sourceLow);
        assertThat(back.ctOriginal().destinationLow).isEqualTo(there.ctOriginal().destinationLow);
        assertThat(back.ctOriginal().sourcePort).isEqualTo(there.ctOriginal().sourcePort);
        assertThat(back.ctOriginal().protocol).isEqualTo(back.ipProtocol());
        assertThat(back.ctOriginal().ipv6).isEqualTo(speech.name().endsWith("6"));
    }

    @Test
    void invalidPacketLosesWhatItHad() {
        ct.commit(Speech.UDP.there);
        Packet packet = ct.send(Speech.UDP.back.packet(), CtRequest.lookup(0));
        packet.setChecksumState(ChecksumState.BAD);
        ct.send(packet, CtRequest.lookup(4));
        assertThat(TrackerFixture.state(packet)).isEqualTo("inv");
        assertThat(packet.ctZone()).isEqualTo(4);
        assertThat(packet.ctMark()).isZero();
        assertThat(packet.ctOriginal().protocol).isZero();
    }
}
