package io.turnstile.pipeline;

import static io.turnstile.pipeline.SampleFrames.datagram;
import static io.turnstile.pipeline.SampleFrames.dns;
import static io.turnstile.pipeline.SampleFrames.tcp;
import static io.turnstile.pipeline.SampleFrames.udp;
import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.datapath.DatapathAction;
import io.turnstile.datapath.DropReason;
import io.turnstile.datapath.Field;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.FlowText;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Flows that track packets: ct(), what it recirculates to, ct_clear. */
class ConntrackActionsTest {
    private final PipelineBench bench = new PipelineBench(3);
    private final PipelineBench tracked = PipelineBench.withTracker(4);

    private void firewall() {
        bench.flows(
                "priority=10,arp,actions=NORMAL",
                "priority=100,ip,ct_state=-trk,actions=ct(table=1)",
                "table=1,ip,in_port=1,ct_state=+trk+new,actions=ct(commit),output:2",
                "table=1,ip,ct_state=+trk+est,in_port=1,actions=output:2",
                "table=1,ip,ct_state=+trk+est,in_port=2,actions=output:1");
    }

    @Test
    void firewallLetsConnectionsOutAndRepliesIn() {
        firewall();
        assertThat(bench.receive(2, tcp("0.0.0.2:80 > 0.0.0.1:1000").bytes())).isEmpty();
        assertThat(bench.receive(1, tcp("0.0.0.1:1000 > 0.0.0.2:80").bytes())).containsExactly("2");
        assertThat(bench.receive(2, tcp("0.0.0.2:80 > 0.0.0.1:1000").bytes())).containsExactly("1");
        assertThat(bench.receive(1, tcp("0.0.0.1:1000 > 0.0.0.2:80").bytes())).containsExactly("2");
    }

    @Test
    void connectionsDoNotMakeDatapathFlowsOfTheirOwn() {
        firewall();
        for (int i = 0; i < 200; i++) {
            int port = 1000 + i;
            bench.receive(
                    1, tcp("0.0.0.1:" + port + " > 0.0.0." + (2 + i) + ":80").bytes());
            bench.receive(2, tcp("0.0.0." + (2 + i) + ":80 > 0.0.0.1:" + port).bytes());
            bench.receive(
                    1, tcp("0.0.0.1:" + port + " > 0.0.0." + (2 + i) + ":80").bytes());
        }
        assertThat(bench.datapath.statistics().misses()).isEqualTo(5);
        assertThat(bench.datapath.flows()).hasSize(5);
    }

    @Test
    void firewallNeedsAHandfulOfDatapathFlowsForThousandsOfConnections() {
        tracked.flows(
                "in_port=1,udp,ct_state=-trk,actions=ct(table=1)",
                "in_port=2,udp,ct_state=-trk,actions=ct(table=1)",
                "table=1,udp,in_port=1,ct_state=+trk+new,actions=ct(commit),output:2",
                "table=1,ct_state=+trk+est,in_port=1,actions=output:2",
                "table=1,ct_state=+trk+est,in_port=2,actions=output:1");
        List<String> sent = new ArrayList<>();
        for (int i = 0; i < 2_000; i++) {
            String inside = "10." + i % 7 + ".0." + (1 + i % 200);
            sent.addAll(tracked.receive(
                    1, datagram(inside + ":" + (1024 + i) + " > 192.0.2.1:53").bytes()));
            sent.addAll(tracked.receive(
                    2, datagram("192.0.2.1:53 > " + inside + ":" + (1024 + i)).bytes()));
            sent.addAll(tracked.receive(
                    2, datagram("192.0.2.1:53 > " + inside + ":40000").bytes()));
        }
        assertThat(sent).filteredOn("2"::equals).hasSize(2_000);
        assertThat(sent).filteredOn("1"::equals).hasSize(2_000);
        assertThat(tracked.datapath.flows()).hasSizeLessThanOrEqualTo(8);
    }

    @Test
    void walkThatForksGoesOnUntracked() {
        bench.flows(
                "ip,ct_state=-trk,in_port=1,actions=ct(table=1,zone=3),resubmit(,2)",
                "table=1,ct_state=+trk,ct_zone=3,actions=output:2",
                "table=2,ct_state=-trk,actions=output:3");
        assertThat(bench.receive(1, udp().bytes())).containsExactlyInAnyOrder("2", "3");
    }

    @Test
    void actionsAfterTrackingActOnTheirOwnCopy() {
        tracked.flows(
                "in_port=1,udp,ct_state=-trk,actions=ct(table=1),mod_tp_dst:54,output:2", "table=1,actions=output:3");
        tracked.receive(1, dns().bytes());
        assertThat(tracked.sentBy(3)).containsExactly(dns().bytes());
        assertThat(tracked.sentBy(2))
                .containsExactly(datagram("10.0.0.1:1000 > 10.0.0.2:54").bytes());
    }

