package io.turnstile.appctl;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.datapath.Field;
import io.turnstile.datapath.FlowKey;
import io.turnstile.datapath.FlowMatchParser;
import io.turnstile.datapath.FlowSyntaxException;
import io.turnstile.datapath.KeyExtractor;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketParser;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FlowComposerTest {
    private static final String UDP = "in_port(1),eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),eth_type(0x0800),"
            + "ipv4(src=1.1.1.1,dst=1.1.1.2,proto=17,tos=0,ttl=64,frag=no),udp(src=1,dst=2)";

    private static byte[] compose(String flow) throws FlowSyntaxException {
        return FlowComposer.compose(key(flow));
    }

    private static long[] key(String flow) throws FlowSyntaxException {
        return FlowMatchParser.parse(flow, name -> -1).key();
    }

    @Test
    void aUdpFlowBecomesAWholeFrame() throws Exception {
        String hex = HexFormat.of().formatHex(compose(UDP));
        assertThat(hex)
                .startsWith("505400000002505400000001" + "0800" + "4500005c00000000" + "4011" + "768d" + "01010101"
                        + "01010102" + "00010002" + "0048");
        assertThat(hex).endsWith("3c3d3e3f").hasSize(2 * (14 + 20 + 8 + 64));
    }

    /** As with Open vSwitch: an opening or closing segment, and an ICMP error, carry nothing. */
    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "6; tcp(src=1,dst=2),tcp_flags(syn|ack); 20",
                "6; tcp(src=1,dst=2),tcp_flags(fin); 20",
                "6; tcp(src=1,dst=2),tcp_flags(ack); 84",
                "6; tcp(src=1,dst=2); 84",
                "1; icmp(type=8,code=0); 72",
                "1; icmp(type=3,code=1); 8",
                "47; ; 0",
                "132; sctp(src=1,dst=2); 12"
            })
    void dataFollowsWhereItMay(int protocol, String transport, int bytes) throws Exception {
        String flow = UDP.replace("proto=17", "proto=" + protocol)
                .replace(",udp(src=1,dst=2)", transport == null ? "" : "," + transport);
        assertThat(compose(flow)).hasSize(14 + 20 + bytes);
    }

    @Test
    void withoutFlagsATcpSegmentHasNone() throws Exception {
        byte[] frame = compose(UDP.replace("proto=17", "proto=6").replace("udp(", "tcp("));
        assertThat(frame[14 + 20 + 13]).isZero();
    }

    @Test
    void tcpFlagsMayBeNamed() throws Exception {
        byte[] frame = compose(
                UDP.replace("proto=17", "proto=6").replace("udp(src=1,dst=2)", "tcp(src=1,dst=2),tcp_flags(syn|ack)"));
        assertThat(frame[14 + 20 + 13]).isEqualTo((byte) 0x12);
    }

    /** Whatever is composed is of the flow that it was composed for. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "eth_type(0x8100),vlan(vid=99,pcp=7),encap(eth_type(0x0800),ipv4(src=1.1.1.1,dst=1.1.1.2,proto=17,tos=4,ttl=9),udp(src=1,dst=2))",
                "eth_type(0x88a8),vlan(vid=9,pcp=0),encap(eth_type(0x8100),vlan(vid=7,pcp=1),"
                        + "encap(eth_type(0x0800),ipv4(src=1.1.1.1,dst=1.1.1.2,proto=17,ttl=9),udp(src=1,dst=2)))",
                "eth_type(0x86dd),ipv6(src=fc00::1,dst=fc00::2,label=0x12345,proto=6,tclass=0x70,hlimit=3),tcp(src=8,dst=9),tcp_flags(ack)",
                "eth_type(0x86dd),ipv6(src=fc00::1,dst=fc00::2,proto=58,hlimit=255),icmpv6(type=135,code=0),"
                        + "nd(target=fc00::5,sll=50:54:00:00:00:09),"
                        + "nd_ext(nd_reserved=0x0,nd_options_type=1)",
                "eth_type(0x0806),arp(sip=1.2.3.4,tip=1.2.3.5,op=2,sha=50:54:00:00:00:05,tha=50:54:00:00:00:06)",
                "eth_type(0x0800),ipv4(src=1.1.1.1,dst=1.1.1.2,proto=17,frag=first),udp(src=3,dst=4)",
                "eth_type(0x0800),ipv4(src=1.1.1.1,dst=1.1.1.2,proto=17,frag=later)",
                "eth_type(0x1234)",
                ""
            })
    void theFrameIsOneOfTheFlows(String inner) throws Exception {
        String flow = "in_port(0),eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02)," + inner;
        long[] wanted = key(flow);
        for (byte[] frame : new byte[][] {FlowComposer.compose(wanted), FlowComposer.compose(wanted, 200)}) {
            Packet packet = Packet.copyOf(frame);
            assertThat(PacketParser.parse(packet)).isTrue();
            long[] found = FlowKey.newKey();
            KeyExtractor.extract(packet, found);
            Field.IN_PORT.set(found, 0);
            assertThat(found).isEqualTo(wanted);
        }
    }

    @Test
    void aLengthIsFilledUpWithZerosAndCounted() throws Exception {
        byte[] frame = FlowComposer.compose(key(UDP), 1400);
        assertThat(frame).hasSize(1400);
        assertThat(HexFormat.of().formatHex(frame)).contains("4500056a").contains("000100020556");
        assertThat(FlowComposer.compose(key(UDP), 20))
                .as("too short for the headers")
                .isNull();
    }
}
