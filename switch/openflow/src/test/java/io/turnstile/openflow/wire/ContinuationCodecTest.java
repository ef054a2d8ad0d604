package io.turnstile.openflow.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.turnstile.datapath.Field;
import io.turnstile.pipeline.OpenFlowSwitch.PacketIn;
import io.turnstile.pipeline.PausedWalk;
import io.turnstile.pipeline.flow.ActionKind;
import io.turnstile.pipeline.flow.ActionSamples;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import io.turnstile.pipeline.flow.PacketInReason;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What of a paused walk goes to a controller comes back as it was. */
class ContinuationCodecTest {
    private static final UUID BRIDGE = new UUID(0x0102_0304_0506_0708L, 0x090a_0b0c_0d0e_0f10L);
    /** They are not kept, do not stand alone, or become another action before. */
    private static final Set<ActionKind> NEVER_LEFT = EnumSet.of(
            ActionKind.NOTE, ActionKind.CONJUNCTION, ActionKind.NAT, ActionKind.GOTO_TABLE, ActionKind.WRITE_METADATA);

    static PausedWalk everything() {
        List<OfAction> all = new ArrayList<>();
        for (ActionKind kind : ActionKind.values()) {
            if (!NEVER_LEFT.contains(kind)) {
                ActionSamples.of(kind).forEach(text -> all.add(ActionTableTest.sample(kind, text)));
            }
        }
        List<OfAction> set = List.of(
                ActionTableTest.sample(ActionKind.PUSH_VLAN, "push_vlan:0x88a8"),
                ActionTableTest.sample(ActionKind.OUTPUT, "output:2"));
        return new PausedWalk(
                BRIDGE,
                -1,
                List.of(0L, 1L, -1L, 5L),
                true,
                List.of(
                        new PausedWalk.Rest(0, 0, all),
                        new PausedWalk.Rest(0, 0, List.of(new OfAction.Output(3))),
                        new PausedWalk.Rest(253, -2, List.of(new OfAction.Output(4)))),
                set);
    }

    private static PausedWalk nothing() {
        return new PausedWalk(BRIDGE, 0, List.of(), false, List.of(), List.of());
    }

    private static PausedWalk again(PausedWalk paused, WireVersion version) throws OfException {
        ByteBuf out = Unpooled.buffer();
        ContinuationCodec.write(out, paused, version);
        return ContinuationCodec.read(out, version);
    }

    @ParameterizedTest
    @EnumSource(WireVersion.class)
    void everythingComesBack(WireVersion version) throws OfException {
        assertThat(again(everything(), version)).isEqualTo(everything());
        assertThat(again(nothing(), version)).isEqualTo(nothing());
    }

    /** As ovs-ofctl sends it: the packet-in's properties again, but for the userdata. */
    @ParameterizedTest
    @EnumSource(WireVersion.class)
    void aPacketInIsAResumeAgain(WireVersion version) throws OfException {
        Match fields = Match.builder()
                .exact(Field.IN_PORT, 0xffff_fffeL)
                .exact(Field.REG3, 7)
                .build();
        byte[] frame = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
        ByteBuf out = Unpooled.buffer();
        AsyncCodec.packetInNxm2(
                out,
                version,
                new PacketIn(frame, 0, PacketInReason.ACTION, 3, 5, 0, fields, new byte[] {1, 2}, everything()));
        ResumeCodec.Resume resume = ResumeCodec.read(out, version);
        assertThat(resume.frame()).isEqualTo(frame);
        assertThat(resume.fields()).isEqualTo(fields);
        assertThat(resume.paused()).isEqualTo(everything());
    }

    /** lib/ofp-packet.c: what an entry of Open vSwitch's own stack is like. */
    @Test
    void aShortEntryOfTheStackIsANumber() throws OfException {
        ByteBuf two = Unpooled.wrappedBuffer(ByteBufUtil.decodeHexDump("8001000512000000" + "8001000634560000"));
        assertThat(ContinuationCodec.read(two, WireVersion.OF10).stack()).containsExactly(0L, 0x3456L, 0L, 0x12L);
    }

    private static final String PACKET = "0000001200000000000000000000000000000000" + "00000000";

    @ParameterizedTest
    @CsvSource({
        "'', OFPBRC_BAD_LEN",
        "0000, OFPBPC_BAD_LEN",
        "0000000300000000, OFPBPC_BAD_LEN",
        "0000000400000000, OFPBRC_BAD_LEN",
        "0009000400000000, OFPBPC_BAD_TYPE",
        "ffff000400000000, OFPBPC_BAD_LEN",
        "ffff000c000000000000000000000000, OFPBPC_BAD_EXPERIMENTER",
        "ffff000c000023200000000100000000, OFPBPC_BAD_EXP_TYPE",
        "P 0001000800000001, OFPBRC_BAD_LEN",
        "P 0001000600000000, OFPBPC_BAD_LEN",
        "P 0004000800000001, OFPBPC_BAD_LEN",
        "P 0006000880000a02, OFPBMC_BAD_LEN",
        "P 0008000400000000, OFPBPC_BAD_LEN",
        "P 0008000900000000 0100000000000000, OFPBPC_BAD_LEN",
        "P 0008001000000000 8009000400000000, OFPBPC_BAD_TYPE",
        "P 0008001000000000 8000000800000000, OFPBPC_BAD_LEN",
        "P 0008001000000000 8005000800000000, OFPBPC_BAD_LEN",
        "P 0008001000000000 8006000400000000, OFPBPC_BAD_LEN",
        "P 0008001800000000 8006001000000000 0063000800000000, OFPBAC_BAD_TYPE",
        "P 0008001800000000 8100001080060700 0000000800010000, OFPBPC_BAD_VALUE",
        "P 0008001800000000 8100001080000100 0000000800010000, OFPBPC_BAD_VALUE"
    })
    void whatIsMalformedIsRefused(String digits, OfErrorCode code) {
        ByteBuf in = Unpooled.wrappedBuffer(
                ByteBufUtil.decodeHexDump(digits.replace("P", PACKET).replace(" ", "")));
        assertThatThrownBy(() -> ResumeCodec.read(in, WireVersion.OF10))
                .isInstanceOfSatisfying(
                        OfException.class, e -> assertThat(e.code()).isEqualTo(code));
    }
}
