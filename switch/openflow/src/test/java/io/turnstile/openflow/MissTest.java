package io.turnstile.openflow;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.turnstile.datapath.Field;
import io.turnstile.openflow.wire.Wire;
import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.PacketInReason;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Packets that no flow matches: before OpenFlow 1.3 the controllers get them, from then on a flow is there for them.
 */
class MissTest {
    private static final Match FROM_PORT_1 =
            Match.builder().exact(Field.IN_PORT, 1).build();

    private static Dialogue monitor(WireVersion version) {
        Dialogue peer = new Dialogue(version).greeted();
        peer.say(peer.message(
                MessageType.SET_CONFIG, 1, body -> body.writeShort(0).writeShort(0xffff)));
        return peer;
    }

    private static List<ByteBuf> packetIn(Dialogue peer, PacketInReason reason) {
        peer.bridge.events.packetIn(FakeSwitch.packetIn(new byte[60], reason, FROM_PORT_1));
        peer.settle();
        return peer.answers();
    }

    @ParameterizedTest
    @EnumSource(WireVersion.class)
    void missesAreWantedBy(WireVersion version) {
        boolean early = !version.isAtLeast(WireVersion.OF13);
        try (Dialogue peer = monitor(version)) {
            assertThat(peer.bridge.events.wantsPacketInOnMiss()).isEqualTo(early);
            assertThat(peer.bridge.refreshed).isEqualTo(early ? 1 : 0);
            assertThat(packetIn(peer, PacketInReason.IMPLICIT_MISS)).hasSize(early ? 1 : 0);
            assertThat(packetIn(peer, PacketInReason.EXPLICIT_MISS)).hasSize(1);
        }
    }

    /** Where its reason stands in a packet-in depends on the version; os-ken's simple_switch and others look at it. */
    @ParameterizedTest
    @EnumSource(WireVersion.class)
    void theReasonOfATableMissFlowIsNoMatchFrom13On(WireVersion version) {
        int offset = Wire.HEADER_BYTES
                + switch (version) {
                    case OF10 -> 8;
                    case OF11 -> 14;
                    case OF12, OF13, OF14, OF15 -> 6;
                };
        try (Dialogue peer = monitor(version)) {
            ByteBuf explicit = packetIn(peer, PacketInReason.EXPLICIT_MISS).getFirst();
            assertThat(explicit.getByte(offset)).isEqualTo((byte) (version.isAtLeast(WireVersion.OF13) ? 0 : 1));
            ByteBuf inSet = packetIn(peer, PacketInReason.ACTION_SET).getFirst();
            assertThat(inSet.getByte(offset)).isEqualTo((byte) (version.isAtLeast(WireVersion.OF14) ? 3 : 1));
        }
    }

    @Test
    void nobodyWantsMissesAnyMoreOnceWhoDidHasGone() {
        Dialogue peer = monitor(WireVersion.OF10);
        peer.close();
        assertThat(peer.bridge.events.wantsPacketInOnMiss()).isFalse();
        assertThat(peer.bridge.refreshed).isEqualTo(2);
    }

    @Test
    void aToolThatOnlyAsksWantsNoMisses() {
        try (Dialogue peer = new Dialogue(WireVersion.OF10).greeted()) {
            assertThat(peer.bridge.events.wantsPacketInOnMiss()).isFalse();
        }
    }

    /** NXT_SET_CONTROLLER_ID: misses are for the controllers without one. */
    @Test
    void whoHasAControllerIdWantsNoMisses() {
        try (Dialogue peer = monitor(WireVersion.OF10)) {
            peer.say(peer.message(
                    MessageType.NXT_SET_CONTROLLER_ID,
                    1,
                    body -> body.writeZero(6).writeShort(3)));
            assertThat(peer.bridge.events.wantsPacketInOnMiss()).isFalse();
        }
    }
}
