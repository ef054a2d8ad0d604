package io.turnstile.pipeline;

import static io.turnstile.pipeline.SampleFrames.udp;
import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.FlowText;
import io.turnstile.pipeline.flow.GroupMod;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What those are told who watch flows, and what they can see later of what they were not. */
class FlowChangesTest {
    private final PipelineBench bench = new PipelineBench(3);
    private final List<String> told = new ArrayList<>();
    private final List<FlowChanges> changes = new ArrayList<>();

    private void watch() {
        bench.br0.subscribe(new EventRecorder() {
            @Override
            public boolean wantsFlowChanges() {
                return true;
            }

            @Override
            public void flowsChanged(FlowChanges change) {
                changes.add(change);
                change.inOrder().forEachRemaining(each -> told.add(text(each)));
            }
        });
    }

    private static String text(FlowChange change) {
        return change.event()
                + (change.reason() == null ? "" : " " + change.reason())
                + " "
                + FlowText.format(change.flow().match())
                + " cookie="
                + change.flow().cookie()
                + (change.formerActions() == null ? "" : " other actions")
                + (change.xid() == 0 ? "" : " xid=" + change.xid());
    }

    private void apply(FlowMod.Command command, String flow, ChangeOrigin origin) throws OfException {
        bench.br0.apply(PipelineBench.parse(command, flow), origin);
    }

    @Test
    void nothingIsRecordedUnlessSomebodyWatches() {
        bench.flows("actions=drop");
        assertThat(bench.br0.monitorPoint().changeNumber()).isZero();
        watch();
        bench.flows("udp,actions=drop");
        assertThat(bench.br0.monitorPoint().changeNumber()).isEqualTo(1);
        assertThat(changes)
                .singleElement()
                .satisfies(change -> assertThat(change.number()).isEqualTo(1));
    }

    @Test
    void aChangeSaysWhatBecameOfEachFlowAndWhoAskedForIt() throws Exception {
        watch();
        Object peer = new Object();
        apply(FlowMod.Command.ADD, "udp,cookie=1,actions=1", ChangeOrigin.of(peer, 7));
        apply(FlowMod.Command.ADD, "udp,cookie=1,actions=1", ChangeOrigin.of(peer, 8));
        apply(FlowMod.Command.ADD, "udp,cookie=1,actions=2", ChangeOrigin.of(peer, 9));
        apply(FlowMod.Command.MODIFY, "actions=2", ChangeOrigin.of(peer, 10)); // nothing is other than before
        apply(FlowMod.Command.MODIFY, "actions=3", ChangeOrigin.NONE);
        apply(FlowMod.Command.DELETE, "", ChangeOrigin.NONE);
        apply(FlowMod.Command.DELETE, "", ChangeOrigin.NONE); // nothing is there
        assertThat(told)
                .containsExactly(
                        "ADDED udp cookie=1 xid=7",
                        "ADDED udp cookie=1 xid=8",
                        "ADDED udp cookie=1 other actions xid=9",
                        "MODIFIED udp cookie=1 other actions",
                        "REMOVED DELETE udp cookie=1");
        assertThat(changes).extracting(FlowChanges::number).containsExactly(1L, 2L, 3L, 4L, 5L);
        assertThat(changes).extracting(change -> change.isOf(peer)).containsExactly(true, true, true, false, false);
    }

    @Test
    void whatGoesWithAGroupAndByTimeoutIsTold() {
        watch();
        bench.groups("group_id=1,type=all,bucket=output:1");
        bench.flows("udp,actions=group:1", "tcp,idle_timeout=5,actions=1", "icmp,hard_timeout=5,actions=1");
        told.clear();
        bench.changeGroup(GroupMod.Command.DELETE, "group_id=1");
        assertThat(told).containsExactly("REMOVED GROUP_DELETE udp cookie=0");
        bench.pass(Duration.ofSeconds(6));
        assertThat(told.subList(1, 3))
                .containsExactlyInAnyOrder("REMOVED IDLE_TIMEOUT tcp cookie=0", "REMOVED HARD_TIMEOUT icmp cookie=0");
        assertThat(changes.getLast().areTogether()).isFalse();
    }

    @Test
    void whatPacketsLearnIsToldAndWhatTheyKeepFreshIsNot() {
        watch();
        bench.flows("udp,actions=learn(table=1,eth_type=0x800,nw_proto=17,NXM_OF_UDP_SRC[])");
        told.clear();
        bench.receive(1, udp().bytes());
        bench.receive(1, udp().bytes());
        assertThat(told).singleElement().asString().startsWith("ADDED udp,tp_src=");
    }

