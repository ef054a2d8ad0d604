package io.turnstile.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.turnstile.datapath.DatapathFlowText;
import io.turnstile.packet.Frames;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.FlowText;
import io.turnstile.pipeline.flow.FlowTextException;
import io.turnstile.pipeline.flow.GroupBucket;
import io.turnstile.pipeline.flow.GroupMod;
import io.turnstile.pipeline.flow.GroupText;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Groups: what packets do in them, and what changes of them do. */
class GroupsTest {
    private static final int CLIENTS = 32;

    private final PipelineBench bench = new PipelineBench(4);

    private static byte[] tcp(int client) {
        return Frames.tcp("10.0.0." + (client + 1) + ":1000 > 10.0.1.1:80")
                .syn()
                .bytes();
    }

    private static byte[] answer(int client) {
        return Frames.tcp("10.0.1.1:80 > 10.0.0." + (client + 1) + ":1000")
                .synAck()
                .bytes();
    }

    private static final byte[] UDP =
            Frames.udp("10.0.0.1:1000 > 10.0.0.2:53").payload(8).bytes();

    private OfErrorCode refusalOfGroup(GroupMod.Command command, String line) throws FlowTextException {
        GroupMod mod = GroupText.parse(command, line);
        OfException refused = catchThrowableOfType(OfException.class, () -> bench.br0.apply(mod));
        return refused == null ? null : refused.code();
    }

    private OfErrorCode refusalOfFlow(String line) {
        OfException refused = catchThrowableOfType(
                OfException.class, () -> bench.br0.apply(PipelineBench.parse(FlowMod.Command.ADD, line)));
        return refused == null ? null : refused.code();
    }

    // ---- types ----

    @Test
    void eachBucketOfAllGetsThePacketAsItCame() {
        bench.groups("group_id=1,type=all,bucket=set_field:10.9.9.9->ip_src,output:2,bucket=output:3");
        bench.flows("ip,actions=group:1,output:4");
        assertThat(bench.receive(1, UDP)).containsExactly("2", "3", "4");
        assertThat(bench.datapathActions())
                .containsExactly("set(ipv4(src=10.9.9.9)),102,set(ipv4(src=10.0.0.1)),103,104");
    }

    @Test
    void indirectGroupIsItsOneBucket() throws FlowTextException {
        bench.groups("group_id=1,type=indirect,bucket=output:2");
        bench.flows("ip,actions=group:1");
        assertThat(bench.receive(1, UDP)).containsExactly("2");
        assertThat(refusalOfGroup(GroupMod.Command.ADD, "group_id=2,type=indirect,bucket=output:2,bucket=output:3"))
                .isEqualTo(OfErrorCode.OFPGMFC_INVALID_GROUP);
    }

    @Test
    void selectKeepsBothDirectionsOfAConnectionInOneBucket() {
        bench.groups("group_id=1,type=select,bucket=output:2,bucket=output:3");
        bench.flows("ip,actions=group:1");
        Set<List<String>> ways = new HashSet<>();
        for (int client = 0; client < CLIENTS; client++) {
            List<String> way = bench.receive(1, tcp(client));
            assertThat(way).hasSize(1);
            assertThat(bench.receive(4, answer(client))).isEqualTo(way);
            assertThat(bench.receive(1, tcp(client))).isEqualTo(way);
            ways.add(way);
        }
        assertThat(ways).containsExactlyInAnyOrder(List.of("2"), List.of("3"));
    }

    @Test
    void defaultSelectionIsOneHashAndAFlowForEachValueThatCame() {
        bench.groups("group_id=1,type=select,bucket=output:2,bucket=output:3");
        bench.flows("ip,actions=group:1");
        for (int client = 0; client < 200; client++) {
            bench.receive(
                    1,
                    Frames.tcp("10.0.0.1:" + (1000 + client) + " > 10.0.1.1:80")
                            .syn()
                            .bytes());
        }
        assertThat(bench.datapathActions())
                .filteredOn(text -> text.startsWith("hash"))
                .containsExactly("hash(sym_l4(0)),recirc(0x1)");
        assertThat(bench.datapath.flows()).hasSizeLessThanOrEqualTo(17);
        assertThat(bench.datapath.flows().stream().map(flow -> DatapathFlowText.line(flow, 0)))
                .anyMatch(text -> text.contains("recirc_id(0x1),dp_hash(") && text.contains("/0xf)"));
    }

