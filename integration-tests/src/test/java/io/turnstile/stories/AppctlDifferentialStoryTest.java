package io.turnstile.stories;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** ovs-appctl's commands, with good and bad arguments, answer as those of ovs-vswitchd do. */
@Tag("system")
class AppctlDifferentialStoryTest {
    private static final List<String> COMMANDS = List.of(
            "list-commands",
            "version",
            "exit",
            "vlog/set",
            "vlog/list",
            "dpctl/dump-conntrack",
            "dpctl/flush-conntrack",
            "dpctl/show",
            "dpctl/dump-flows",
            "ofproto/trace",
            "time/stop",
            "time/warp",
            "netdev-dummy/receive",
            "netdev-dummy/set-admin-state");
    /** What has the same answer on both sides, mostly because something is wrong with it. */
    private static final List<String> COMMON = List.of(
            "nosuch",
            "version x",
            "exit a b c d",
            "list-commands extra",
            "vlog/list x",
            "vlog/set",
            "vlog/set bad:x:dbg",
            "vlog/set foo:file:dbg",
            "vlog/set bridge:console:warn",
            "vlog/set ANY:console:bad",
            "vlog/set dbg:dbg:foo",
            "vlog/set file:console:dbg",
            "vlog/set bridge:conntrack:dbg",
            "vlog/set info",
            "dpctl/show",
            "dpctl/flush-conntrack zone=5",
            "dpctl/flush-conntrack zone=bad",
            "dpctl/dump-conntrack nosuch",
            "dpctl/dump-conntrack zone=x",
            "dpctl/dump-conntrack -s",
            "dpctl/dump-dps",
            "dpctl/dump-flows nosuch",
            "fdb/flush br0",
            "fdb/flush nosuch",
            "ofproto/list",
            "ofproto/trace",
            "ofproto/trace nosuch in_port=1",
            "ofproto/trace br0",
            "ofproto/trace br0 bad",
            "ofproto/trace br0 in_port=1,foo=5",
            "ofproto/trace br0 a b c d e",
            "ofproto/trace br0 in_port=1 xyz",
            "ofproto/trace --ct-next trk",
            "ofproto/trace br0 in_port=1 --ct-next",
            "ofproto/trace br0 in_port=1 --ct-next foo",
            "ofproto/trace br0 in_port=1 --ct-next +trk",
            "ofproto/trace br0 in_port=1 --ct-next trk|new",
            "ofproto/trace br0 in_port=1 --ct-next new,est",
            "ofproto/trace br0 in_port=1 --ct-next trk,new,rpl",
            "ofproto/trace br0 in_port=1 --ct-next 'trk inv,snat'",
            "ofproto/trace br0 in_port=1 -x",
            "netdev-dummy/receive",
            "netdev-dummy/receive nosuch 00",
            "netdev-dummy/receive p1 zz",
            "netdev-dummy/set-admin-state p1 foo",
            "netdev-dummy/set-admin-state nosuch up",
            "netdev-dummy/set-admin-state p1 down",
            "netdev-dummy/set-admin-state p1 up");
    /** Of the connection tracker, in an order in which each finds what it needs. */
    private static final List<String> CONNTRACK = List.of(
            "dpctl/ct-set-maxconns",
            "dpctl/ct-get-maxconns",
            "dpctl/ct-set-maxconns 10",
            "dpctl/ct-get-maxconns",
            "dpctl/ct-set-maxconns x",
            "dpctl/ct-set-maxconns foo 10",
            "dpctl/ct-set-maxconns -- -5",
            "dpctl/ct-get-maxconns foo",
            "dpctl/ct-get-maxconns dummy@ovs-dummy",
            "dpctl/ct-get-nconns",
            "dpctl/ct-get-nconns foo",
            "dpctl/ct-get-nconns ovs-dummy",
            "dpctl/ct-disable-tcp-seq-chk",
            "dpctl/ct-get-tcp-seq-chk",
            "dpctl/ct-enable-tcp-seq-chk foo",
            "dpctl/ct-enable-tcp-seq-chk dummy@ovs-dummy",
            "dpctl/ct-get-tcp-seq-chk",
            "dpctl/ct-get-limits",
            "dpctl/ct-set-limits default=5 zone=1,limit=2 zone=3,limit=0",
            "dpctl/ct-get-limits",
            "dpctl/ct-get-limits zone=1,7",
            "dpctl/ct-get-limits dummy@ovs-dummy zone=1",
            "dpctl/ct-get-limits zone=x",
            "dpctl/ct-get-limits foo",
            "dpctl/ct-set-limits foo",
            "dpctl/ct-set-limits zone=1",
            "dpctl/ct-set-limits zone=1,limit=",
            "dpctl/ct-set-limits zone=70000,limit=1",
            "dpctl/ct-set-limits zone=1,limit=x",
            "dpctl/ct-set-limits default=x",
            "dpctl/ct-set-limits zone=1,foo=2",
            "dpctl/ct-set-limits",
            "dpctl/ct-del-limits",
            "dpctl/ct-del-limits zone=1,3",
            "dpctl/ct-get-limits",
            "dpctl/ct-del-limits zone=9",
            "dpctl/ct-del-limits foo",
            "dpctl/ct-del-limits zone=x",
            "dpctl/ct-bkts foo",
            "dpctl/ct-stats-show",
            "dpctl/ct-stats-show zone=x",
            "dpctl/ct-stats-show -m",
            "dpctl/ct-stats-show verbose",
            "dpctl/ct-stats-show foo",
            "dpctl/flush-conntrack zone=x",
            "dpctl/flush-conntrack foo",
            "dpctl/flush-conntrack zone=1 ct_nw_src=1.1.1.1,ct_nw_proto=17",
            "dpctl/flush-conntrack ct_nw_src=1.1.1.x",
            "dpctl/flush-conntrack ct_nw_src=1.1.1.1,ct_nw_dst=1.1.1.2,ct_nw_proto=17,ct_tp_src=1,ct_tp_dst=2",
            "dpctl/flush-conntrack ct_tp_src=1",
            "dpctl/flush-conntrack ct_nw_proto=1,icmp_type=8",
            "dpctl/flush-conntrack ct_nw_src=1.1.1.1,ct_ipv6_dst=fc00::1",
            "dpctl/dump-conntrack zone=5",
            "dpctl/dump-conntrack dummy@ovs-dummy",
            "dpctl/dump-conntrack -m -s dummy@ovs-dummy zone=5");

