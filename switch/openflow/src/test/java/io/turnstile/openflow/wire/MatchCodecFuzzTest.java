package io.turnstile.openflow.wire;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.turnstile.pipeline.flow.FlowText;
import io.turnstile.pipeline.flow.FlowTextException;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfException;
import java.util.Arrays;
import java.util.Base64;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/** Any bytes as a match. Input: an octet that chooses the version, and the match. */
class MatchCodecFuzzTest {
    /** Found by fuzzing: vlan_vid, then vlan_tci, which has its bits. */
    private static final String VLAN_GIVEN_TWICE =
            "AQABAEWAAAAEAAAAA4AACAYCAHkAAAGAAAoCCACAAAwCEAWAABQBBoAAFwgAAAAAAHYAAAAACAIAUP//VQhPTkYAAAD2//8AAA==";

    static Stream<byte[]> seeds() {
        return Stream.concat(
                written(), Stream.of(VLAN_GIVEN_TWICE, OF11_IN_OF15).map(Base64.getDecoder()::decode));
    }

    private static final String OF11_IN_OF15 =
            "QQAAAFj/////AAAAAAAA/wEA/QAA//8r+QAIAAYKAAABAc7/////////BP///ywAAAAAWQAAAAAACAYAAQ4AAAEAAAAAAAAA/y3///////kAAAUAAAAAAAAAAA==";

    private static Stream<byte[]> written() {
        return Stream.of(
                        "in_port=3,dl_src=02:00:00:00:00:01,dl_vlan=5,tcp,nw_src=10.0.0.0/8,tp_dst=80,tcp_flags=+syn-ack",
                        "ct_state=+trk+est,ct_zone=5,ct_mark=0x5/0xff,ct_label=0x1,ip,ct_nw_src=10.0.0.1,reg3=7,metadata=5",
                        "icmp6,ipv6_src=fc00::/7,icmp_type=135,nd_target=fc00::1,nd_sll=02:00:00:00:00:01",
                        "arp,arp_spa=10.0.0.1,arp_op=1",
                        "ip,nw_frag=later,nw_tos=4,nw_ecn=1,nw_ttl=64,pkt_mark=1")
                .flatMap(text -> Arrays.stream(WireVersion.values()).map(version -> written(text, version)));
    }

    private static byte[] written(String text, WireVersion version) {
        ByteBuf out = Unpooled.buffer().writeByte(version.ordinal());
        try {
            write(out, FlowText.parseMatch(text), version);
        } catch (FlowTextException e) {
            throw new AssertionError(text, e);
        }
        return ByteBufUtil.getBytes(out);
    }

    private static void write(ByteBuf out, Match match, WireVersion version) {
        if (version.hasInstructions()) {
            MatchCodec.write(out, match, version);
        } else {
            int start = out.writerIndex();
            MatchCodec.writeFields(out, match, version);
            Wire.pad(out, start);
        }
    }

    private static Match read(ByteBuf in, int length, WireVersion version) throws OfException {
        return version.hasInstructions()
                ? MatchCodec.read(in)
                : MatchCodec.readNxm(in, length, false).match();
    }

    @MethodSource("seeds")
    @FuzzTest
    void whatIsReadIsWrittenInBytesThatReadTheSame(byte[] input) throws OfException {
        ByteBuf in = Unpooled.wrappedBuffer(input);
        WireVersion version = WireVersions.chosenBy(in);
        // The match of 1.1 may come in later versions, too, which say "no tag" in other bits.
        boolean isOf11 = version.hasInstructions() && in.readableBytes() >= 2 && in.getShort(in.readerIndex()) == 0;
        Match match;
        try {
            match = read(in, in.readableBytes(), version);
        } catch (OfException refused) {
            assertThat(refused.code()).isNotNull();
            return;
        }
        ByteBuf out = Unpooled.buffer();
        MatchCodec.writeFields(out, match, version);
        int length = out.readableBytes();
        out.clear();
        write(out, match, version);
        if (isOf11 || version == WireVersion.OF11) { // whose match cannot say it all, and says the rest as it is
            ByteBuf again = Unpooled.buffer();
            write(again, read(out.duplicate(), length, version), version);
            write(out.clear(), read(again.duplicate(), length, version), version);
            assertThat(out).isEqualTo(again);
            return;
        }
        assertThat(read(out, length, version)).as(FlowText.format(match)).isEqualTo(match);
    }
}
