package io.turnstile.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.datapath.Field;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketParser;
import io.turnstile.pipeline.flow.FlowText;
import io.turnstile.pipeline.flow.Match;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Expected texts were taken from ovs-vswitchd 3.1.0 with the same flows; datapath port numbers are ours. */
class TraceTest {
    private static final String RULER = "=".repeat(79);
    private final PipelineBench bench = new PipelineBench(3);

    private String trace(BridgePipeline bridge, String flow, Integer... ctStates) throws Exception {
        Match match = FlowText.parseMatch(flow);
        return bench.pipeline.trace(bridge, (int) match.value(Field.IN_PORT), match.copyOfValue(), List.of(ctStates));
    }

    private BridgePipeline neighbour() {
        BridgePipeline br1 = bench.pipeline.addBridge("br1", 2);
        bench.addPort(br1, 4);
        bench.join(bench.br0, 10, br1, 11);
        return br1;
    }

    @Test
    void aNameMakesNoLineOfItsOwn() throws Exception {
        BridgePipeline odd = bench.pipeline.addBridge("br\n1. forged", 2);
        assertThat(trace(odd, "in_port=LOCAL,ip")).contains("bridge(\"br?1. forged\")");
    }

    @Test
    void aTraceEndsWhereOpenVswitchEndsIt() throws Exception {
        bench.flows("table=0,ip,actions=ct(table=0)");
        String text = trace(bench.br0, "in_port=1,ip");
        assertThat(text)
                .endsWith("\n\n" + RULER
                        + "\nTrace reached the recirculation limit.  Stopping the trace here.\n"
                        + "Queued but not processed: 1 recirculations.\n");
        assertThat(text.split("- resume conntrack", -1)).hasSize(4097 + 1);
    }

    @Test
    void aTraceThatIsTooLongToBeReadEnds() throws Exception {
        bench.flows("table=0,ip,actions=" + "ct(table=0),".repeat(1000) + "2");
        StringBuilder text = new StringBuilder();
        Match match = FlowText.parseMatch("in_port=1,ip");
        Trace trace = bench.pipeline.beginTrace(bench.br0, 1, match.copyOfValue(), List.of());
        int pieces = 1;
        while (trace.next(text)) {
            pieces++;
        }
        assertThat(text.length()).isBetween(Trace.MAX_CHARACTERS / 2, 3 * Trace.MAX_CHARACTERS / 2);
        assertThat(text).contains("Trace reached the limit of 8 MB of text.");
        int walks = pieces;
        assertThat(text).endsWith("Queued but not processed: " + (walks * 1000 - walks + 1) + " recirculations.\n");
    }

    @Test
    void oneWalkOfEndlessLinesEnds() throws Exception {
        bench.flows(
                "table=0,ip,actions=" + "resubmit(,1),".repeat(60) + "load:0->NXM_NX_REG1[]",
                "table=1,ip,actions=" + "resubmit(,2),".repeat(60) + "load:0->NXM_NX_REG1[]",
                "table=2,ip,actions=" + "load:1->NXM_NX_REG0[],load:0->NXM_NX_REG0[],".repeat(200) + "2");
        String text = trace(bench.br0, "in_port=1,ip");
        assertThat(text.length()).isLessThan(2 * Trace.WALK_CHARACTERS);
        assertThat(text).contains(" >>>> the trace has reached its limit of text <<<<\n");
    }

