package io.turnstile.openflow.wire;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.turnstile.pipeline.flow.GroupMod;
import io.turnstile.pipeline.flow.OfException;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/** Any bytes as a change of groups. Input: an octet that chooses the version, and the change. */
class GroupCodecFuzzTest {
    static Stream<byte[]> seeds() {
        return GroupCodecTest.recorded().stream()
                .map(message -> ByteBufUtil.getBytes(
                        Unpooled.buffer().writeByte(message.version().ordinal()).writeBytes(message.body())));
    }

    @MethodSource("seeds")
    @FuzzTest
    void whatIsReadIsWrittenInBytesThatReadTheSame(byte[] input) throws OfException {
        ByteBuf in = Unpooled.wrappedBuffer(input);
        WireVersion version = WireVersions.chosenBy(in);
        GroupMod mod;
        try {
            mod = GroupCodec.read(in, version);
        } catch (OfException refused) {
            assertThat(refused.code()).isNotNull();
            return;
        }
        ByteBuf first = Unpooled.buffer();
        GroupCodec.write(first, mod, version);
        ByteBuf second = Unpooled.buffer();
        GroupCodec.write(second, GroupCodec.read(first.duplicate(), version), version);
        assertThat(second).isEqualTo(first);
    }
}