    /** 8 slots of 16 each, as Open vSwitch says in its log of such a group. */
    @Test
    void slotsAreDealtOutByWeight() {
        BucketSlots slots = BucketSlots.of(buckets(1, 1));
        assertThat(slots.mask()).isEqualTo(15);
        assertThat(count(slots)).containsExactly(8, 8);
        assertThat(count(BucketSlots.of(buckets(5, 2, 2, 1)))).containsExactly(8, 3, 3, 2);
        assertThat(BucketSlots.of(buckets(1, 1000))).isNull();
        assertThat(BucketSlots.of(buckets(0, 0))).isNull();
    }

    private static List<GroupBucket> buckets(int... weights) {
        List<GroupBucket> buckets = new ArrayList<>();
        for (int weight : weights) {
            buckets.add(new GroupBucket(buckets.size(), weight, OfAction.Ports.NONE, GroupMod.ANY, List.of()));
        }
        return buckets;
    }

    private static List<Integer> count(BucketSlots slots) {
        int[] counts = new int[4];
        int most = 0;
        for (int i = 0; i <= slots.mask(); i++) {
            counts[slots.bucket(i)]++;
            most = Math.max(most, slots.bucket(i));
        }
        List<Integer> all = new ArrayList<>();
        for (int i = 0; i <= most; i++) {
            all.add(counts[i]);
        }
        return all;
    }

    @Test
    void bucketWithoutWeightGetsNothing() {
        bench.groups("group_id=1,type=select,bucket=weight:0,actions=output:2,bucket=weight:1,actions=output:3");
        bench.flows("ip,actions=group:1");
        for (int client = 0; client < CLIENTS; client++) {
            assertThat(bench.receive(1, tcp(client))).containsExactly("3");
        }
    }

    @Test
    void fieldsAloneDecideAndAreAllThatIsLookedAt() {
        bench.groups("group_id=1,type=select,selection_method=hash,fields(ip_src),bucket=output:2,bucket=output:3");
        bench.flows("ip,actions=group:1");
        List<String> way = bench.receive(1, tcp(7));
        for (int port = 1; port < 100; port++) {
            assertThat(bench.receive(
                            1,
                            Frames.tcp("10.0.0.8:" + port + " > 10.0.1.1:80")
                                    .syn()
                                    .bytes()))
                    .isEqualTo(way);
        }
        assertThat(bench.datapath.flows()).hasSize(1);
        Set<List<String>> ways = new HashSet<>();
        for (int client = 0; client < CLIENTS; client++) {
            ways.add(bench.receive(1, tcp(client)));
        }
        assertThat(ways).hasSize(2);
    }

    @Test
    void tooUnevenWeightsAreChosenByTheHeadersThemselves() {
        bench.groups("group_id=1,type=select,bucket=weight:1,actions=output:2,bucket=weight:2000,actions=output:3");
        bench.flows("ip,actions=group:1");
        for (int client = 0; client < CLIENTS; client++) {
            List<String> way = bench.receive(1, tcp(client));
            assertThat(bench.receive(1, tcp(client))).isEqualTo(way);
        }
        assertThat(bench.datapathActions()).noneMatch(text -> text.startsWith("hash"));
    }

    @Test
    void firstLiveBucketTakesOver() {
        bench.groups("group_id=1,type=ff,bucket=watch_port:2,actions=output:2,bucket=watch_port:3,actions=output:3");
        bench.flows("ip,actions=group:1");
        assertThat(bench.receive(1, UDP)).containsExactly("2");
        setLink(2, false);
        assertThat(bench.receive(1, UDP)).containsExactly("3");
        setLink(3, false);
        assertThat(bench.receive(1, UDP)).isEmpty();
        setLink(2, true);
        assertThat(bench.receive(1, UDP)).containsExactly("2");
    }