    @Test
    void recirculationIsFollowed() throws Exception {
        neighbour();
        bench.flows(
                "table=0,priority=100,ip,ct_state=-trk,cookie=0x5,actions=ct(table=1,zone=5)",
                "table=1,ip,ct_state=+trk+new,in_port=1,actions=ct(commit,zone=5,exec(load:0x3->NXM_NX_CT_MARK[])),"
                        + "load:0x7->NXM_NX_REG0[],resubmit(,3)",
                "table=3,reg0=0x7,actions=mod_dl_dst:00:00:00:00:00:09,output:2,mod_vlan_vid:7,output:3,output:10,output:9");
        assertThat(trace(
                        bench.br0,
                        "in_port=1,tcp,dl_src=00:00:00:00:00:01,dl_dst=00:00:00:00:00:02,nw_src=10.0.0.1,"
                                + "nw_dst=10.0.0.2,nw_ttl=64,tp_src=1000,tp_dst=80"))
                .isEqualTo(String.join(
                        "\n",
                        "Flow:"
                                + " tcp,in_port=1,vlan_tci=0x0000,dl_src=00:00:00:00:00:01,dl_dst=00:00:00:00:00:02,nw_src=10.0.0.1,"
                                + "nw_dst=10.0.0.2,nw_tos=0,nw_ecn=0,nw_ttl=64,nw_frag=no,tp_src=1000,tp_dst=80,tcp_flags=0",
                        "",
                        "bridge(\"br0\")",
                        "-------------",
                        " 0. ct_state=-trk,ip, priority 100, cookie 0x5",
                        "    ct(table=1,zone=5)",
                        "    drop",
                        "     -> A clone of the packet is forked to recirculate. The forked pipeline will be resumed"
                                + " at table 1.",
                        "     -> Sets the packet to an untracked state, and clears all the conntrack fields.",
                        "",
                        "Final flow: unchanged",
                        "Megaflow: recirc_id=0,ct_state=-trk,eth,ip,in_port=1,nw_frag=no",
                        "Datapath actions: ct(zone=5),recirc(0x1)",
                        "",
                        RULER,
                        "recirc(0x1) - resume conntrack with default ct_state=trk|new (use --ct-next to customize)",
                        RULER,
                        "",
                        "Flow:"
                                + " recirc_id=0x1,ct_state=new|trk,ct_zone=5,eth,tcp,in_port=1,vlan_tci=0x0000,dl_src=00:00:00:00:00:01,"
                                + "dl_dst=00:00:00:00:00:02,nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_tos=0,nw_ecn=0,nw_ttl=64,nw_frag=no,"
                                + "tp_src=1000,tp_dst=80,tcp_flags=0",
                        "",
                        "bridge(\"br0\")",
                        "-------------",
                        "    thaw",
                        "        Resuming from table 1",
                        " 1. ct_state=+new+trk,ip,in_port=1, priority 32768",
                        "    ct(commit,zone=5,exec(load:0x3->NXM_NX_CT_MARK[]))",
                        "    load:0x3->NXM_NX_CT_MARK[]",
                        "     -> Sets the packet to an untracked state, and clears all the conntrack fields.",
                        "    load:0x7->NXM_NX_REG0[]",
                        "    resubmit(,3)",
                        " 3. reg0=0x7, priority 32768",
                        "    " + modDlDst(),
                        "    output:2",
                        "    mod_vlan_vid:7",
                        "    output:3",
                        "    output:10",
                        "",
                        "    bridge(\"br1\")",
                        "    -------------",
                        "         0. priority 0",
                        "            NORMAL",
                        "             -> no learned MAC for destination, flooding",
                        "    output:9",
                        "     >> Nonexistent output port",
                        "",
                        "Final flow:"
                                + " recirc_id=0x1,eth,tcp,reg0=0x7,in_port=1,dl_vlan=7,dl_vlan_pcp=0,vlan_tci1=0x0000,"
                                + "dl_src=00:00:00:00:00:01,dl_dst=00:00:00:00:00:09,nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_tos=0,nw_ecn=0,"
                                + "nw_ttl=64,nw_frag=no,tp_src=1000,tp_dst=80,tcp_flags=0",
                        "Megaflow: recirc_id=0x1,ct_state=+new+trk,eth,ip,in_port=1,dl_src=00:00:00:00:00:01,"
                                + "dl_dst=00:00:00:00:00:02,nw_frag=no",
                        "Datapath actions: ct(commit,zone=5,mark=0x3/0xffffffff),set(eth(dst=00:00:00:00:00:09)),102,"
                                + "push_vlan(vid=7,pcp=0),103,104",
                        ""));
    }

    /** How this switch spells mod_dl_dst when it shows flows. */
    private static String modDlDst() throws Exception {
        return FlowText.format(FlowText.parseActions("mod_dl_dst:00:00:00:00:00:09"));
    }

