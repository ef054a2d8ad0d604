package io.turnstile.openflow;

import static io.turnstile.openflow.AsyncMasks.MASTER;
import static io.turnstile.openflow.AsyncMasks.SLAVE;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.turnstile.openflow.AsyncMasks.Kind;
import io.turnstile.openflow.wire.Wire;
import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.pipeline.flow.OfErrorCode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class AsyncMasksTest {
    private static final int XID = 7;

    /** OpenFlow 1.4 §7.1.3: a master gets everything but packets whose TTL ran out, a slave the state of ports only. */
    @Test
    void controllersGetWhatTheyNeverAskedFor() {
        AsyncMasks masks = AsyncMasks.standard(WireVersion.OF14);
        assertThat(masks.get(Kind.PACKET_IN, MASTER)).isEqualTo(0b111011);
        assertThat(masks.get(Kind.PACKET_IN, SLAVE)).isZero();
        assertThat(masks.get(Kind.PORT_STATUS, MASTER)).isEqualTo(0b111);
        assertThat(masks.get(Kind.PORT_STATUS, SLAVE)).isEqualTo(0b111);
        assertThat(masks.get(Kind.FLOW_REMOVED, MASTER)).isEqualTo(0b111111);
        assertThat(masks.get(Kind.ROLE_STATUS, MASTER)).isZero();
    }

    @Test
    void anActionBefore14IsAnyOfThoseThatCameLater() {
        AsyncMasks masks = new AsyncMasks();
        masks.setBy(WireVersion.OF13, Kind.PACKET_IN, MASTER, 0b11111010);
        assertThat(masks.get(Kind.PACKET_IN, MASTER)).isEqualTo(0b111010);
        masks.setBy(WireVersion.OF14, Kind.PACKET_IN, MASTER, 0b000010);
        assertThat(masks.get(Kind.PACKET_IN, MASTER)).isEqualTo(0b000010);
    }

    @ParameterizedTest
    @EnumSource(names = {"OF14", "OF15"})
    void eachPropertyChangesOneMask(WireVersion version) {
        try (Dialogue peer = new Dialogue(version).greeted()) {
            peer.say(peer.message(MessageType.SET_ASYNC, XID, body -> property(body, 1, 8, 0b101)));
            assertThat(peer.connection.session().async.get(Kind.PACKET_IN, MASTER))
                    .isEqualTo(0b101);
            assertThat(peer.connection.session().async.get(Kind.PORT_STATUS, SLAVE))
                    .isEqualTo(0b111);
            ByteBuf answer = peer.say(peer.message(MessageType.GET_ASYNC_REQUEST, XID, body -> {}))
                    .getFirst();
            assertThat(ByteBufUtil.hexDump(answer.skipBytes(Wire.HEADER_BYTES)))
                    .isEqualTo("0000000800000000" + "0001000800000005"
                            + "0002000800000007" + "0003000800000007"
                            + "0004000800000000" + "000500080000003f"
                            + "0006000800000000" + "0007000800000000"
                            + "0008000800000000" + "0009000800000000"
                            + "000a000800000000" + "000b000800000000");
        }
    }

    @Test
    void aBadPropertyChangesNothing() {
        try (Dialogue peer = new Dialogue(WireVersion.OF15).greeted()) {
            assertThat(peer.refusal(peer.message(MessageType.SET_ASYNC, XID, body -> {
                        property(body, 1, 8, 0);
                        property(body, 12, 8, 0);
                    })))
                    .isEqualTo(OfErrorCode.OFPACFC_UNSUPPORTED);
            assertThat(peer.refusal(peer.message(MessageType.SET_ASYNC, XID, body -> property(body, 3, 8, 8))))
                    .isEqualTo(OfErrorCode.OFPACFC_INVALID);
            assertThat(peer.refusal(peer.message(MessageType.SET_ASYNC, XID, body -> property(body, 3, 16, 1))))
                    .isEqualTo(OfErrorCode.OFPBPC_BAD_LEN);
            assertThat(peer.connection.session().async.get(Kind.PACKET_IN, MASTER))
                    .isEqualTo(0b111011);
        }
    }

    private static void property(ByteBuf body, int type, int length, int mask) {
        body.writeShort(type).writeShort(length).writeInt(mask).writeZero(length - 8);
    }

    /** OFPC_INVALID_TTL_TO_CONTROLLER, which went with 1.3; ovs-ofctl looks whether it was kept. */
    @ParameterizedTest
    @EnumSource(WireVersion.class)
    void theFlagOfInvalidTtlsIsKeptBefore13(WireVersion version) {
        try (Dialogue peer = new Dialogue(version).greeted()) {
            boolean known = !version.isAtLeast(WireVersion.OF13);
            ByteBuf set = peer.message(
                    MessageType.SET_CONFIG, XID, body -> body.writeShort(4).writeShort(0xffff));
            assertThat(peer.say(set).isEmpty()).isEqualTo(known);
            assertThat(peer.connection.session().async.wants(Kind.PACKET_IN, Role.EQUAL, 2))
                    .isEqualTo(known);
            ByteBuf answer = peer.say(peer.message(MessageType.GET_CONFIG_REQUEST, XID, body -> {}))
                    .getFirst();
            assertThat(answer.getInt(Wire.HEADER_BYTES)).isEqualTo(known ? 0x4ffff : 0);
        }
    }
}