    private void setLink(int number, boolean up) {
        OfPort port = bench.br0.ports().stream()
                .filter(one -> one.number() == number)
                .findFirst()
                .orElseThrow();
        bench.br0.updatePort(port.withState(up ? 0 : OfPort.STATE_LINK_DOWN));
    }

    @Test
    void watchedGroupIsAliveWhileOneOfItsBucketsIs() {
        bench.groups(
                "group_id=2,type=ff,bucket=watch_port:2,actions=output:2",
                "group_id=1,type=ff,bucket=watch_group:2,actions=group:2,bucket=watch_port:3,actions=output:3");
        bench.flows("ip,actions=group:1");
        assertThat(bench.receive(1, UDP)).containsExactly("2");
        bench.changeGroup(GroupMod.Command.MODIFY, "group_id=2,type=ff");
        assertThat(bench.receive(1, UDP)).containsExactly("3");
        bench.changeGroup(GroupMod.Command.DELETE, "group_id=2");
        assertThat(bench.receive(1, UDP)).containsExactly("3");
    }

    @Test
    void bucketsMayWatchTheController() {
        bench.groups(
                "group_id=1,type=ff,bucket=watch_port:CONTROLLER,actions=output:2,bucket=watch_port:3,actions=output:3");
        bench.flows("ip,actions=group:1");
        bench.br0.setControllersConfigured(true);
        bench.br0.setFailMode(BridgePipeline.FailMode.SECURE);
        bench.groups(
                "group_id=1,type=ff,bucket=watch_port:CONTROLLER,actions=output:2,bucket=watch_port:3,actions=output:3");
        bench.flows("ip,actions=group:1");
        assertThat(bench.receive(1, UDP)).containsExactly("3");
        bench.br0.controllerConnected(true);
        assertThat(bench.receive(1, UDP)).containsExactly("2");
        bench.br0.controllerConnected(false);
        assertThat(bench.receive(1, UDP)).containsExactly("3");
    }

    @Test
    void watchedPortsCountWhereAHashSelectsToo() {
        bench.groups("group_id=1,type=select,bucket=watch_port:2,actions=output:2,bucket=output:3");
        bench.flows("ip,actions=group:1");
        setLink(2, false);
        for (int client = 0; client < CLIENTS; client++) {
            assertThat(bench.receive(1, tcp(client))).containsExactly("3");
        }
    }

    @Test
    void groupInTheActionSetComesInsteadOfItsOutput() {
        bench.groups("group_id=1,type=all,bucket=output:2");
        bench.flows("ip,actions=write_actions(output:4,group:1,set_field:10.7.7.7->ip_src)");
        assertThat(bench.receive(1, UDP)).containsExactly("2");
        assertThat(bench.datapathActions()).containsExactly("set(ipv4(src=10.7.7.7)),102");
    }

    @Test
    void bucketsTrackAndTranslateApart() {
        PipelineBench tracked = PipelineBench.withTracker(3);
        tracked.groups(
                "group_id=1,type=all,bucket=ct(commit,table=2,nat(dst=10.2.2.2)),bucket=ct(commit,zone=5,table=3)");
        tracked.flows("table=0,ip,actions=group:1", "table=2,ip,actions=output:2", "table=3,ip,actions=output:3");
        assertThat(tracked.receive(1, tcp(1))).containsExactly("2", "3");
        assertThat(tracked.sentBy(3).getFirst()).isEqualTo(tcp(1));
    }

    @Test
    void chainsOfGroupsRun() {
        bench.groups(
                "group_id=3,type=all,bucket=output:4",
                "group_id=2,type=all,bucket=group:3,bucket=output:3",
                "group_id=1,type=all,bucket=group:2,bucket=output:2");
        bench.flows("ip,actions=group:1");
        assertThat(bench.receive(1, UDP)).containsExactly("4", "3", "2");
    }

