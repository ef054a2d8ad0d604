package io.turnstile.openflow.wire;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.turnstile.openflow.wire.FlowMonitorCodec.Command;
import io.turnstile.openflow.wire.FlowMonitorCodec.Monitor;
import io.turnstile.pipeline.flow.OfException;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Any bytes as a request for flow monitors. Input: an octet that chooses the version, and what stands behind the head.
 */
class FlowMonitorCodecFuzzTest {

    static Stream<byte[]> seeds() {
        return Stream.of(
                        "00 00000000 003f ffff 0000 ff 0000000000",
                        "00 00dd0000 0023 ffff f800 00 00000000000a",
                        "01 00000001 001e 0002 0006 01 0000000000 0000060208000000",
                        "03 00000000 001e 000a 00000002 01 000000 0001000a80000a02 0800000000000000",
                        "04 00000000 ffffffff ffffffff 005f ff 00 0001000400000000",
                        "05 00000000 00000002 00000001 001e 01 01 0001000a80000a020800000000000000",
                        "05 00000007 00000000 00000000 0000 00 02 0001000400000000")
                .map(digits -> ByteBufUtil.decodeHexDump(digits.replace(" ", "")));
    }

    @MethodSource("seeds")
    @FuzzTest
    void whatIsReadIsInOrderAndTheRestRefused(byte[] input) {
        ByteBuf in = Unpooled.wrappedBuffer(input);
        WireVersion version = WireVersions.chosenBy(in);
        try {
            List<Monitor> monitors = FlowMonitorCodec.read(in, version);
            assertThat(in.isReadable()).isFalse();
            for (Monitor monitor : monitors) {
                assertThat(monitor.wishes().isEmpty()).isEqualTo(monitor.command() == Command.DELETE);
            }
        } catch (OfException refused) {
            // Of matches 1.0 knows few errors; the others are told as what cannot be told, as by Open vSwitch.
            boolean isOfMatch = refused.code().name().startsWith("OFPBMC_");
            assertThat(refused.code().in(version.code()).exists() || version == WireVersion.OF10 && isOfMatch)
                    .isTrue();
        }
    }
}
