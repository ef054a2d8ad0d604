package io.turnstile.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Frames;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Single actions, seen from outside: what leaves by which port, and what the datapath does for it. */
class EmbeddedActionsTest {
    private final EmbeddedSwitch sw = EmbeddedSwitch.builder().ports(1, 2, 3).start();
    private final byte[] frame =
            Frames.udp("10.0.0.1:1000 > 10.0.0.2:53").payload(8).bytes();

    @BeforeEach
    void empty() {
        sw.deleteFlows();
    }

    @AfterEach
    void end() {
        sw.close();
    }

    @Test
    void nothingRunsBehindAnExit() {
        sw.flows("""
                udp actions=write_actions(output:3),goto_table:1
                table=1,udp actions=resubmit(,2),output:3
                table=2,udp actions=output:2,exit,output:3
                """);
        for (int packet = 0; packet < 3; packet++) { // The later ones meet the datapath flow of the first.
            sw.receive(1, frame);
        }
        assertThat(sw.takeSentBytes(2)).containsExactly(frame, frame, frame);
        assertThat(sw.takeSentBytes(3)).isEmpty();
        assertThat(sw.dumpFlows()).anyMatch(flow -> flow.endsWith("actions=output:2,exit,output:3"));
    }

    @Test
    void queueChangesNothingInThePacket() {
        sw.flows("udp actions=set_queue:5,output:2,pop_queue,output:3");
        sw.receive(1, frame);
        sw.receive(1, frame);
        assertThat(sw.takeSentBytes(2)).containsExactly(frame, frame);
        assertThat(sw.takeSentBytes(3)).containsExactly(frame, frame);
        assertThat(sw.dumpDatapathFlows())
                .singleElement()
                .asString()
                .contains("skb_priority(0)")
                .endsWith("actions:set(skb_priority(0x5)),2,set(skb_priority(0)),3");
    }

    /** A flow that sets no queue says nothing of it, and so holds for packets of every queue. */
    @Test
    void queueIsLookedAtOnlyWhereItIsSet() {
        sw.flows("""
                udp actions=set_queue:5,ct(table=1)
                table=1,udp actions=output:2
                """);
        sw.receive(1, frame);
        assertThat(sw.takeSentBytes(2)).containsExactly(frame);
        assertThat(sw.dumpDatapathFlows())
                .filteredOn(flow -> flow.endsWith("actions:2"))
                .singleElement()
                .asString()
                .doesNotContain("skb_priority");
    }
}
