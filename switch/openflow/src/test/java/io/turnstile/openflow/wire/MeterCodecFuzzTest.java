package io.turnstile.openflow.wire;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.turnstile.pipeline.flow.MeterMod;
import io.turnstile.pipeline.flow.OfException;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/** Any bytes as a change of meters. */
class MeterCodecFuzzTest {
    static Stream<byte[]> seeds() {
        return MeterCodecTest.recorded().stream().map(message -> ByteBufUtil.getBytes(message.body()));
    }

    @MethodSource("seeds")
    @FuzzTest
    void whatIsReadIsWrittenAsItReads(byte[] input) throws OfException {
        MeterMod mod;
        try {
            mod = MeterCodec.read(Unpooled.wrappedBuffer(input));
        } catch (OfException refused) {
            assertThat(refused.code()).isNotNull();
            return;
        }
        ByteBuf out = Unpooled.buffer();
        MeterCodec.write(out, mod);
        assertThat(MeterCodec.read(out)).isEqualTo(mod);
    }
}