    @Test
    void ctClearMakesThePacketUntrackedAgain() {
        tracked.flows(
                "in_port=1,ct_state=-trk,udp,actions=ct(table=1)",
                "table=1,ct_state=+trk,actions=ct_clear,resubmit(,2)",
                "table=2,ct_state=-trk,actions=output:2",
                "table=2,ct_state=+trk,actions=output:3");
        assertThat(tracked.receive(1, dns().bytes())).containsExactly("2");
    }

    @Test
    void packetOutMayBeTracked() throws Exception {
        tracked.flows("table=1,ct_state=+trk+new,actions=output:2");
        tracked.br0.packetOut(3, FlowText.parseActions("ct(table=1)"), dns().bytes());
        assertThat(tracked.sentBy(2)).containsExactly(dns().bytes());
    }

    @Test
    void registersTravelWithTheRecirculationAndEqualWalksShareAnId() {
        bench.flows(
                "in_port=1,ip,actions=load:2->NXM_NX_REG0[],ct(table=1)",
                "in_port=3,ip,actions=load:2->NXM_NX_REG0[],ct(table=1)",
                "table=1,actions=output:NXM_NX_REG0[]");
        assertThat(bench.receive(1, udp().bytes())).containsExactly("2");
        assertThat(bench.receive(1, tcp().bytes())).containsExactly("2");
        assertThat(bench.pipeline.recirculationIds().size()).isEqualTo(1);
        assertThat(bench.receive(3, udp().bytes())).containsExactly("2");
        assertThat(bench.pipeline.recirculationIds().size())
                .as("in_port is part of the walk")
                .isEqualTo(2);
    }

    @Test
    void zoneAndMarksComeFromFields() {
        bench.flows(
                "ip,ct_state=-trk,actions=load:7->NXM_NX_REG0[0..15],ct(table=1,zone=NXM_NX_REG0[0..15])",
                "table=1,ip,ct_state=+new,ct_zone=7,actions=ct(commit,zone=7,exec(load:0x5->NXM_NX_CT_MARK[0..7]),table=2)",
                "table=2,ct_mark=5,actions=output:2");
        assertThat(bench.receive(1, udp().bytes())).containsExactly("2");
        assertThat(bench.datapathActions())
                .anyMatch(actions -> actions.startsWith("ct(commit,zone=7,mark=0x5/0xff),recirc("));
    }

    @Test
    void zoneMayComeFromAFieldAndMarksAndLabelsStay() {
        tracked.flows(
                "in_port=1,ct_state=-trk,udp,actions=load:9->NXM_NX_REG0[0..15],ct(commit,zone=NXM_NX_REG0[0..15],"
                        + "exec(load:5->NXM_NX_CT_MARK[],load:6->NXM_NX_CT_LABEL[0..63])),output:2",
                "in_port=2,ct_state=-trk,udp,actions=ct(table=1,zone=9)",
                "in_port=3,ct_state=-trk,udp,actions=ct(table=1,zone=8)",
                "table=1,ct_state=+est+rpl,ct_zone=9,ct_mark=5,ct_label=6,actions=output:1",
                "table=1,ct_state=+new,actions=output:4");
        byte[] answer = datagram("10.0.0.2:53 > 10.0.0.1:1000").bytes();
        assertThat(tracked.receive(1, dns().bytes())).containsExactly("2");
        assertThat(tracked.receive(2, answer)).containsExactly("1");
        assertThat(tracked.receive(3, answer)).containsExactly("4");
    }

    @Test
    void endlessRecirculationIsCutOff() {
        tracked.flows("ip,actions=ct(table=0)");
        tracked.receive(1, dns().bytes());
        assertThat(tracked.datapath.drops(DropReason.RECIRCULATION_DEPTH)).isEqualTo(1);
    }

    @Test
    void recirculationIdIsFreedSomeTimeAfterItsLastFlowAndAStrayPacketHasAName() {
        bench.flows("ip,ct_state=-trk,actions=ct(table=1)", "table=1,actions=output:2");
        bench.receive(1, udp().bytes());
        bench.change(bench.br0, FlowMod.Command.DELETE, "table=0");
        bench.pass(Duration.ofSeconds(9));
        assertThat(bench.pipeline.recirculationIds().size()).isEqualTo(1);
        bench.pass(Duration.ofSeconds(2));
        assertThat(bench.pipeline.recirculationIds().size()).isZero();
        long[] stray = PipelineBench.keyOf(1, udp().bytes());
        Field.RECIRC_ID.set(stray, 1);
        assertThat(bench.pipeline.miss(null, stray, bench.clock.nowNs()).actions())
                .containsExactly(new DatapathAction.Drop(DropReason.RECIRCULATION_LOST));
    }
}