    @Test
    void stateOfTheConnectionCanBeChosen() throws Exception {
        bench.flows("ip,ct_state=-trk,actions=ct(table=1)", "table=1,ip,ct_state=+trk+est,actions=output:1");
        assertThat(trace(bench.br0, "in_port=2,udp", 0x22))
                .contains(
                        "resume conntrack with ct_state=est|trk\n",
                        " 1. ct_state=+est+trk,ip, priority 32768\n    output:1\n")
                .endsWith("Datapath actions: 101\n");
    }

    @Test
    void missAndResubmitInTheMiddleAreSetOff() throws Exception {
        bench.flows("tcp,in_port=2,actions=resubmit(,2)", "table=2,tcp,in_port=2,actions=resubmit(,3),output:5");
        assertThat(trace(bench.br0, "in_port=2,tcp,nw_ttl=64"))
                .contains(String.join(
                        "\n",
                        "bridge(\"br0\")",
                        "-------------",
                        " 0. tcp,in_port=2, priority 32768",
                        "    resubmit(,2)",
                        " 2. tcp,in_port=2, priority 32768",
                        "    resubmit(,3)",
                        "     3. No match.",
                        "            drop",
                        "    output:5",
                        "     >> Nonexistent output port",
                        "",
                        "Final flow: unchanged",
                        "Megaflow: recirc_id=0,eth,tcp,in_port=2,nw_frag=no",
                        "Datapath actions: drop"));
    }

    /** What is behind an IP header counts as looked at once the header is rewritten. */
    @Test
    void aRewrittenHeadersPayloadIsLookedAt() throws Exception {
        bench.flows("ip,actions=set_field:10.0.0.9->ip_dst,output:2", "arp,actions=load:1->NXM_OF_ARP_SPA[],output:2");
        assertThat(trace(bench.br0, "in_port=1,udp,nw_dst=10.0.0.2"))
                .contains("Megaflow: recirc_id=0,eth,udp,in_port=1,nw_dst=10.0.0.2,nw_frag=no\n");
        assertThat(trace(bench.br0, "in_port=1,arp,arp_op=1"))
                .contains("Megaflow: recirc_id=0,eth,arp,in_port=1,arp_spa=0.0.0.0,arp_op=1\n");
    }

    @Test
    void anotherAddressNeedsItsLeadingBitsAlone() throws Exception {
        bench.flows("priority=2,ip,nw_src=10.0.0.4,actions=2", "priority=1,ip,actions=3");
        assertThat(trace(bench.br0, "in_port=1,ip,nw_src=10.0.0.2"))
                .contains("in_port=1,nw_src=10.0.0.0/30,nw_frag=no\nDatapath actions: 103\n");
        assertThat(trace(bench.br0, "in_port=1,ip,nw_src=172.16.0.4"))
                .contains("in_port=1,nw_src=128.0.0.0/1,nw_frag=no\n");
        bench.flows("priority=2,ipv6,ipv6_dst=2001:db8::1,actions=2", "priority=1,ipv6,actions=3");
        assertThat(trace(bench.br0, "in_port=1,ipv6,ipv6_dst=2001:db8::2"))
                .contains("in_port=1,ipv6_dst=2001:db8::2/127,nw_frag=no\n");
    }

    @Test
    void debuggingActionsRecirculateAndKeepFlowsOutOfTheDatapath() throws Exception {
        bench.flows("udp,actions=output:2,debug_recirc,output:3", "tcp,actions=debug_slow,output:2");
        assertThat(trace(bench.br0, "in_port=1,udp")).endsWith("Datapath actions: 102,recirc(0x1)\n");
        long[] again = FlowText.parseMatch("in_port=1,udp").copyOfValue();
        Field.RECIRC_ID.set(again, 1);
        StringBuilder rest = new StringBuilder();
        bench.pipeline
                .beginTrace(again, new Trace.Options(List.of(), Integer::toString, null, null))
                .next(rest);
        assertThat(rest.toString()).endsWith("Datapath actions: 103\n");
        assertThat(trace(bench.br0, "in_port=1,tcp"))
                .endsWith("Datapath actions: 102\nThis flow is handled by the userspace slow path because it:\n"
                        + "  - Uses action(s) not supported by datapath.\n");
    }

