package io.turnstile.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.turnstile.packet.FrameView;
import io.turnstile.packet.Frames;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class TcpDialogueTest {
    private final EmbeddedSwitch sw = EmbeddedSwitch.withPorts(1, 2);

    @BeforeEach
    void firewall() {
        sw.deleteFlows();
        sw.flows("""
                tcp,ct_state=-trk actions=ct(table=1)
                table=1,in_port=1,tcp,ct_state=+trk+new actions=ct(commit),2
                table=1,in_port=1,tcp,ct_state=+trk+est actions=2
                table=1,in_port=2,tcp,ct_state=+trk+est actions=1
                """);
    }

    @AfterEach
    void end() {
        sw.close();
    }

    private String connection() {
        return sw.dumpConnectionsWithOffload().getFirst();
    }

    @Test
    void exampleDoesWhatItSays() {
        // example begins
        TcpDialogue web = sw.tcpHandshake(1, 2, "10.0.0.1:1234 > 10.0.0.2:80");
        assertThat(web.send("GET /").payloadText()).isEqualTo("GET /");
        assertThat(web.answer("200 OK").toString()).endsWith("Flags [P.], seq 5001:5007, ack 1006, length 6");
        web.fin();
        // example ends
        assertThat(connection()).contains("state_orig=FIN_WAIT_2,state_reply=FIN_WAIT_2");
    }

    @Test
    void theHandshakeEstablishesTheConnection() {
        sw.tcpHandshake(1, 2, "10.0.0.1:1234 > 10.0.0.2:80");
        assertThat(connection()).contains("state_orig=ESTABLISHED,state_reply=ESTABLISHED");
        assertThat(sw.takeSent(1)).as("the dialogue took its own segments").isEmpty();
        assertThat(sw.takeSent(2)).isEmpty();
    }

    @Test
    void itSpeaksIpv6AndTagsToo() {
        sw.flows("in_port=1,tcp6 actions=2\nin_port=2,tcp6 actions=1");
        TcpDialogue web = sw.bridge()
                .tcpHandshake(
                        1,
                        2,
                        Frames.tcp("[fd00::1]:1234 > [fd00::2]:80").vlan(5).seq(0xffff_fffeL));
        FrameView sent = web.send("abc");
        assertThat(sent.vlans()).containsExactly(5);
        assertThat(sent.seq()).isEqualTo(0xffff_ffffL);
        assertThat(web.send("d").seq()).as("sequence numbers wrap").isEqualTo(2);
        assertThat(web.answer("e").ackNumber()).isEqualTo(3);
    }

    @Test
    void theReplySideAnswersTranslatedAddresses() {
        sw.deleteFlows();
        sw.flows("""
                in_port=1,tcp,ct_state=-trk actions=ct(commit,nat(src=192.0.2.9:7777)),2
                in_port=2,tcp,ct_state=-trk actions=ct(nat,table=1)
                table=1,in_port=2,tcp,ct_state=+trk+est actions=1
                """);
        TcpDialogue web = sw.tcpHandshake(1, 2, "10.0.0.1:1234 > 10.0.0.2:80");
        FrameView question = web.send("hello");
        assertThat(question.source() + ":" + question.sourcePort()).isEqualTo("192.0.2.9:7777");
        FrameView answer = web.answer("world");
        assertThat(answer.destination() + ":" + answer.destinationPort()).isEqualTo("10.0.0.1:1234");
    }

    @Test
    void eitherSideMayReset() {
        TcpDialogue first = sw.tcpHandshake(1, 2, "10.0.0.1:1 > 10.0.0.2:80");
        assertThat(first.rst().tcpFlags()).isEqualTo("R");
        assertThat(connection()).doesNotContain("=ESTABLISHED");
        sw.flushConnections();
        TcpDialogue second = sw.tcpHandshake(1, 2, "10.0.0.1:2 > 10.0.0.2:80");
        assertThat(second.rstByReply().source()).isEqualTo("10.0.0.2");
        assertThat(connection()).doesNotContain("=ESTABLISHED");
    }

    @Test
    void framesSentBeforeStayToBeTaken() {
        sw.flows("udp actions=2");
        sw.receive(1, Frames.udp("10.0.0.1:1 > 10.0.0.2:2"));
        sw.tcpHandshake(1, 2, "10.0.0.1:1234 > 10.0.0.2:80");
        assertThat(sw.takeSent(2))
                .singleElement()
                .satisfies(sent -> assertThat(sent.isUdp()).isTrue());
    }

    @Test
    void aSegmentThatDoesNotComeOutSaysSo() {
        sw.deleteFlows("table=1,in_port=2");
        assertThatIllegalStateException()
                .isThrownBy(() -> sw.tcpHandshake(1, 2, "10.0.0.1:1234 > 10.0.0.2:80"))
                .withMessageContaining("received at port 2, but not sent by port 1")
                .withMessageContaining("Flags [S.]");
    }
}
