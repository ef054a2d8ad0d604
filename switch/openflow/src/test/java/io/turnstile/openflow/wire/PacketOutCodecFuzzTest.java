package io.turnstile.openflow.wire;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.turnstile.pipeline.flow.OfException;
import io.turnstile.pipeline.flow.PacketOut;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/** Any bytes as a packet-out. Input: an octet that chooses the version, and what stands behind the header. */
class PacketOutCodecFuzzTest {

    static Stream<byte[]> seeds() {
        return Stream.of(
                        "00 ffffffff fff8 0008 0000 0008 0002 0000 020000000002 020000000001 88b5",
                        "01 ffffffff fffffffd 0010 000000000000 0000 0010 00000002 ffff 000000000000 020000000002",
                        "02 ffffffff 0010 0000 0001 000c 80000004 00000003 00000000 0000 0010 00000002 ffff 000000000000 0200")
                .map(digits -> ByteBufUtil.decodeHexDump(digits.replace(" ", "")));
    }

    @MethodSource("seeds")
    @FuzzTest
    void theFrameIsWhatStandsAtTheEnd(byte[] input) {
        ByteBuf in = Unpooled.wrappedBuffer(input);
        WireVersion version = WireVersions.chosenBy(in);
        try {
            PacketOut read = PacketOutCodec.read(in, version);
            int from = input.length - read.frame().length;
            assertThat(read.frame()).isEqualTo(Arrays.copyOfRange(input, from, input.length));
            assertThat(read.actions()).hasSizeLessThanOrEqualTo(from / 8);
            assertThat(in.isReadable()).isFalse();
        } catch (OfException refused) {
            assertThat(refused.code()).isNotNull();
        }
    }
}
