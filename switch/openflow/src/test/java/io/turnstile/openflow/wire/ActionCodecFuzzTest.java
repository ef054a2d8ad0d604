package io.turnstile.openflow.wire;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.turnstile.pipeline.flow.ActionSamples;
import io.turnstile.pipeline.flow.FlowText;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfException;
import java.util.Base64;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/** Any bytes as a list of actions. Input: an octet that chooses the version, and the list. */
class ActionCodecFuzzTest {
    private static final List<String> FOUND = List.of(
            // arp_op, where no match says that it is not nw_proto, which cannot be written
            "IAAZABAAABEIAAAA+/69AP8AGQAQAAAeAgAAAPv+vQD/ABkAEAAAAAIAAAD7/r0/3wAZABAAAAACABkA+/69AP8=");

    static Stream<byte[]> seeds() {
        return Stream.concat(
                ActionTableTest.claims().stream()
                        .flatMap(claim -> ActionSamples.of(claim.kind()).stream()
                                .map(text -> written(ActionTableTest.sample(claim.kind(), text), claim.version()))),
                FOUND.stream().map(Base64.getDecoder()::decode));
    }

    private static byte[] written(OfAction action, WireVersion version) {
        ByteBuf out = Unpooled.buffer().writeByte(version.ordinal());
        ActionCodec.write(out, List.of(action), Match.ANY, version);
        return ByteBufUtil.getBytes(out);
    }

    @MethodSource("seeds")
    @FuzzTest
    void whatIsReadIsWrittenInBytesThatReadTheSame(byte[] input) throws OfException {
        ByteBuf in = Unpooled.wrappedBuffer(input);
        WireVersion version = WireVersions.chosenBy(in);
        List<OfAction> actions;
        try {
            actions = ActionCodec.read(in, version);
        } catch (OfException refused) {
            assertThat(refused.code()).isNotNull();
            return;
        }
        assertThat(FlowText.format(actions)).isNotEmpty();
        ByteBuf first = Unpooled.buffer();
        ActionCodec.write(first, actions, Match.ANY, version);
        ByteBuf second = Unpooled.buffer();
        ActionCodec.write(second, ActionCodec.read(first.duplicate(), version), Match.ANY, version);
        assertThat(second).isEqualTo(first);
    }
}
