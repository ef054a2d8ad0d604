package io.turnstile.openflow.wire;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.turnstile.pipeline.OpenFlowSwitch.PacketIn;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfException;
import io.turnstile.pipeline.flow.PacketInReason;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/** Any bytes as what a controller brings back. Input: an octet that chooses the version, and the properties. */
class ResumeCodecFuzzTest {

    static Stream<byte[]> seeds() {
        return Stream.of(WireVersion.values()).map(version -> {
            ByteBuf out = Unpooled.buffer().writeByte(version.ordinal());
            AsyncCodec.packetInNxm2(
                    out,
                    version,
                    new PacketIn(
                            new byte[14],
                            0,
                            PacketInReason.ACTION,
                            3,
                            5,
                            0,
                            Match.ANY,
                            new byte[] {1},
                            ContinuationCodecTest.everything()));
            return ByteBufUtil.getBytes(out);
        });
    }

    @MethodSource("seeds")
    @FuzzTest
    void whatIsReadIsWrittenInBytesThatReadTheSame(byte[] input) throws OfException {
        ByteBuf in = Unpooled.wrappedBuffer(input);
        WireVersion version = WireVersions.chosenBy(in);
        ResumeCodec.Resume read;
        try {
            read = ResumeCodec.read(in, version);
        } catch (OfException refused) {
            assertThat(refused.code()).isNotNull();
            return;
        }
        assertThat(read.frame()).isNotEmpty();
        ByteBuf first = Unpooled.buffer();
        ContinuationCodec.write(first, read.paused(), version);
        ByteBuf second = Unpooled.buffer();
        ContinuationCodec.write(second, ContinuationCodec.read(first.duplicate(), version), version);
        assertThat(second).isEqualTo(first);
    }
}