    @Test
    void moreActionsThanAMessageHoldsEndTheResubmits() throws Exception {
        for (int i = 1; i <= 12; i++) {
            bench.flows("table=%d,actions=resubmit(,%d),resubmit(,%d),2".formatted(i, i + 1, i + 1));
        }
        bench.flows("actions=resubmit(,1)", "table=13,actions=" + "2,".repeat(8) + "2");
        String text = trace(bench.br0, "in_port=1,ip");
        assertThat(text)
                .contains(" >>>> resubmits yielded over 64 kB of actions <<<<\n")
                .contains("slow path");
        assertThat(text.substring(text.indexOf("Datapath actions")).split(",")).hasSizeBetween(8_000, 9_000);
    }

    @Test
    void thirtyTwoRegistersAreThereInThreeWidths() throws Exception {
        bench.flows(
                "actions=set_field:0x1->reg16,set_field:0x2->reg31,set_field:0x300000004->xreg14,"
                        + "move:NXM_NX_REG0[]->NXM_NX_REG1[],resubmit(,1)",
                "table=1,reg16=1,reg31=2,reg28=3,reg29=4,actions=set_field:0x5->xxreg7,resubmit(,2)",
                "table=2,reg31=5,reg28=0,xxreg4=0x00000001000000000000000000000000,actions=2");
        assertThat(trace(bench.br0, "in_port=1,ip")).endsWith("Datapath actions: 102\n");
    }

    /** Which header a rewrite is in follows from the packet. */
    @Test
    void rewritesBearTheNameOfThePacketsHeader() throws Exception {
        bench.flows(
                "udp,actions=mod_nw_dst:10.0.0.9,mod_tp_dst:99,output:2",
                "udp6,actions=mod_tp_src:7,output:2",
                "arp,actions=load:0x0a000009->NXM_OF_ARP_TPA[],output:2");
        assertThat(trace(bench.br0, "in_port=1,udp,nw_dst=10.0.0.2,udp_dst=5"))
                .endsWith("Datapath actions: set(ipv4(dst=10.0.0.9)),set(udp(dst=99)),102\n");
        assertThat(trace(bench.br0, "in_port=1,udp6,udp_dst=5")).endsWith("Datapath actions: set(udp(src=7)),102\n");
        assertThat(trace(bench.br0, "in_port=1,arp,arp_op=1,arp_tpa=10.0.0.2"))
                .endsWith("Datapath actions: set(arp(tip=10.0.0.9)),102\n");
    }

    private static final String UDP = "in_port=1,udp,nw_ttl=64";

    /** Levels of resubmit, the tables behind, and the action set, of which only the heading is left. */
    @Test
    void exitEndsTheWholeWalk() throws Exception {
        bench.flows(
                "udp,actions=write_actions(output:3),goto_table:1",
                "table=1,actions=resubmit(,2),output:3",
                "table=2,actions=output:2,exit,output:3");
        assertThat(trace(bench.br0, UDP))
                .contains(String.join(
                        "\n",
                        " 0. udp, priority 32768",
                        "    write_actions(output:3)",
                        "     -> action set is: output:3",
                        "    goto_table:1",
                        "     1. priority 32768",
                        "            resubmit(,2)",
                        "         2. priority 32768",
                        "            output:2",
                        "            exit",
                        "--. Executing action set:",
                        "",
                        "Final flow: "))
                .endsWith("Megaflow: recirc_id=0,eth,udp,in_port=1,nw_frag=no\nDatapath actions: 102\n");
    }

    @Test
    void exitBehindAPatchPortEndsTheWalkThereOnly() throws Exception {
        BridgePipeline br1 = neighbour();
        br1.setFailMode(BridgePipeline.FailMode.SECURE);
        bench.flows(br1, "udp,actions=write_actions(output:4),goto_table:1", "table=1,actions=exit");
        bench.flows("udp,actions=output:10,output:2");
        assertThat(trace(bench.br0, UDP))
                .contains(String.join(
                        "\n",
                        "             1. priority 32768",
                        "                    exit",
                        "        --. Executing action set:",
                        "    output:2",
                        "",
                        "Final flow: "))
                .endsWith("Datapath actions: 102\n");
    }

