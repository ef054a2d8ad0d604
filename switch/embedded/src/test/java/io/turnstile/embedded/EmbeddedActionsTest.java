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

    @Test
    void packetsGoTheWayOfTheirLength() {
        sw.flows("""
                udp actions=check_pkt_larger(60)->NXM_NX_REG0[0],set_field:10.9.9.9->ip_dst,resubmit(,1)
                table=1,reg0=1 actions=output:2
                table=1,reg0=0 actions=output:3
                """);
        byte[] longer = Frames.udp("10.0.0.1:1000 > 10.0.0.2:53").payload(30).bytes();
        for (int packet = 0; packet < 2; packet++) {
            sw.receive(1, frame);
            sw.receive(1, longer);
        }
        assertThat(sw.takeSentBytes(2)).hasSize(2).allMatch(sent -> sent.length == longer.length);
        assertThat(sw.takeSentBytes(3)).hasSize(2).allMatch(sent -> sent.length == frame.length);
        assertThat(sw.dumpDatapathFlows())
                .singleElement()
                .asString()
                .endsWith("actions:check_pkt_len(size=60,gt(set(ipv4(dst=10.9.9.9)),2),le(set(ipv4(dst=10.9.9.9)),3))");
    }

    @Test
    void firstMemberThatIsUpIsTaken() {
        sw.flows("udp actions=bundle(eth_src,0,active_backup,ofport,members:7,3,2)");
        sw.receive(1, frame);
        assertThat(sw.takeSentBytes(3)).containsExactly(frame);
        sw.removePort(3);
        sw.receive(1, frame);
        assertThat(sw.takeSentBytes(2)).containsExactly(frame);
    }

    @Test
    void heaviestMemberDependsOnTheHashAlone() {
        sw.flows("""
                udp actions=bundle_load(symmetric_l3,0,hrw,ofport,NXM_NX_REG0[0..15],members:2,3),output:NXM_NX_REG0[0..15]
                """);
        for (int host = 1; host <= 32; host++) {
            sw.receive(
                    1,
                    Frames.udp("10.0.0." + host + ":1 > 10.0.1.1:53").payload(8).bytes());
            sw.receive(
                    1,
                    Frames.udp("10.0.1.1:53 > 10.0.0." + host + ":1").payload(8).bytes());
        }
        int second = sw.takeSentBytes(2).size();
        int third = sw.takeSentBytes(3).size();
        assertThat(second + third).isEqualTo(64);
        assertThat(second).isEven().isBetween(8, 56);
    }

    @Test
    void everyAlgorithmSpreadsOverItsLinks() {
        for (String algorithm : new String[] {"modulo_n", "hash_threshold", "hrw", "iter_hash"}) {
            sw.deleteFlows();
            sw.flows("udp actions=multipath(nw_src,7," + algorithm + ",2,4,NXM_NX_REG0[0..7]),resubmit(,1)\n"
                    + "table=1,reg0=0 actions=output:2\ntable=1,reg0=1 actions=output:3");
            for (int host = 1; host <= 64; host++) {
                sw.receive(
                        1,
                        Frames.udp("10.0.0." + host + ":1 > 10.0.1.1:53")
                                .payload(8)
                                .bytes());
            }
            assertThat(sw.takeSentBytes(2).size()).as(algorithm).isBetween(16, 48);
            assertThat(sw.takeSentBytes(3).size()).as(algorithm).isBetween(16, 48);
        }
    }

    @Test
    void tunnelIdIsKeptBesideThePacket() {
        sw.flows("""
                udp actions=set_tunnel:5,ct(table=1)
                table=1,tun_id=5 actions=output:2
                table=1,tun_id=0 actions=output:3
                """);
        sw.receive(1, frame);
        assertThat(sw.takeSentBytes(2)).containsExactly(frame);
        assertThat(sw.takeSentBytes(3)).isEmpty();
    }

    @Test
    void userdataComesBackWithThePacket() {
        sw.flows("udp actions=controller(userdata=01.02.ff)");
        sw.receive(1, frame);
        assertThat(sw.takePacketIns())
                .singleElement()
                .satisfies(packet -> assertThat(packet.userdata()).containsExactly(1, 2, 0xff));
    }

    @Test
    void enqueuedPacketTakesItsQueueAlongAndNoOther() {
        sw.flows("udp actions=enqueue:2:5,output:3");
        sw.receive(1, frame);
        assertThat(sw.takeSentBytes(2)).containsExactly(frame);
        assertThat(sw.takeSentBytes(3)).containsExactly(frame);
        assertThat(sw.dumpDatapathFlows())
                .singleElement()
                .asString()
                .endsWith("actions:set(skb_priority(0x5)),2,set(skb_priority(0)),3");
    }
}