    /** Each group runs the next one twice: without a limit this would be 2 to the power of 40 outputs. */
    @Test
    void chainsThatDoubleEnd() {
        for (int i = 40; i >= 1; i--) {
            String next = i == 40 ? "drop" : "group:" + (i + 1);
            bench.groups("group_id=" + i + ",type=all,bucket=actions=" + next + ",bucket=actions=" + next);
        }
        bench.flows("ip,actions=output:2,group:1");
        assertThat(bench.receive(1, UDP)).isEmpty();
    }

    @Test
    void packetOutGetsTheBucketThatItsConnectionHas() throws OfException, FlowTextException {
        bench.groups("group_id=1,type=select,bucket=output:2,bucket=output:3");
        bench.flows("ip,actions=group:1");
        for (int client = 0; client < CLIENTS; client++) {
            List<String> way = bench.receive(1, tcp(client));
            bench.receive(1, UDP);
            int before = bench.sentPorts().size();
            bench.br0.packetOut(1, FlowText.parseActions("group:1"), tcp(client));
            assertThat(bench.sentPorts().subList(before, bench.sentPorts().size()))
                    .isEqualTo(way);
        }
    }

    // ---- changes ----

    @Test
    void flowsOfGroupsThatAreNotThereAreRefused() {
        assertThat(refusalOfFlow("ip,actions=group:1")).isEqualTo(OfErrorCode.OFPBAC_BAD_OUT_GROUP);
        assertThat(refusalOfFlow("ip,actions=write_actions(group:1)")).isEqualTo(OfErrorCode.OFPBAC_BAD_OUT_GROUP);
        assertThat(refusalOfFlow("ip,actions=meter:1")).isEqualTo(OfErrorCode.OFPMMFC_INVALID_METER);
    }

    @Test
    void withAGroupGoItsFlows() {
        EventRecorder events = new EventRecorder();
        bench.br0.subscribe(events);
        bench.groups("group_id=1,type=all,bucket=output:2", "group_id=2,type=all,bucket=output:3");
        bench.flows("send_flow_rem,ip,actions=group:1", "arp,actions=write_actions(group:1)", "ipv6,actions=group:2");
        bench.receive(1, UDP);
        bench.changeGroup(GroupMod.Command.DELETE, "group_id=1");
        assertThat(bench.allFlows()).hasSize(1);
        assertThat(bench.receive(1, UDP)).isEmpty();
        assertThat(events.events).contains("removed table=0 reason=3 packets=1");
        bench.changeGroup(GroupMod.Command.DELETE, "group_id=all");
        assertThat(bench.allFlows()).isEmpty();
        assertThat(bench.br0.groups(GroupMod.ALL)).isEmpty();
    }

    @Test
    void loopsAreRefused() throws FlowTextException {
        bench.groups("group_id=1,type=all,bucket=group:2", "group_id=2,type=all,bucket=group:3");
        assertThat(refusalOfGroup(GroupMod.Command.ADD, "group_id=3,type=all,bucket=group:1"))
                .isEqualTo(OfErrorCode.OFPGMFC_LOOP);
        assertThat(refusalOfGroup(GroupMod.Command.ADD, "group_id=4,type=all,bucket=group:4"))
                .isEqualTo(OfErrorCode.OFPGMFC_LOOP);
        assertThat(refusalOfGroup(GroupMod.Command.ADD, "group_id=3,type=all,bucket=output:2"))
                .isNull();
        assertThat(refusalOfGroup(GroupMod.Command.MODIFY, "group_id=3,type=all,bucket=group:2"))
                .isEqualTo(OfErrorCode.OFPGMFC_LOOP);
    }

