package io.turnstile.openflow;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.turnstile.openflow.wire.Wire;
import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.pipeline.flow.OfErrorCode;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is nested as deeply as a message allows is refused by the error that it would be refused by at any depth. */
class NestedMessagesTest {
    private static final int XID = 9;
    private static final int DEEPEST_CT = 2700;
    private static final int REQUESTFORWARD = 32;

    private final Dialogue peer = new Dialogue(WireVersion.OF15).greeted();

    @AfterEach
    void close() {
        assertThat(peer.refusal(peer.message(Dialogue.ECHO_REQUEST, XID, body -> {})))
                .as("the connection goes on")
                .isNull();
        assertThat(peer.failures).isEmpty();
        peer.close();
    }

    private ByteBuf flow(int instruction, int depth) {
        return peer.ipFlow(XID, 5, instruction, Dialogue.nestedCt(depth));
    }

    @Test
    void oneConntrackActionIsNoneTooMany() {
        assertThat(peer.refusal(flow(4, 1))).isNull();
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 99, 100, 101, 102, 1000, DEEPEST_CT})
    void conntrackActionsInConntrackActionsAreRefused(int depth) {
        for (int instruction : new int[] {3, 4}) { // write and apply
            assertThat(peer.refusal(flow(instruction, depth))).isEqualTo(OfErrorCode.OFPBAC_BAD_ARGUMENT);
        }
        ByteBuf actions = Dialogue.nestedCt(depth);
        assertThat(peer.refusal(peer.message(
                        MessageType.PACKET_OUT,
                        XID,
                        body -> body.writeInt(-1)
                                .writeShort(actions.readableBytes())
                                .writeShort(0)
                                .writeShort(1)
                                .writeShort(12)
                                .writeInt(0x80000004)
                                .writeInt(1)
                                .writeZero(4)
                                .writeBytes(actions)
                                .writeZero(60))))
                .isEqualTo(OfErrorCode.OFPBAC_BAD_ARGUMENT);
    }

    /** OpenFlowJ reads these, one inside the other. */
    @Test
    void messagesThatHoldMessagesAreRefused() {
        ByteBuf out = Unpooled.buffer();
        for (int length = 0xfff8; length >= 16; length -= 8) {
            out.writeByte(6).writeByte(REQUESTFORWARD).writeShort(length).writeInt(XID);
        }
        out.writeByte(6).writeByte(2).writeShort(8).writeInt(XID);
        assertThat(out.getUnsignedShort(Wire.LENGTH_OFFSET)).isEqualTo(out.readableBytes());
        assertThat(peer.refusal(out)).isIn(OfErrorCode.OFPBRC_BAD_TYPE, OfErrorCode.OFPBRC_BAD_LEN);
    }
}