    private static final List<String> FLOWS = List.of(
            "table=0,priority=9,arp,actions=NORMAL",
            "table=0,priority=8,tcp,ct_state=-trk,actions=ct(table=1,zone=3)",
            "table=0,priority=7,udp,in_port=1,actions=mod_dl_dst:00:00:00:00:00:09,mod_vlan_vid:5,output:2,pop_vlan,output:3",
            "table=0,priority=7,udp,in_port=2,actions=load:7->NXM_NX_REG0[],resubmit(,2)",
            "table=0,priority=6,icmp,actions=dec_ttl,FLOOD",
            "table=0,priority=5,ipv6,actions=set_field:9->metadata,IN_PORT,goto_table:2",
            "table=0,priority=4,dl_vlan=5,actions=pop_vlan,push_vlan:0x8100,set_field:4103->vlan_vid,output:1,output:3",
            "table=0,priority=3,in_port=3,actions=controller(max_len=64)",
            "table=0,priority=2,in_port=LOCAL,actions=ALL",
            "table=1,priority=9,ct_state=+new+trk,tcp,actions=ct(commit,zone=3,exec(set_field:1->ct_mark)),2",
            "table=1,priority=8,ct_state=+est+trk,tcp,actions=output:3",
            "table=2,priority=9,reg0=7,actions=load:3->NXM_NX_REG1[],output:1,goto_table:3",
            "table=3,actions=set_field:1->metadata",
            "table=0,priority=10,dl_type=0x0801,actions=move:NXM_OF_IN_PORT[]->NXM_NX_REG0[0..15],push:NXM_NX_REG0[],"
                    + "pop:NXM_NX_REG1[],write_actions(output:1,set_field:00:00:00:00:00:05->eth_dst),goto_table:4",
            "table=4,dl_type=0x0801,in_port=2,actions=write_actions(set_field:00:00:00:00:00:06->eth_src,output:2),"
                    + "write_metadata:5,goto_table:5",
            "table=4,dl_type=0x0801,actions=clear_actions",
            "table=5,actions=output:1,clear_actions,write_actions(output:3)",
            "table=0,priority=11,dl_type=0x0802,actions=set_field:1->reg0,write_actions(set_queue:4,output:2),resubmit(,6),"
                    + "output:2,goto_table:7",
            "table=6,actions=set_queue:5,output:3,mod_vlan_vid:5,set_queue:6,set_field:7->pkt_mark,output:2,pop_queue,"
                    + "output:3,pop_queue",
            "table=7,in_port=1,actions=resubmit(,8),output:3",
            "table=8,actions=exit,output:3");
    private static final String MACS = "dl_src=00:00:00:00:00:01,dl_dst=00:00:00:00:00:02,";
    private static final List<String> TRACED = List.of(
            "in_port=1",
            "in_port=99",
            "in_port=p2,arp",
            "in_port=3",
            "in_port=LOCAL",
            "in_port=1,dl_vlan=5",
            "in_port=1,dl_vlan=6",
            "in_port=1,dl_type=0x88cc",
            "in_port=1,ip,nw_proto=47",
            "in_port=1,arp,arp_spa=10.0.0.1,arp_tpa=10.0.0.2,arp_op=1",
            "in_port=1,udp,nw_src=10.0.0.1,nw_dst=10.0.0.2,udp_dst=53",
            "in_port=2,udp,nw_src=10.0.0.1,nw_dst=10.0.0.2",
            "in_port=3,udp,nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_ttl=64",
            "in_port=1,icmp,nw_ttl=1",
            "in_port=1,icmp,nw_ttl=64",
            "in_port=1,icmp6,ipv6_src=fd00::1,ipv6_dst=fd00::2",
            "in_port=2,tcp6,ipv6_src=fd00::1,tcp_dst=80",
            "in_port=1,tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_dst=80",
            "in_port=2,tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_dst=80,nw_ttl=9,nw_tos=32",
            "in_port=1,sctp",
            "in_port=1,dl_type=0x0801",
            "in_port=2,dl_type=0x0801",
            "in_port=1,dl_type=0x0802",
            "in_port=2,dl_type=0x0802",
            "in_port=1,dl_type=0x0802,skb_priority=0x8");
    private static Differential both;