    /** What was sent round again before the exit goes on. */
    @Test
    void exitDoesNotReachBehindARecirculation() throws Exception {
        bench.flows("tcp,ct_state=-trk,actions=ct(table=5),exit,output:2", "table=5,tcp,actions=output:3");
        assertThat(trace(bench.br0, TCP))
                .contains("    exit\n\nFinal flow: unchanged\n", "Datapath actions: ct,recirc(0x1)\n")
                .endsWith("Datapath actions: 103\n");
    }

    @Test
    void queueIsSetForEveryOutputBehindIt() throws Exception {
        bench.flows("udp,actions=set_queue:5,output:2,set_queue:0xa,mod_vlan_vid:3,load:7->NXM_NX_PKT_MARK[],output:3,"
                + "pop_queue,output:2,pop_queue");
        assertThat(trace(bench.br0, UDP))
                .contains(
                        "    pop_queue\n     -> queue = 0\n    output:2\n    pop_queue\n\n",
                        "Final flow: pkt_mark=0x7,udp,")
                .endsWith("Megaflow: pkt_mark=0,recirc_id=0,skb_priority=0,eth,udp,in_port=1,"
                        + "nw_frag=no\nDatapath actions: set(skb_priority(0x5)),102,push_vlan(vid=3,pcp=0),"
                        + "set(skb_priority(0xa)),set(skb_mark(0x7)),103,set(skb_priority(0)),102\n");
    }

    /** The queue that the packet came round with is the one that pop_queue goes back to. */
    @Test
    void queueOutlivesARecirculation() throws Exception {
        bench.flows(
                "tcp,ct_state=-trk,actions=set_queue:7,ct(table=5)",
                "table=5,tcp,actions=pop_queue,output:2,set_queue:3,output:3,pop_queue,exit,output:2");
        assertThat(trace(bench.br0, TCP))
                .contains(
                        "Datapath actions: set(skb_priority(0x7)),ct,recirc(0x1)\n",
                        "Flow: recirc_id=0x1,skb_priority=0x7,ct_state=new|trk,eth,tcp,",
                        "    pop_queue\n     -> queue = 0x7\n    exit\n")
                .endsWith("Megaflow: recirc_id=0x1,skb_priority=0x7,eth,tcp,in_port=1,nw_frag=no\n"
                        + "Datapath actions: 102,set(skb_priority(0x3)),103\n");
    }

    @Test
    void queueOfAnActionSetIsSetBeforeTheOutput() throws Exception {
        bench.flows("udp,actions=write_actions(output:2,set_queue:5)");
        assertThat(trace(bench.br0, UDP))
                .contains("     -> action set is: set_queue:5,output:2\n"
                        + "--. Executing action set:\n"
                        + "    set_queue:5\n"
                        + "    output:2\n\n"
                        + "Final flow: skb_priority=0x5,udp,")
                .endsWith("Datapath actions: set(skb_priority(0x5)),102\n");
    }

    @Test
    void tracingTeachesNothing() throws Exception {
        bench.flows("actions=NORMAL");
        trace(bench.br0, "in_port=1,dl_src=00:00:00:00:00:01,dl_dst=00:00:00:00:00:02");
        assertThat(bench.br0.macEntries()).isEmpty();
        assertThat(bench.packetCount("")).isZero();
        assertThat(bench.datapath.flows()).isEmpty();
    }

