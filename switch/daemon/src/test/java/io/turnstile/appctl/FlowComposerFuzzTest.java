package io.turnstile.appctl;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.turnstile.datapath.FlowMatchParser;
import io.turnstile.datapath.FlowSyntaxException;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketParser;
import java.nio.charset.StandardCharsets;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/** Any text as the flow of {@code netdev-dummy/receive}: it is refused in words, or becomes a frame. */
class FlowComposerFuzzTest {

    static Stream<byte[]> seeds() {
        String ethernet = "in_port(1),eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),";
        String ip = ethernet + "eth_type(0x0800),ipv4(src=1.1.1.1,dst=1.1.1.2,proto=";
        return Stream.of(
                        ip + "17,tos=0,ttl=64,frag=no),udp(src=1,dst=2)",
                        ip + "6),tcp(src=1,dst=2),tcp_flags(syn|ack)",
                        ip + "1),icmp(type=8,code=0)",
                        ethernet
                                + "eth_type(0x0806),arp(sip=1.1.1.1,tip=1.1.1.2,op=1,sha=50:54:00:00:00:01,tha=00:00:00:00:00:00)",
                        ethernet
                                + "eth_type(0x86dd),ipv6(src=fc00::1,dst=fc00::2,label=0,proto=58,tclass=0,hlimit=64),icmpv6(type=128)")
                .map(text -> text.getBytes(StandardCharsets.ISO_8859_1));
    }

    @MethodSource("seeds")
    @FuzzTest
    void aFlowBecomesAFrameOrIsRefused(byte[] input) {
        try {
            byte[] frame = FlowComposer.compose(
                    FlowMatchParser.parse(new String(input, StandardCharsets.ISO_8859_1), name -> -1)
                            .key());
            assertThat(PacketParser.parse(Packet.copyOf(frame))).isTrue();
        } catch (FlowSyntaxException refused) {
            assertThat(refused.getMessage()).startsWith("syntax error at ");
        }
    }
}
