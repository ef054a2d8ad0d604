package io.turnstile.pipeline;

import static io.turnstile.pipeline.SampleFrames.datagram;
import static io.turnstile.pipeline.SampleFrames.dns;
import static io.turnstile.pipeline.SampleFrames.udp;
import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.datapath.DropReason;
import org.junit.jupiter.api.Test;

/** Which flow a packet meets, and in which order actions run (OpenFlow 1.3.5 §5). */
class TablesAndActionSetTest {
    private final PipelineBench bench = new PipelineBench(3);
    private final PipelineBench four = new PipelineBench(4);

    /** The packet leaves once, whichever way its length has led. */
    @Test
    void anActionSetRunsOnceBehindALookAtTheLength() {
        bench.flows(
                "in_port=1,actions=write_actions(output:2),goto_table:1",
                "table=1,actions=check_pkt_larger(10)->NXM_NX_REG0[0],resubmit(,2)",
                "table=2,reg0=1,actions=output:3");
        assertThat(bench.receive(1, udp().bytes())).containsExactly("3", "2");
    }

    @Test
    void higherPriorityWinsWhateverTheOrderOfAdding() {
        four.flows(
                "priority=5,udp,actions=output:3",
                "priority=10,in_port=1,actions=output:2",
                "priority=7,in_port=1,udp,actions=output:4");
        assertThat(four.receive(1, dns().bytes())).containsExactly("2");
    }

    @Test
    void resubmitReturnsAndMayLookUpAnotherPort() {
        bench.flows(
                "in_port=1,actions=resubmit(3,1),output:2",
                "table=1,in_port=3,actions=output:3",
                "table=1,actions=drop");
        assertThat(bench.receive(1, udp().bytes())).containsExactly("3", "2");
    }

    @Test
    void resubmitComesBackAndGotoDoesNotReturn() {
        four.flows(
                "in_port=1,actions=load:1->NXM_NX_REG0[],resubmit(,1),output:NXM_NX_REG1[]",
                "table=1,reg0=1,actions=output:3,load:2->NXM_NX_REG1[],goto_table:2",
                "table=2,actions=output:4");
        assertThat(four.receive(1, dns().bytes())).containsExactlyInAnyOrder("2", "3", "4");
    }

    @Test
    void resubmitToItselfEndsWithADropThatHasAName() {
        bench.flows("actions=output:2,resubmit(,0)");
        assertThat(bench.receive(1, udp().bytes())).isEmpty();
        assertThat(bench.datapath.drops(DropReason.TRANSLATION_TOO_DEEP)).isEqualTo(1);
    }

    @Test
    void metadataRegistersAndStackCarryValuesBetweenTables() {
        bench.flows(
                "actions=write_metadata:0x12,goto_table:1",
                "table=1,metadata=0x12,actions=move:OXM_OF_METADATA[0..7]->NXM_NX_REG1[8..15],resubmit(,2)",
                "table=2,reg1=0x1200,actions=push:NXM_NX_REG1[8..15],load:0->NXM_NX_REG1[],pop:NXM_NX_REG2[0..7],resubmit(,3)",
                "table=3,reg1=0,reg2=0x12,actions=load:2->NXM_NX_REG3[],output:NXM_NX_REG3[]");
        assertThat(bench.receive(1, udp().bytes())).containsExactly("2");
    }

    @Test
    void metadataIsWrittenAndMatchedByBits() {
        bench.flows(
                "in_port=1,actions=write_metadata:0x12/0xff,goto_table:1",
                "table=1,metadata=0x10/0xf0,actions=output:2");
        assertThat(bench.receive(1, dns().bytes())).containsExactly("2");
    }

    @Test
    void actionSetRunsAtTheEndInItsOwnOrder() {
        bench.flows(
                "actions=write_actions(output:3,set_field:00:00:00:00:00:07->eth_dst,output:2),goto_table:1",
                "table=1,actions=output:1");
        assertThat(bench.receive(3, udp().eth(1, 2).bytes())).containsExactly("1", "2");
        assertThat(bench.sentFrames().get(0)[5]).isEqualTo((byte) 2);
        assertThat(bench.sentFrames().get(1)[5]).isEqualTo((byte) 7);
    }

    @Test
    void actionSetGathersWhatSeveralTablesWrite() {
        bench.flows(
                "in_port=1,udp,actions=write_actions(output:3,mod_tp_dst:54),goto_table:1",
                "table=1,actions=write_actions(output:2)");
        assertThat(bench.receive(1, dns().bytes())).containsExactly("2");
        assertThat(bench.sentFrames())
                .containsExactly(datagram("10.0.0.1:1000 > 10.0.0.2:54").bytes());
    }

    @Test
    void clearActionsEmptiesTheSet() {
        bench.flows(
                "in_port=1,actions=write_actions(output:3),goto_table:1",
                "table=1,actions=clear_actions,write_actions(output:2)");
        assertThat(bench.receive(1, dns().bytes())).containsExactly("2");
    }
}