    @BeforeAll
    static void start() {
        both = Differential.start("appctl");
        both.bridge("br0", 3);
    }

    @AfterAll
    static void stop() {
        both.close();
    }

    @Test
    void theCommandsAreThere() {
        Stream.of(both.ours(), both.theirs())
                .forEach(sw -> assertThat(sw.appctl("list-commands").run().lines())
                        .as(sw.name())
                        .first()
                        .isEqualTo("The available commands are:"));
        assertThat(both.ours().appctl("list-commands").run().lines())
                .map(line -> line.strip().split("\\s+")[0])
                .containsAll(COMMANDS)
                .contains("conntrack/offload-show");
    }

    @Test
    void badAndGoodArgumentsAreAnsweredAlike() {
        COMMON.forEach(both::appctl);
        both.assertSame();
    }

    @Test
    void operatorsOfTheTrackerGetTheSameAnswers() {
        CONNTRACK.forEach(both::appctl);
        both.assertSame();
    }

    @Test
    void tracesAreTheSame() {
        both.ofctl("del-flows br0");
        FLOWS.forEach(flow -> both.ofctl("-O OpenFlow13 add-flow br0 '" + flow + "'"));
        // Which numbers recirculations get is the switch's own matter, and so is what it looked at to find that no
        // ct_state
        // matters.
        both.ignore(text -> text.replaceAll("recirc\\(0x[0-9a-f]+\\)", "recirc(ID)")
                .replaceAll("recirc_id=0x[0-9a-f]+", "recirc_id=ID")
                .replaceAll("(Megaflow: .*)ct_state=-trk,", "$1")
                .replaceAll("dont_send=[01],continuation=0,recirc_id=\\d+", "dont_send=N,continuation=0,recirc_id=ID"));
        TRACED.forEach(flow -> both.appctl("ofproto/trace br0 " + (flow.contains(",") ? flow + "," + MACS : flow)));
        both.assertSame();
    }

    @Test
    void timeStandsStillAndIsWarped() {
        for (String command : List.of(
                "time/stop x",
                "time/warp",
                "time/warp 1 2 3",
                "time/warp bad",
                "time/stop",
                "time/warp 100",
                "time/warp 1000 100")) {
            both.appctl(command);
        }
        both.ofctl("add-flow br0 priority=77,hard_timeout=5,actions=drop");
        both.appctl("time/warp 4000");
        both.ofctlSorted("dump-flows br0 --no-stats");
        both.assertSame();
    }
}
