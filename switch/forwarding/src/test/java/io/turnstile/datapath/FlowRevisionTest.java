package io.turnstile.datapath;

import static io.turnstile.datapath.ScriptedUpcall.translation;
import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.datapath.DatapathAction.Output;
import io.turnstile.datapath.Upcall.Translation;
import io.turnstile.packet.Frames;
import io.turnstile.time.ManualClock;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Flows that a change of rules concerns, from one round of upkeep to the next. */
class FlowRevisionTest {
    private static final List<Field> NARROW = List.of(Field.IN_PORT, Field.RECIRC_ID, Field.ETH_TYPE, Field.TP_DST);
    private static final List<Field> WIDE = List.of(Field.IN_PORT, Field.RECIRC_ID, Field.ETH_TYPE);

    private final ManualClock clock = new ManualClock(Long.MAX_VALUE - 5_000_000_000L, 0);
    private final Datapath datapath = new Datapath(new RecordingConntrack(), clock);
    private final MemoryPort in = new MemoryPort("in");
    private final MemoryPort out = new MemoryPort("out");
    private final MemoryPort other = new MemoryPort("other");
    private final ForwardingContext context = datapath.newContext();
    private Translation answer = translation("old", WIDE, new Output(2));
    private final ScriptedUpcall upcall = new ScriptedUpcall(key -> answer);

    FlowRevisionTest() {
        datapath.addPort(in, 1);
        datapath.addPort(out, 2);
        datapath.addPort(other, 3);
        datapath.setUpcall(upcall);
    }

    private void receive(byte[]... frames) {
        in.delivering(frames);
        for (int left = frames.length; left > 0; ) {
            left -= datapath.receiveAndProcess(1, in, context);
        }
    }

    private void rulesBecome(Translation translation) {
        answer = translation;
        datapath.bury(datapath.kill(datapath::flows));
    }

    private Stream<String> lines() {
        return datapath.flows().stream().map(flow -> DatapathFlowText.line(flow, clock.nowNs()));
    }

    @Test
    void aFlowLivesOnWithItsCountsAndWhatIsRightNow() {
        receive(UdpFrame.of(1, 80), UdpFrame.of(1, 80), UdpFrame.of(1, 80));
        rulesBecome(translation("new", WIDE, new Output(3)));
        datapath.maintain(clock.nowNs());
        receive(UdpFrame.of(1, 80));

        assertThat(upcall.misses).as("no packet was needed").hasValue(1);
        assertThat(other.sent).hasSize(1);
        assertThat(lines())
                .singleElement()
                .asString()
                .contains("packets:3, bytes:180,")
                .endsWith("actions:3");
        datapath.pushStatistics();
        assertThat(upcall.packets.get("old")).as("packets of before, once").hasValue(3);
        assertThat(upcall.packets.get("new")).hasValue(1);
    }

    @Test
    void aPacketNeedNotWaitAndItsFlowTakesTheCountsOver() {
        receive(UdpFrame.of(1, 80), UdpFrame.of(1, 80), UdpFrame.of(1, 80));
        rulesBecome(translation("new", WIDE, new Output(3)));
        receive(UdpFrame.of(1, 80), UdpFrame.of(1, 80));
        datapath.maintain(clock.nowNs());

        assertThat(upcall.revisions).hasValue(0);
        assertThat(lines()).singleElement().asString().contains("packets:3,").endsWith("actions:3");
        datapath.pushStatistics();
        assertThat(upcall.packets.get("old")).hasValue(3);
        assertThat(upcall.packets.get("new")).hasValue(2);
    }

    @Test
    void changesInARowLoseNoCount() {
        receive(UdpFrame.of(1, 80), UdpFrame.of(1, 80));
        rulesBecome(translation("second", WIDE, new Output(3)));
        receive(UdpFrame.of(1, 80), UdpFrame.of(1, 80));
        rulesBecome(translation("third", WIDE, new Output(2)));
        datapath.maintain(clock.nowNs());

        assertThat(lines()).singleElement().asString().contains("packets:2,").endsWith("actions:2");
        assertThat(upcall.removed).hasValue(2);
        assertThat(upcall.installed).hasValue(3);
    }

    @Test
    void aFlowThatWouldHaveToLookAtMoreGoes() {
        receive(UdpFrame.of(1, 80));
        rulesBecome(translation("new", NARROW, new Output(3)));
        datapath.maintain(clock.nowNs());
        assertThat(lines()).isEmpty();
    }

    @Test
    void aFlowThatLooksAtMoreThanItHasToMayStayAsItIs() {
        answer = translation("old", NARROW, new Output(2));
        receive(UdpFrame.of(1, 80));
        rulesBecome(translation("new", WIDE, new Output(3)));
        datapath.maintain(clock.nowNs());
        assertThat(lines()).singleElement().asString().contains("udp(dst=80)").endsWith("actions:3");
    }

    @Test
    void whatSomebodyTakesOutStaysOut() {
        receive(UdpFrame.of(1, 80));
        datapath.invalidate(datapath::flows);
        receive(UdpFrame.of(1, 80));
        datapath.invalidate(flow -> true);
        datapath.maintain(clock.nowNs());
        assertThat(lines()).isEmpty();
        assertThat(upcall.revisions).hasValue(0);
    }

    @Test
    void rulesThatChangeAgainMeanwhileAreNotOvertaken() {
        receive(UdpFrame.of(1, 80));
        rulesBecome(translation("new", WIDE, new Output(3)));
        upcall.current = false;
        datapath.maintain(clock.nowNs());
        assertThat(lines()).isEmpty();
    }

    @Test
    void aFlowThatHasBeenIdleForTooLongIsNotBroughtBack() {
        receive(UdpFrame.of(1, 80));
        rulesBecome(translation("new", WIDE, new Output(3)));
        datapath.setFlowIdle(1_000_000_000L);
        clock.advance(Duration.ofMillis(1_001));
        datapath.maintain(clock.nowNs());
        assertThat(upcall.revisions).hasValue(0);
    }

    @Test
    void aFlowIsForPacketsOfOneVlanOrOfNone() {
        receive(UdpFrame.of(1, 80), tagged(10), tagged(11), tagged(10));
        assertThat(lines())
                .satisfiesExactlyInAnyOrder(
                        line -> assertThat(line).contains("in_port(1),packet_type(ns=0,id=0),eth_type(0x0800)"),
                        line -> assertThat(line).contains("vlan(vid=10),encap(", "packets:1,"),
                        line -> assertThat(line).contains("vlan(vid=11),encap("));
    }

    private static byte[] tagged(int vid) {
        byte[] frame = Frames.udp("10.0.0.1:1 > 10.0.0.2:80").payload(18).bytes();
        return ByteBuffer.allocate(frame.length + 4)
                .put(frame, 0, 12)
                .putShort((short) 0x8100)
                .putShort((short) vid)
                .put(frame, 12, frame.length - 12)
                .array();
    }
}