    @Test
    void changesThatCannotBeAreRefused() throws FlowTextException {
        bench.groups("group_id=1,type=all,bucket=output:2");
        assertThat(refusalOfGroup(GroupMod.Command.ADD, "group_id=1,type=all,bucket=output:2"))
                .isEqualTo(OfErrorCode.OFPGMFC_GROUP_EXISTS);
        assertThat(refusalOfGroup(GroupMod.Command.MODIFY, "group_id=2,type=all,bucket=output:2"))
                .isEqualTo(OfErrorCode.OFPGMFC_UNKNOWN_GROUP);
        assertThat(refusalOfGroup(GroupMod.Command.ADD, "group_id=all,type=all,bucket=output:2"))
                .isEqualTo(OfErrorCode.OFPGMFC_INVALID_GROUP);
        assertThat(refusalOfGroup(GroupMod.Command.ADD, "group_id=2,type=all,bucket=weight:3,output:2"))
                .isEqualTo(OfErrorCode.OFPGMFC_INVALID_GROUP);
        assertThat(refusalOfGroup(GroupMod.Command.ADD, "group_id=2,type=all,bucket=watch_port:3,output:2"))
                .isEqualTo(OfErrorCode.OFPGMFC_WATCH_UNSUPPORTED);
        assertThat(refusalOfGroup(GroupMod.Command.ADD, "group_id=2,type=ff,bucket=output:2"))
                .isEqualTo(OfErrorCode.OFPGMFC_INVALID_GROUP);
        assertThat(refusalOfGroup(
                        GroupMod.Command.INSERT_BUCKET, "group_id=1,command_bucket_id=7,bucket=bucket_id=9,output:3"))
                .isEqualTo(OfErrorCode.OFPGMFC_UNKNOWN_BUCKET);
        assertThat(refusalOfGroup(
                        GroupMod.Command.INSERT_BUCKET,
                        "group_id=1,command_bucket_id=last,bucket=bucket_id=0,output:3"))
                .isEqualTo(OfErrorCode.OFPGMFC_BUCKET_EXISTS);
        assertThat(refusalOfGroup(GroupMod.Command.ADD_OR_MODIFY, "group_id=2,type=all,bucket=output:2"))
                .isNull();
        assertThat(refusalOfGroup(GroupMod.Command.ADD_OR_MODIFY, "group_id=2,type=all,bucket=output:3"))
                .isNull();
    }

    @Test
    void bucketsComeAndGoWhereTheyAreSaidTo() {
        bench.groups("group_id=1,type=all,bucket=bucket_id=5,output:2");
        bench.flows("ip,actions=group:1");
        bench.changeGroup(
                GroupMod.Command.INSERT_BUCKET, "group_id=1,command_bucket_id=first,bucket=bucket_id=6,output:3");
        assertThat(bench.receive(1, UDP)).containsExactly("3", "2");
        bench.changeGroup(GroupMod.Command.INSERT_BUCKET, "group_id=1,command_bucket_id=6,bucket=bucket_id=7,output:4");
        assertThat(bench.receive(1, UDP)).containsExactly("3", "4", "2");
        bench.changeGroup(GroupMod.Command.REMOVE_BUCKET, "group_id=1,command_bucket_id=last");
        assertThat(bench.receive(1, UDP)).containsExactly("3", "4");
        bench.changeGroup(GroupMod.Command.REMOVE_BUCKET, "group_id=1,command_bucket_id=6");
        assertThat(bench.receive(1, UDP)).containsExactly("4");
        bench.changeGroup(GroupMod.Command.REMOVE_BUCKET, "group_id=1,command_bucket_id=all");
        assertThat(bench.receive(1, UDP)).isEmpty();
    }

    @Test
    void onlyDatapathFlowsThroughAChangedGroupGo() {
        bench.groups("group_id=1,type=all,bucket=output:2", "group_id=2,type=all,bucket=output:3");
        bench.flows("ip,actions=group:1", "arp,actions=group:2");
        bench.receive(1, UDP);
        bench.receive(1, Frames.arpRequest("10.0.0.1 > 10.0.0.2").bytes());
        var before = bench.datapath.flows();
        assertThat(before).hasSize(2);
        bench.changeGroup(GroupMod.Command.MODIFY, "group_id=1,type=all,bucket=output:4");
        assertThat(bench.datapath.flows()).hasSize(1).allMatch(before::contains);
        assertThat(bench.receive(1, UDP)).containsExactly("4");
    }

