package io.turnstile.datapath;

import static io.turnstile.datapath.ScriptedUpcall.translation;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.turnstile.datapath.DatapathAction.Output;
import io.turnstile.time.ManualClock;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Flows that somebody puts in, beside a pipeline and without one. */
class HandMadeFlowsTest {
    private static final String UDP = "in_port(1),eth_type(0x0800),ipv4(frag=no)";
    private static final List<Field> BY_PORT = List.of(Field.IN_PORT, Field.RECIRC_ID, Field.ETH_TYPE, Field.TP_DST);

    private final ManualClock clock = new ManualClock(0, 0);
    private final Datapath datapath = new Datapath(new RecordingConntrack(), clock);
    private final MemoryPort in = new MemoryPort("in");
    private final MemoryPort out = new MemoryPort("out");
    private final MemoryPort other = new MemoryPort("other");
    private final ForwardingContext context = datapath.newContext();

    HandMadeFlowsTest() {
        datapath.addPort(in, 1);
        datapath.addPort(out, 2);
        datapath.addPort(other, 3);
    }

    private FlowPut put(String match, String actions, boolean mayCreate, boolean mayReplace)
            throws FlowSyntaxException {
        return datapath.putFlow(
                FlowMatchParser.parseMatch(match, name -> -1),
                DatapathActionParser.parse(actions, name -> -1),
                mayCreate,
                mayReplace);
    }

    private void receive(byte[]... frames) {
        in.delivering(frames);
        for (int left = frames.length; left > 0; ) {
            left -= datapath.receiveAndProcess(1, in, context);
        }
    }

    private Stream<String> lines() {
        return datapath.flows().stream().map(flow -> DatapathFlowText.line(flow, clock.nowNs()));
    }

    @Test
    void packetsGoWhereTheFlowSaysAndAllOfThemAreCounted() throws FlowSyntaxException {
        assertThat(put(UDP, "2", true, false)).isEqualTo(FlowPut.DONE);
        receive(UdpFrame.of(1, 80), UdpFrame.of(2, 81));
        assertThat(out.sent).hasSize(2);
        assertThat(lines()).singleElement().asString().contains("packets:2,").endsWith("actions:2");
    }

    @Test
    void withoutAPipelineAMissIsLostAndTheFlowStays() throws FlowSyntaxException {
        put(UDP.replace("in_port(1)", "in_port(9)"), "2", true, false);
        receive(UdpFrame.of(1, 80));
        datapath.maintain(clock.nowNs() + 60_000_000_000L);
        assertThat(datapath.drops(DropReason.UPCALL_FAILED)).isOne();
        assertThat(lines()).hasSize(1);
    }

    @Test
    void aPipelineTakesFlowsOutThatItHasNotMade() throws FlowSyntaxException {
        datapath.setUpcall(new ScriptedUpcall(key -> translation("A", BY_PORT, new Output(3))));
        put(UDP, "2", true, false);
        receive(UdpFrame.of(1, 80));
        datapath.maintain(clock.nowNs());
        receive(UdpFrame.of(2, 80));
        assertThat(out.sent).hasSize(1);
        assertThat(other.sent).hasSize(1);
        assertThat(lines()).singleElement().asString().endsWith("actions:3");
    }

    @Test
    void aChangedFlowGoesOnCounting() throws FlowSyntaxException {
        assertThat(put(UDP, "2", false, true)).isEqualTo(FlowPut.NOT_FOUND);
        put(UDP, "2", true, false);
        receive(UdpFrame.of(1, 80));
        assertThat(put(UDP, "3", true, false)).isEqualTo(FlowPut.EXISTS);
        assertThat(put(UDP, "3", false, true)).isEqualTo(FlowPut.DONE);
        receive(UdpFrame.of(2, 80));
        assertThat(out.sent).hasSize(1);
        assertThat(other.sent).hasSize(1);
        assertThat(lines()).singleElement().asString().contains("packets:2,").endsWith("actions:3");
    }

    /** Those that differ in their masks alone are two, as in Open vSwitch. */
    @Test
    void masksTellFlowsApart() throws FlowSyntaxException {
        put("in_port(1),eth_type(0x0800),ipv4(tos=0x20/0,frag=no)", "2", true, false);
        put("in_port(1),eth_type(0x0800),ipv4(tos=0,frag=no)", "2", true, false);
        assertThat(datapath.flows())
                .extracting(DatapathFlow::uniqueId)
                .doesNotHaveDuplicates()
                .hasSize(2);
    }

    @Test
    void aFlowIsShownAsItWasGiven() throws FlowSyntaxException {
        put("in_port(1),eth(src=00:00:00:00:00:01),eth_type(0x1234)", "2", true, false);
        put("in_port(2),packet_type(ns=0,id=0),eth_type(0x1234)", "2", true, false);
        assertThat(lines())
                .containsExactlyInAnyOrder(
                        "recirc_id(0),in_port(1),eth(src=00:00:00:00:00:01),eth_type(0x1234),"
                                + " packets:0, bytes:0, used:never, actions:2",
                        "recirc_id(0),in_port(2),packet_type(ns=0,id=0),eth_type(0x1234),"
                                + " packets:0, bytes:0, used:never, actions:2");
    }

    @Test
    void aFlowIsOfOnePort() throws FlowSyntaxException {
        assertThatThrownBy(() -> put("eth_type(0x0800)", "2", true, false))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("in_port is not an exact match");
    }
}
