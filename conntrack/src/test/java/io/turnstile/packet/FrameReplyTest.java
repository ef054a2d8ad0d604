package io.turnstile.packet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class FrameReplyTest {
    private static final String MACS = "02:00:00:00:00:02 > 02:00:00:00:00:01, ";

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            [S] seq 100                 | Flags [S.], seq 5000, ack 101, length 0
            [S.] seq 500 ack 101        | Flags [.], ack 501, length 0
            [.] seq 101 ack 501         | Flags [.], ack 101, length 0
            [P.] seq 101 ack 501 len 9  | Flags [.], ack 110, length 0
            [F.] seq 110 ack 501        | Flags [.], ack 111, length 0
            [FP.] seq 110 ack 501 len 4 | Flags [.], ack 115, length 0
            [S] seq 4294967295          | Flags [S.], seq 5000, ack 0, length 0
            """)
    void tcpGoesOnWhereTheSegmentEnds(String segment, String answer) {
        Frame asked = Frames.tcp("10.0.0.1:1234 > 10.0.0.2:80").segment(segment);
        assertThat(asked.reply()).hasToString(MACS + "IP 10.0.0.2.80 > 10.0.0.1.1234: " + answer);
    }

    @Test
    void aHandshakeIsThreeFrames() {
        Frame syn = Frames.tcp("[fd00::1]:1234 > [fd00::2]:80").syn().seq(1);
        assertThat(syn.reply().reply().view().seq()).isEqualTo(2);
        assertThat(syn.reply().reply().view().ackNumber()).isEqualTo(5001);
    }

    @Test
    void anEchoComesBackWithItsIdSequenceNumberAndPayload() {
        assertThat(Frames.echoRequest("10.0.0.1 > 10.0.0.2", 77)
                        .icmpSeq(3)
                        .payload("ping")
                        .reply()
                        .bytes())
                .isEqualTo(Frames.echoReply("10.0.0.2 > 10.0.0.1", 77)
                        .icmpSeq(3)
                        .payload("ping")
                        .eth("02:00:00:00:00:02", "02:00:00:00:00:01")
                        .bytes());
        assertThat(Frames.echoRequest("fd00::1 > fd00::2", 77).reply())
                .hasToString(MACS + "IP6 fd00::2 > fd00::1: ICMP6, echo reply, id 77, seq 0, length 8");
    }

    @Test
    void udpIsAnsweredWithoutPayloadAndWithTheSameTags() {
        FrameView answer = Frames.udp("10.0.0.1:1000 > 10.0.0.2:53")
                .vlan(5)
                .tag(6)
                .tos(8)
                .payload("who?")
                .reply()
                .view();
        assertThat(answer)
                .hasToString(MACS + "vlan 6, p 0, vlan 5, p 0, IP 10.0.0.2.53 > 10.0.0.1.1000: UDP, length 0");
        assertThat(answer.tos()).isEqualTo(8);
    }

    @Test
    void arpIsAnsweredByWhoWasAskedFor() {
        assertThat(Frames.arpRequest("10.0.0.1 > 10.0.0.2").reply())
                .hasToString(MACS + "ARP, Reply 10.0.0.2 is-at 02:00:00:00:00:02");
        assertThat(Frames.arpRequest("10.0.0.2 > 10.0.0.1")
                        .eth("02:00:00:00:00:02", "ff:ff:ff:ff:ff:ff")
                        .reply())
                .hasToString("02:00:00:00:00:01 > 02:00:00:00:00:02, ARP, Reply 10.0.0.1 is-at 02:00:00:00:00:01");
    }

    @Test
    void theFrameItselfStaysAsItIs() {
        Frame asked = Frames.tcp("10.0.0.1:1234 > 10.0.0.2:80").syn().seq(1).vlan(5);
        byte[] before = asked.bytes();
        asked.reply().vlan(9).rst();
        assertThat(asked.bytes()).isEqualTo(before);
        assertThat(asked.view().reply().bytes()).isEqualTo(asked.reply().bytes());
    }

    static Stream<Frame> unanswered() {
        return Stream.of(
                Frames.tcp("10.0.0.1:1 > 10.0.0.2:2").rst(),
                Frames.echoReply("10.0.0.1 > 10.0.0.2", 1),
                Frames.echoReply("fd00::1 > fd00::2", 1),
                Frames.icmp("10.0.0.1 > 10.0.0.2", 3, 3, 0),
                Frames.arpReply("10.0.0.1 > 10.0.0.2"),
                Frames.ethernet(0x88b5, new byte[46]));
    }

    @ParameterizedTest
    @MethodSource("unanswered")
    void whatNothingAnswersIsAnError(Frame frame) {
        assertThatIllegalStateException().isThrownBy(frame::reply).withMessageContaining(frame.toString());
    }
}