    @Test
    void aBundleIsOneChangeInItsOrderAndOneThatFailsIsNone() throws Exception {
        watch();
        bench.br0.applyAll(List.of(
                PipelineBench.parse(FlowMod.Command.ADD, "udp,actions=1"),
                PipelineBench.parse(FlowMod.Command.ADD, "tcp,actions=1"),
                PipelineBench.parse(FlowMod.Command.DELETE, "udp")));
        assertThat(changes).hasSize(1);
        assertThat(told).containsExactly("ADDED udp cookie=0", "ADDED tcp cookie=0", "REMOVED DELETE udp cookie=0");
        told.clear();
        try {
            bench.br0.applyAll(List.of(
                    PipelineBench.parse(FlowMod.Command.ADD, "udp,actions=1"),
                    PipelineBench.parse(FlowMod.Command.ADD, "icmp,actions=group:9")));
        } catch (OpenFlowSwitch.BundleException expected) {
            assertThat(expected.index()).isEqualTo(1);
        }
        assertThat(told).isEmpty();
        assertThat(bench.br0.monitorPoint().changeNumber()).isEqualTo(1);
    }

    @Test
    void selectionGoesByFormerActionsToo() {
        watch();
        bench.flows("udp,actions=1");
        bench.change(bench.br0, FlowMod.Command.MODIFY, "actions=2");
        FlowChange change = changes.getLast().inOrder().next();
        assertThat(change.isSelectedBy(query(1))).isTrue();
        assertThat(change.isSelectedBy(query(2))).isTrue();
        assertThat(change.isSelectedBy(query(3))).isFalse();
    }

    private static OpenFlowSwitch.FlowQuery query(int outPort) {
        return new OpenFlowSwitch.FlowQuery(FlowMod.ALL_TABLES, Match.ANY, 0, 0, outPort);
    }

    @Test
    void whatChangedSinceAMomentCanBeSeenLater() {
        watch();
        bench.flows("udp,actions=1", "tcp,actions=1", "icmp,actions=1", "arp,actions=1");
        bench.clock.advance(Duration.ofMillis(1));
        OpenFlowSwitch.MonitorPoint point = bench.br0.monitorPoint();
        bench.clock.advance(Duration.ofMillis(1));
        bench.change(bench.br0, FlowMod.Command.MODIFY, "tcp,actions=2");
        bench.change(bench.br0, FlowMod.Command.DELETE, "icmp");
        bench.flows("ipv6,actions=1", "arp,actions=3");
        bench.change(bench.br0, FlowMod.Command.DELETE, "arp");
        bench.change(bench.br0, FlowMod.Command.DELETE, "ipv6");
        bench.flows("ipv6,actions=1");
        List<String> seen = new ArrayList<>();
        bench.br0.monitoredFlows(FlowMod.ALL_TABLES).advance(Integer.MAX_VALUE, flow -> {
            if (flow.isChangedSince(point.sinceNs())) {
                seen.add((flow.isAddedSince(point.sinceNs()) ? "added " : "modified ") + FlowText.format(flow.match()));
            }
        });
        assertThat(seen).containsExactlyInAnyOrder("modified tcp", "added ipv6");
        List<String> gone = new ArrayList<>();
        changes.stream()
                .filter(change -> change.number() > point.changeNumber())
                .map(change -> change.removedAndThereAt(point.sinceNs()))
                .forEach(change -> change.inOrder().forEachRemaining(each -> gone.add(text(each))));
        // The first ipv6 flow is known to nobody; arp was there and then another one in its place.
        assertThat(gone).containsExactly("REMOVED DELETE icmp cookie=0", "REMOVED DELETE arp cookie=0");
    }

    @Test
    void thePointOfAChangeThatIsUnderWayIsItsBeginning() {
        MonitorClock clock = new MonitorClock();
        clock.changeBegins(5);
        clock.changeBegins(6);
        assertThat(clock.point(9)).isEqualTo(new OpenFlowSwitch.MonitorPoint(5, 0));
        clock.nextNumber();
        clock.changeEnded();
        assertThat(clock.point(9)).isEqualTo(new OpenFlowSwitch.MonitorPoint(5, 1));
        clock.changeEnded();
        assertThat(clock.point(9)).isEqualTo(new OpenFlowSwitch.MonitorPoint(9, 1));
    }
}