    @Test
    void trackingBehindAPatchPortIsShownAsAClone() throws Exception {
        BridgePipeline br1 = neighbour();
        bench.flows("in_port=1,actions=output:10,output:2");
        br1.setFailMode(BridgePipeline.FailMode.SECURE);
        bench.flows(br1, "ip,in_port=11,actions=ct(table=4)", "table=4,actions=output:4");
        assertThat(trace(bench.br0, "in_port=1,udp,nw_ttl=64,dl_src=00:00:00:00:00:07"))
                .contains(
                        "Datapath actions: clone(ct,recirc(0x1)),102\n",
                        "Flow: recirc_id=0x1,ct_state=new|trk,eth,udp,in_port=11,",
                        "bridge(\"br1\")\n"
                                + "-------------\n"
                                + "    thaw\n"
                                + "        Resuming from table 4\n"
                                + " 4. priority 32768\n"
                                + "    output:4\n",
                        "Megaflow: recirc_id=0x1,eth,ip,in_port=11,nw_frag=no\nDatapath actions: 104\n");
    }

    private static final String TCP = "in_port=1,tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_ttl=64,tcp_src=1000,tcp_dst=21";

    @Test
    void natIsTakenToPickTheFirstOfTheRange() throws Exception {
        bench.flows(
                "tcp,actions=ct(commit,table=1,zone=7,nat(src=10.9.0.1-10.9.0.9:80-90,random),alg=ftp)",
                "tcp6,actions=ct(commit,table=1,nat(dst=[fc00::9]:99))",
                "udp,actions=ct(table=1,nat)");
        assertThat(trace(bench.br0, TCP))
                .contains(
                        String.join(
                                "\n",
                                "    ct(commit,table=1,zone=7,nat(src=10.9.0.1-10.9.0.9:80-90,random),alg=ftp)",
                                "    nat(src=10.9.0.1-10.9.0.9:80-90,random)",
                                "     -> A clone of the packet is forked"),
                        "Datapath actions:"
                                + " ct(commit,zone=7,helper=ftp,nat(src=10.9.0.1-10.9.0.9:80-90,random)),recirc(0x1)\n",
                        String.join(
                                "\n",
                                "recirc(0x1) - resume conntrack with default ct_state=trk|new (use --ct-next to"
                                        + " customize)",
                                "Replacing src/dst IP/ports to simulate NAT:",
                                " Initial flow: nw_src=10.0.0.1,tp_src=1000,nw_dst=10.0.0.2,tp_dst=21",
                                " Modified flow: nw_src=10.9.0.1,tp_src=80,nw_dst=10.0.0.2,tp_dst=21",
                                RULER),
                        "nw_src=10.9.0.1,nw_dst=10.0.0.2,nw_tos=0,nw_ecn=0,nw_ttl=64,nw_frag=no,tp_src=80,tp_dst=21,");
        assertThat(trace(bench.br0, "in_port=1,tcp6,ipv6_src=fc00::1,ipv6_dst=fc00::2"))
                .contains(" Initial flow: ipv6_src=[fc00::1],tp_src=0,ipv6_dst=[fc00::2],tp_dst=0\n"
                        + " Modified flow: ipv6_src=[fc00::1],tp_src=0,ipv6_dst=[fc00::9],tp_dst=99\n");
        assertThat(trace(bench.br0, "in_port=1,udp"))
                .contains("Replacing src/dst IP/ports to simulate NAT:\n Initial flow: \n Modified flow: \n" + RULER);
    }

    /** Open vSwitch shows flags without a range in the datapath's action only. */
    @Test
    void flagsWithoutARangeGoToTheDatapath() throws Exception {
        bench.flows("tcp,actions=ct(commit,nat(src,persistent,random))");
        assertThat(trace(bench.br0, TCP))
                .contains("    ct(commit,nat(src))\n    nat(src)\n")
                .endsWith("Datapath actions: ct(commit,nat(src,persistent,random))\n");
    }

