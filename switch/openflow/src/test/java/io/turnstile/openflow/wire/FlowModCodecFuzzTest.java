package io.turnstile.openflow.wire;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.OfException;
import java.io.IOException;
import java.util.Base64;
import java.util.EnumSet;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Any bytes as a flow modification, with its match and its instructions or actions. Input: a message as it comes, whose
 * first octet is the version; the header is otherwise not looked at.
 */
class FlowModCodecFuzzTest {
    private static final List<String> FOUND = List.of(
            // a masked set_field
            "BPIAsAAAAAYAAAAAAAAAAAAAAAAAAAAAAAAAAAAAgAD///////////////8AAAAAAAEAKYAACgIIAAAB0wgAAAAiAAAAIgAB8AQBAgMEAAHuAQYAAfoC"
                    + "AAUAAAAAAAAAAAQAUAAAAAAAGQAQAAAAAv//AAAGAAAAABkAKAAB3yAAAAAAAAAAAAAAAAAAAAAIABcAAAAAAAAAAAAAAAAAGP//ABAAACMgACz/"
                    + "+AUAAAA=");

    private static final int TYPE_NXT = 4;

    static Stream<byte[]> seeds() throws IOException {
        return Stream.concat(
                FlowWireTest.recorded().stream().map(FlowWireTest.Recorded::flowMod),
                FOUND.stream().map(Base64.getDecoder()::decode));
    }

    private static WireVersion version(byte[] message) {
        for (WireVersion version : WireVersion.values()) {
            if (version.code() == message[0]) {
                return version;
            }
        }
        return WireVersion.OF10;
    }

    @MethodSource("seeds")
    @FuzzTest
    void whatIsReadIsWrittenInBytesThatReadTheSame(byte[] message) throws OfException {
        if (message.length < FlowWireTest.NXT_BODY) {
            return;
        }
        FlowMod mod;
        try {
            mod = FlowWireTest.read(message, version(message));
        } catch (OfException refused) {
            assertThat(refused.code()).isNotNull();
            return;
        }
        ByteBuf out = Unpooled.buffer();
        FlowStatsCodec.writeEntryNicira(out, FlowWireTest.statistics(mod));
        for (WireVersion version : EnumSet.range(WireVersion.OF11, WireVersion.OF15)) {
            FlowStatsCodec.writeEntry13(out.clear(), FlowWireTest.statistics(mod), version);
        }
        if (version(message) == WireVersion.OF13 && message[1] != TYPE_NXT) {
            FlowModCodec.write13(out.clear(), mod, 1);
            ByteBuf first = out.skipBytes(Wire.HEADER_BYTES);
            FlowMod again = FlowModCodec.read13(first.duplicate(), WireVersion.OF13);
            assertThat(again.match()).isEqualTo(mod.match());
            assertThat(again.command()).isEqualTo(mod.command());
            assertThat(again.flags()).isEqualTo(mod.flags());
            // A masked set_field is written as loads, which OpenFlow 1.3 has instead: what is read then stays as it is.
            ByteBuf second = Unpooled.buffer();
            FlowModCodec.write13(second, again, 1);
            assertThat(second.skipBytes(Wire.HEADER_BYTES)).isEqualTo(first);
        }
    }
}
