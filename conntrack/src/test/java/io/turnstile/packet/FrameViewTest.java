package io.turnstile.packet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class FrameViewTest {
    private static final String MACS = "02:00:00:00:00:01 > 02:00:00:00:00:02, ";

    static Stream<Arguments> lines() {
        return Stream.of(
                line(
                        Frames.tcp("10.0.0.1:1234 > 10.0.0.2:80").syn().seq(1),
                        "IP 10.0.0.1.1234 > 10.0.0.2.80: Flags [S], seq 1, length 0"),
                line(
                        Frames.tcp("10.0.0.2:80 > 10.0.0.1:1234")
                                .synAck()
                                .seq(5000)
                                .ackNumber(2),
                        "IP 10.0.0.2.80 > 10.0.0.1.1234: Flags [S.], seq 5000, ack 2, length 0"),
                line(
                        Frames.tcp("10.0.0.1:1234 > 10.0.0.2:80")
                                .push()
                                .seq(0xffff_ffffL)
                                .ackNumber(7)
                                .payload("abc"),
                        "IP 10.0.0.1.1234 > 10.0.0.2.80: Flags [P.], seq 4294967295:2, ack 7, length 3"),
                line(
                        Frames.tcp("10.0.0.1:1234 > 10.0.0.2:80")
                                .ack()
                                .seq(3)
                                .ackNumber(7)
                                .windowScale(7),
                        "IP 10.0.0.1.1234 > 10.0.0.2.80: Flags [.], ack 7, length 0"),
                line(
                        Frames.tcp("10.0.0.1:1 > 10.0.0.2:2").flags(0),
                        "IP 10.0.0.1.1 > 10.0.0.2.2: Flags [none], length 0"),
                line(
                        Frames.udp("[fd00::1]:1000 > [fd00::2]:53").payload(3),
                        "IP6 fd00::1.1000 > fd00::2.53: UDP, length 3"),
                line(
                        Frames.echoRequest("10.0.0.1 > 10.0.0.2", 77).icmpSeq(1).payload(8),
                        "IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 77, seq 1, length 16"),
                line(
                        Frames.echoReply("fd00::2 > fd00::1", 77),
                        "IP6 fd00::2 > fd00::1: ICMP6, echo reply, id 77, seq 0, length 8"),
                line(
                        Frames.portUnreachable(
                                "10.0.0.2 > 10.0.0.1",
                                Frames.udp("10.0.0.1:1 > 10.0.0.2:2").bytes()),
                        "IP 10.0.0.2 > 10.0.0.1: ICMP type 3 code 3, length 36"),
                line(Frames.ip("10.0.0.1 > 10.0.0.2", 47).payload(9), "IP 10.0.0.1 > 10.0.0.2: ip-proto-47, length 9"),
                line(
                        Frames.sctp("10.0.0.1:5000 > 10.0.0.2:36412", 0, new byte[] {11, 0, 0, 4}),
                        "IP 10.0.0.1.5000 > 10.0.0.2.36412: ip-proto-132, length 16"),
                line(
                        Frames.udp("10.0.0.1:1 > 10.0.0.2:2").fragment(0, true).payload(8),
                        "IP 10.0.0.1.1 > 10.0.0.2.2: first fragment, UDP, length 8"),
                line(
                        Frames.udp("10.0.0.1:1 > 10.0.0.2:2")
                                .fragment(16, false)
                                .payload(8),
                        "IP 10.0.0.1 > 10.0.0.2: later fragment, ip-proto-17, length 16"),
                line(Frames.arpReply("10.0.0.1 > 10.0.0.2"), "ARP, Reply 10.0.0.1 is-at 02:00:00:00:00:01"),
                line(
                        Frames.udp("10.0.0.1:1 > 10.0.0.2:2").vlan(5).tag(6 | 3 << 13),
                        "vlan 6, p 3, vlan 5, p 0, IP 10.0.0.1.1 > 10.0.0.2.2: UDP, length 0"),
                line(Frames.ethernet(0x88b5, new byte[46]), "ethertype 0x88b5, length 60"));
    }

    private static Arguments line(Frame frame, String expected) {
        return Arguments.of(frame, MACS + expected);
    }

    @ParameterizedTest
    @MethodSource("lines")
    void aFrameIsOneLineAsTcpdumpPrintsIt(Frame frame, String expected) {
        assertThat(frame.view()).hasToString(expected);
        assertThat(frame).hasToString(expected);
    }

    @Test
    void anArpRequestIsToEverybody() {
        assertThat(Frames.arpRequest("10.0.0.1 > 10.0.0.2"))
                .hasToString("02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff, ARP, Request who-has 10.0.0.2 tell 10.0.0.1");
    }

    @Test
    void gettersSayWhatTheHeadersSay() {
        FrameView view = Frames.tcp("10.0.0.1:1234 > 10.0.0.2:80")
                .eth("02:00:00:00:00:0a", "02:00:00:00:00:0b")
                .vlan(7)
                .ttl(9)
                .tos(0x2e)
                .push()
                .seq(0x8000_0001L)
                .ackNumber(0xf000_0000L)
                .window(500)
                .windowScale(3)
                .payload("hello")
                .view();
        assertThat(view.sourceMac()).isEqualTo("02:00:00:00:00:0a");
        assertThat(view.destinationMac()).isEqualTo("02:00:00:00:00:0b");
        assertThat(view.vlans()).containsExactly(7);
        assertThat(view.etherType()).isEqualTo(EtherTypes.IPV4);
        assertThat(view.source()).isEqualTo("10.0.0.1");
        assertThat(view.destination()).isEqualTo("10.0.0.2");
        assertThat(view.protocol()).isEqualTo(IpProtocols.TCP);
        assertThat(view.ttl()).isEqualTo(9);
        assertThat(view.tos()).isEqualTo(0x2e);
        assertThat(view.sourcePort()).isEqualTo(1234);
        assertThat(view.destinationPort()).isEqualTo(80);
        assertThat(view.tcpFlags()).isEqualTo("P.");
        assertThat(view.tcpFlagBits()).isEqualTo(0x18);
        assertThat(view.seq()).isEqualTo(0x8000_0001L);
        assertThat(view.ackNumber()).isEqualTo(0xf000_0000L);
        assertThat(view.window()).isEqualTo(500);
        assertThat(view.tcpOptions()).containsExactly(1, 3, 3, 3);
        assertThat(view.payloadText()).isEqualTo("hello");
        FrameView six = Frames.udp("[fd00::1]:1 > [fd00::2]:2").ttl(9).tos(0x2e).view();
        assertThat(List.of(six.ttl(), six.tos())).containsExactly(9, 0x2e);
    }

    @Test
    void paddingIsNoPayload() {
        byte[] padded = java.util.Arrays.copyOf(
                Frames.udp("10.0.0.1:1 > 10.0.0.2:2").payload("x").bytes(), 60);
        assertThat(FrameView.of(padded).payloadText()).isEqualTo("x");
        assertThat(FrameView.of(padded).lengthBytes()).isEqualTo(60);
    }

    @Test
    void aHeaderThatIsNotThereIsAnErrorThatShowsTheFrame() {
        FrameView arp = Frames.arpRequest("10.0.0.1 > 10.0.0.2").view();
        assertThatIllegalStateException()
                .isThrownBy(arp::sourcePort)
                .withMessageContaining("no port in: ")
                .withMessageContaining("who-has");
        assertThatIllegalStateException().isThrownBy(arp::ttl);
        assertThatIllegalStateException().isThrownBy(arp::seq);
        assertThatIllegalStateException().isThrownBy(arp::icmpType);
        assertThatIllegalStateException()
                .isThrownBy(Frames.ethernet(0x88b5, new byte[46]).view()::source);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> FrameView.of(new byte[13]))
                .withMessageContaining("13 bytes");
    }

    @Test
    void framesOfTheSameBytesAreEqual() {
        Frame frame = Frames.udp("10.0.0.1:1 > 10.0.0.2:2");
        assertThat(frame.view()).isEqualTo(FrameView.of(frame.bytes())).hasSameHashCodeAs(frame.view());
        assertThat(frame.view()).isNotEqualTo(frame.ttl(3).view());
    }

    @ParameterizedTest
    @MethodSource("lines")
    void whatWasReadCanBeDescribedAgain(Frame frame, String line) {
        boolean fragment = line.contains("fragment");
        if (!fragment) {
            assertThat(frame.view().toFrame().bytes()).isEqualTo(frame.bytes());
        }
    }
}