    @Test
    void nestedActionsSeeWhatThoseBeforeThemWrote() throws Exception {
        bench.flows("tcp,actions=ct(commit,table=1,exec(set_field:0x12345678->ct_mark,"
                + "move:NXM_NX_CT_MARK[0..7]->NXM_NX_CT_MARK[24..31],move:NXM_NX_CT_MARK[]->NXM_NX_CT_LABEL[64..95]))");
        assertThat(trace(bench.br0, TCP))
                .contains(
                        "     -> NXM_NX_CT_MARK[24..31] is now 0x78\n",
                        "     -> NXM_NX_CT_LABEL[64..95] is now 0x78345678\n",
                        "Megaflow: recirc_id=0,eth,tcp,in_port=1,nw_frag=no\n"
                                + "Datapath actions: ct(commit,mark=0x78345678/0xffffffff,"
                                + "label=0x783456780000000000000000/0xffffffff0000000000000000),recirc(0x1)\n",
                        "Flow:"
                                + " recirc_id=0x1,ct_state=new|trk,ct_mark=0x78345678,ct_label=0x783456780000000000000000,eth,tcp,");
    }

    /** Unlike Open vSwitch, which then writes the mark that the packet had, and does not match on it. */
    @Test
    void markThatIsReadIsLookedAt() throws Exception {
        bench.flows("tcp,actions=ct(commit,exec(move:NXM_NX_CT_MARK[0..15]->NXM_NX_CT_LABEL[0..15]))");
        assertThat(trace(bench.br0, TCP))
                .endsWith("Megaflow: recirc_id=0,ct_mark=0/0xffff,eth,tcp,in_port=1,nw_frag=no\n"
                        + "Datapath actions: ct(commit,label=0/0xffff)\n");
    }

    @Test
    void untrackedPacketsAreNotCleared() throws Exception {
        bench.flows("tcp,actions=ct_clear,ct(table=1)", "table=1,tcp,actions=ct_clear,ct_clear,2");
        assertThat(trace(bench.br0, TCP))
                .contains("Datapath actions: ct,recirc(0x1)\n")
                .endsWith("Datapath actions: ct_clear,102\n");
    }

    @Test
    void stateAndTupleOfTheConnectionCanBeMoved() throws Exception {
        bench.flows(
                "tcp,ct_state=-trk,actions=ct(table=1)",
                "table=1,tcp,ct_state=+trk+est,actions=move:NXM_NX_CT_STATE[]->"
                        + "NXM_NX_REG0[],move:NXM_NX_CT_NW_SRC[]->NXM_NX_REG1[],move:NXM_NX_CT_LABEL[]->NXM_NX_XXREG1[]");
        assertThat(trace(bench.br0, TCP, 0x62))
                .contains(
                        "     -> NXM_NX_REG0[] is now 0x62\n",
                        "     -> NXM_NX_REG1[] is now 0\n",
                        "     -> NXM_NX_XXREG1[] is now 0\n");
    }

    private String traceOf(byte[] frame) {
        Packet packet = Packet.copyOf(frame);
        PacketParser.parse(packet);
        StringBuilder text = new StringBuilder();
        var options = new Trace.Options(List.of(), Integer::toString, packet, null);
        bench.pipeline
                .beginTrace(bench.br0, 1, PipelineBench.keyOf(1, frame), options)
                .next(text);
        return text.toString();
    }

    @Test
    void fromAPacketThatIsTracedFlowsAreLearned() {
        bench.flows("table=0,tcp,actions=learn(table=1,hard_timeout=60,cookie=0x5,eth_type=0x800,nw_proto=6,"
                + "NXM_OF_TCP_DST[]=NXM_OF_TCP_SRC[],output:NXM_OF_IN_PORT[])");
        assertThat(traceOf(SampleFrames.tcp().bytes()))
                .contains("     -> table=1 tcp,tp_dst=1000 priority=32768 cookie=0x5 hard=60 actions=output:1\n");
        assertThat(bench.allFlows())
                .filteredOn(flow -> flow.tableId() == 1)
                .singleElement()
                .satisfies(flow -> assertThat(FlowText.format(flow.match())).isEqualTo("tcp,tp_dst=1000"));
    }

    @Test
    void aPacketThatIsTracedShortensTimeouts() {
        bench.flows("table=0,idle_timeout=60,tcp,actions=fin_timeout(idle_timeout=5)");
        traceOf(SampleFrames.tcp().fin().bytes());
        assertThat(bench.allFlows())
                .singleElement()
                .satisfies(flow -> assertThat(flow.idleTimeoutSeconds()).isEqualTo(5));
    }
}
