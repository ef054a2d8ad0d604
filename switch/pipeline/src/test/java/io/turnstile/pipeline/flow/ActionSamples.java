package io.turnstile.pipeline.flow;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * Each kind of action in the words of ovs-actions(7), as they are printed again. A new row does not compile without.
 */
public final class ActionSamples {
    private ActionSamples() {}

    public static Map<ActionKind, List<String>> all() {
        Map<ActionKind, List<String>> samples = new EnumMap<>(ActionKind.class);
        for (ActionKind kind : ActionKind.values()) {
            samples.put(kind, of(kind));
        }
        return samples;
    }

    /** They are possible in flows of TCP over IPv4. */
    public static List<String> of(ActionKind kind) {
        return switch (kind) {
            case OUTPUT -> List.of("output:7", "IN_PORT", "LOCAL");
            case OUTPUT_FIELD -> List.of("output:NXM_NX_REG3[4..19]");
            case OUTPUT_TRUNCATED -> List.of("output(port=7,max_len=100)", "output(port=LOCAL,max_len=14)");
            case SAMPLE ->
                List.of(
                        "sample(probability=12345,collector_set_id=4294967295,obs_domain_id=5,obs_point_id=6)",
                        "sample(probability=1,collector_set_id=2,obs_domain_id=3,obs_point_id=4,sampling_port=7)",
                        "sample(probability=65535,collector_set_id=0,obs_domain_id=0,obs_point_id=0,egress)");
            case CONTROLLER ->
                List.of(
                        "CONTROLLER:128",
                        "controller(reason=invalid_ttl,max_len=100,id=3)",
                        "controller(id=5,userdata=00.01.fe.ff)",
                        "controller(pause,meter_id=4294967295)",
                        "controller(reason=no_match,max_len=9,id=1,userdata=ff,pause,meter_id=7)");
            case SET_FIELD ->
                List.of("set_field:0x5->reg4", "load:0x5->NXM_NX_REG0[0..7]", "set_field:1.2.3.4->ip_dst");
            case MOVE -> List.of("move:NXM_NX_REG0[0..15]->NXM_NX_REG1[16..31]");
            case SET_VLAN_VID -> List.of("mod_vlan_vid:5", "set_vlan_vid:6");
            case SET_VLAN_PCP -> List.of("mod_vlan_pcp:5", "set_vlan_pcp:6");
            case PUSH_VLAN -> List.of("push_vlan:0x88a8");
            case POP_VLAN -> List.of("pop_vlan");
            case PUSH_MPLS -> List.of("push_mpls:0x8847", "push_mpls:0x8848");
            case POP_MPLS -> List.of("pop_mpls:0x0800");
            case SET_MPLS -> List.of("set_mpls_label(1048575)", "set_mpls_tc(7)", "set_mpls_ttl(255)");
            case DEC_MPLS_TTL -> List.of("dec_mpls_ttl");
            case ENCAP ->
                List.of(
                        "encap(nsh)",
                        "encap(nsh(md_type=1))",
                        "encap(nsh(md_type=2,tlv(0x1000,10,0x12345678),tlv(0x2000,20,0xfedcba98)))",
                        "encap(mpls)",
                        "encap(mpls_mc)",
                        "encap(ethernet)");
            case DECAP -> List.of("decap()", "decap(packet_type(ns=1,type=0x894f))");
            case DEC_NSH_TTL -> List.of("dec_nsh_ttl");
            case DEC_TTL -> List.of("dec_ttl");
            case CHECK_PKT_LARGER -> List.of("check_pkt_larger(1500)->NXM_NX_REG0[3]");
            case ENQUEUE -> List.of("enqueue:7:4294967295", "enqueue:LOCAL:0");
            case MULTIPATH ->
                List.of(
                        "multipath(eth_src,50,modulo_n,1,0,NXM_NX_REG0[])",
                        "multipath(symmetric_l3l4+udp,1024,iter_hash,7,16,NXM_NX_REG0[5..10])");
            case BUNDLE ->
                List.of(
                        "bundle(nw_src,0,hrw,ofport,members:2,3,LOCAL)",
                        "bundle(eth_src,7,active_backup,ofport,members:)",
                        "bundle_load(symmetric_l4,60,active_backup,ofport,NXM_NX_REG0[0..15],members:2,3)");
            case FIN_TIMEOUT -> List.of("fin_timeout(idle_timeout=10,hard_timeout=20)", "fin_timeout(idle_timeout=5)");
            case LEARN ->
                List.of(
                        "learn(table=1,idle_timeout=10,hard_timeout=20,fin_idle_timeout=2,fin_hard_timeout=4,priority=10,"
                                + "send_flow_rem,delete_learned,cookie=0xfedcba9876543210,limit=7,"
                                + "result_dst=NXM_NX_REG0[3],NXM_OF_VLAN_TCI[0..11],NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],"
                                + "load:NXM_OF_IN_PORT[]->NXM_NX_REG1[16..31],output:NXM_OF_IN_PORT[])",
                        "learn(table=5,eth_type=0x800,nw_proto=6,NXM_OF_TCP_DST[]=NXM_OF_TCP_SRC[],"
                                + "NXM_OF_IP_SRC[8..31]=0xc0a801,load:0x5->NXM_NX_REG2[0..3])");
            case DEC_TTL_FOR -> List.of("dec_ttl(1,65535)", "dec_ttl(0)");
            case CLONE ->
                List.of("clone(set_field:1.2.3.4->ip_dst,output:3)", "clone(drop)", "clone(clone(dec_ttl),output:2)");
            case CONJUNCTION -> List.of("conjunction(4294967295,2/64)");
            case EXIT -> List.of("exit");
            case SET_QUEUE -> List.of("set_queue:4294967295");
            case POP_QUEUE -> List.of("pop_queue");
            case RESUBMIT -> List.of("resubmit(3,4)", "resubmit(,5,ct)");
            case CT ->
                List.of(
                        "ct(commit,zone=NXM_NX_REG0[0..15],nat(src=10.0.0.1-10.0.0.9),exec(load:0x5->NXM_NX_CT_MARK[]))");
            case NAT -> List.of("nat(dst=10.0.0.1:80)");
            case CT_CLEAR -> List.of("ct_clear");
            case DEBUG_RECIRC -> List.of("debug_recirc");
            case DEBUG_SLOW -> List.of("debug_slow");
            case NOTE -> List.of("note:01.02.03.00.00.00");
            case STACK_PUSH -> List.of("push:NXM_NX_REG0[]");
            case STACK_POP -> List.of("pop:NXM_NX_REG1[0..3]");
            case GROUP -> List.of("group:1");
            case METER -> List.of("meter:1");
            case CLEAR_ACTIONS -> List.of("clear_actions");
            case WRITE_ACTIONS -> List.of("write_actions(set_queue:7,output:3)");
            case WRITE_METADATA -> List.of("write_metadata:0x5/0xff");
            case GOTO_TABLE -> List.of("goto_table:4");
        };
    }
}
