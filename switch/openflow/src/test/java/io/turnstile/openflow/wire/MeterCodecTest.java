package io.turnstile.openflow.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.turnstile.datapath.MeterBand;
import io.turnstile.pipeline.flow.MeterMod;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Meters as Debian's ovs-ofctl says them. */
class MeterCodecTest {
    static List<RecordedMessage> recorded() {
        return RecordedMessage.of("meters.txt");
    }

    private static MeterMod meant(String command) {
        return switch (command.replaceFirst(" .*", "")) {
            case "add-meter" ->
                new MeterMod(
                        MeterMod.Command.ADD,
                        1,
                        MeterMod.FLAG_KBPS | MeterMod.FLAG_BURST | MeterMod.FLAG_STATS,
                        List.of(
                                new MeterBand(MeterBand.Type.DROP, 1000, 200, 0),
                                new MeterBand(MeterBand.Type.DSCP_REMARK, 500, 100, 2)));
            case "mod-meter" ->
                new MeterMod(
                        MeterMod.Command.MODIFY,
                        MeterMod.CONTROLLER,
                        MeterMod.FLAG_PKTPS,
                        List.of(new MeterBand(MeterBand.Type.DROP, 10, 0, 0)));
            case "del-meters" -> new MeterMod(MeterMod.Command.DELETE, MeterMod.ALL, 0, List.of());
            default -> throw new AssertionError(command);
        };
    }

    @ParameterizedTest
    @MethodSource("recorded")
    void whatTheToolSendsIsReadAndWrittenAsItIs(RecordedMessage message) throws Exception {
        assertThat(MeterCodec.read(message.body())).isEqualTo(meant(message.command()));
        ByteBuf out = Unpooled.buffer();
        MeterCodec.write(out, meant(message.command()));
        assertThat(ByteBufUtil.hexDump(out)).isEqualTo(ByteBufUtil.hexDump(message.body()));
    }

    private static OfErrorCode refusal(String hex) {
        ByteBuf in = Unpooled.wrappedBuffer(HexFormat.of().parseHex(hex));
        OfException refused = catchThrowableOfType(OfException.class, () -> MeterCodec.read(in));
        return refused == null ? null : refused.code();
    }

    @Test
    void whatIsMalformedGetsTheErrorOfOpenVswitch() {
        assertThat(refusal("00000001")).isEqualTo(OfErrorCode.OFPBRC_BAD_LEN);
        assertThat(refusal("0003000100000001")).isEqualTo(OfErrorCode.OFPMMFC_BAD_COMMAND);
        assertThat(refusal("000000010000000100010010")).isEqualTo(OfErrorCode.OFPBRC_BAD_LEN);
        assertThat(refusal("0000000100000001" + "0003001000000001000000000000000000"))
                .isEqualTo(OfErrorCode.OFPMMFC_BAD_BAND);
        assertThat(refusal("0000000100000001" + "00010018000000010000000000000000"))
                .isEqualTo(OfErrorCode.OFPBRC_BAD_LEN);
        assertThat(refusal("0000000300000001" + "00010010000000010000000000000000"))
                .isEqualTo(OfErrorCode.OFPMMFC_BAD_FLAGS);
    }
}