    @Test
    void groupsAndFlowsChangeAtOnceOrNotAtAll() throws Exception {
        GroupMod group = GroupText.parse(GroupMod.Command.ADD, "group_id=1,type=all,bucket=output:2");
        FlowMod flow = PipelineBench.parse(FlowMod.Command.ADD, "ip,actions=group:1");
        FlowMod wrong = PipelineBench.parse(FlowMod.Command.ADD, "arp,actions=group:9");
        var refused = catchThrowableOfType(
                OpenFlowSwitch.BundleException.class, () -> bench.br0.applyAll(List.of(group, flow, wrong)));
        assertThat(refused.index()).isEqualTo(2);
        assertThat(bench.br0.groups(GroupMod.ALL)).isEmpty();
        assertThat(bench.allFlows()).isEmpty();
        bench.br0.applyAll(List.of(group, flow));
        assertThat(bench.receive(1, UDP)).containsExactly("2");
        GroupMod deletion = GroupText.parse(GroupMod.Command.DELETE, "group_id=all");
        refused = catchThrowableOfType(
                OpenFlowSwitch.BundleException.class, () -> bench.br0.applyAll(List.of(deletion, flow)));
        assertThat(refused.index()).isEqualTo(1);
        assertThat(bench.receive(1, UDP)).containsExactly("2");
        bench.br0.applyAll(List.of(deletion, group, flow));
        assertThat(bench.receive(1, UDP)).containsExactly("2");
    }

    // ---- counters ----

    @Test
    void bucketsAndGroupsCountPacketsOnce() {
        bench.groups(
                "group_id=1,type=select,bucket=weight:1,actions=output:2,bucket=weight:0,actions=output:3",
                "group_id=2,type=all,bucket=output:2,bucket=output:3");
        bench.flows("table=0,tcp,actions=group:1", "table=0,udp,actions=group:2");
        int bytes = tcp(1).length;
        for (int i = 0; i < 3; i++) {
            bench.receive(1, tcp(1));
            bench.receive(1, UDP);
        }
        assertThat(statistics(1)).isEqualTo("ref=1 3/" + 3 * bytes + " [3/" + 3 * bytes + ", 0/0]");
        assertThat(statistics(2))
                .isEqualTo("ref=1 3/" + 3 * UDP.length + " [3/" + 3 * UDP.length + ", 3/" + 3 * UDP.length + "]");
        assertThat(bench.packetCount("table=0,tcp")).isEqualTo(3);
    }

    private String statistics(int group) {
        OpenFlowSwitch.GroupStats stats = bench.br0.groupStatistics(group).getFirst();
        return "ref=" + stats.referenceCount() + " " + stats.packets() + "/" + stats.bytes() + " "
                + stats.buckets().stream()
                        .map(bucket -> bucket.packets() + "/" + bucket.bytes())
                        .toList();
    }

    @Test
    void traceSaysWhatAGroupDoes() {
        bench.groups(
                "group_id=1,type=select,bucket=output:2",
                "group_id=2,type=ff,bucket=watch_port:9,actions=output:2,bucket=watch_port:3,actions=output:3");
        bench.flows("udp,actions=group:1", "tcp,actions=group:2");
        assertThat(bench.pipeline.trace(bench.br0, 1, PipelineBench.keyOf(1, UDP)))
                .contains("     -> selection method in use: dp_hash, recirculating\n")
                .contains("Datapath actions: hash(sym_l4(0)),recirc(0x");
        assertThat(bench.pipeline.trace(bench.br0, 1, PipelineBench.keyOf(1, tcp(1))))
                .contains("-> bucket 0: not live due to port 9")
                .contains("-> using bucket 1")
                .contains("Datapath actions: 103");
    }
}
