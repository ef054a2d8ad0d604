package io.turnstile.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.turnstile.datapath.DropReason;
import io.turnstile.datapath.Meter;
import io.turnstile.datapath.MeterBand;
import io.turnstile.packet.Frames;
import io.turnstile.pipeline.flow.GroupMod;
import io.turnstile.pipeline.flow.MeterMod;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Meters in flows, in front of controllers, and what changes of them do. */
class MetersTest {
    private static final byte[] UDP =
            Frames.udp("10.0.0.1:1000 > 10.0.0.2:53").payload(8).bytes();
    private static final MeterBand TEN = new MeterBand(MeterBand.Type.DROP, 10, 0, 0);

    private final PipelineBench bench = new PipelineBench(2);

    private int passed(int packets) {
        int passed = 0;
        for (int i = 0; i < packets; i++) {
            passed += bench.receive(1, UDP).size();
        }
        return passed;
    }

    private OfErrorCode refusal(MeterMod mod) {
        OfException refused = catchThrowableOfType(OfException.class, () -> bench.br0.apply(mod));
        return refused == null ? null : refused.code();
    }

    private static MeterMod mod(MeterMod.Command command, int id, int flags, MeterBand... bands) {
        return new MeterMod(command, id, flags, List.of(bands));
    }

    @Test
    void packetsBeyondTheRateEnd() throws OfException {
        bench.meter(1, 10).flows("ip,actions=meter:1,output:2");
        assertThat(passed(25)).isEqualTo(10);
        assertThat(bench.datapathActions()).containsExactly("meter(0),102");
        assertThat(bench.datapath.drops(DropReason.METERED)).isEqualTo(15);
        bench.clock.advance(Duration.ofMillis(500));
        assertThat(passed(25)).isEqualTo(5);
        bench.clock.advance(Duration.ofSeconds(3600));
        assertThat(passed(25)).isEqualTo(10);
        Meter.Statistics counts = bench.br0.meterStatistics(1).getFirst().counts();
        assertThat(counts.packets()).isEqualTo(75);
        assertThat(counts.bytes()).isEqualTo(75L * UDP.length);
        assertThat(counts.bands()).containsExactly(new Meter.BandStatistics(50, 50L * UDP.length));
        assertThat(bench.br0.meterStatistics(1).getFirst().flowCount()).isEqualTo(1);
    }

    @Test
    void modifiedMeterMeasuresAnewWithoutOtherDatapathFlows() throws OfException {
        bench.meter(1, 10).flows("ip,actions=meter:1,output:2");
        passed(20);
        var flows = bench.datapath.flows();
        bench.br0.apply(
                mod(MeterMod.Command.MODIFY, 1, MeterMod.FLAG_PKTPS, new MeterBand(MeterBand.Type.DROP, 3, 0, 0)));
        assertThat(passed(20)).isEqualTo(3);
        assertThat(bench.datapath.flows()).isEqualTo(flows);
    }

    @Test
    void withAMeterGoItsFlows() throws OfException {
        bench.meter(1, 10).meter(2, 10).flows("ip,actions=meter:1,output:2", "arp,actions=meter:2,output:2");
        passed(1);
        bench.br0.apply(mod(MeterMod.Command.DELETE, 1, 0));
        assertThat(bench.allFlows()).hasSize(1);
        assertThat(passed(1)).isZero();
        bench.br0.apply(mod(MeterMod.Command.DELETE, MeterMod.ALL, 0));
        assertThat(bench.allFlows()).isEmpty();
        assertThat(bench.br0.meters(MeterMod.ALL)).isEmpty();
        bench.meter(7, 10);
        bench.flows("ip,actions=meter:7,output:2");
        passed(1);
        assertThat(bench.datapathActions()).containsExactly("meter(0),102");
    }

    @Test
    void packetsToControllersPassTheirMeter() throws OfException {
        EventRecorder events = new EventRecorder();
        bench.br0.subscribe(events);
        bench.flows("ip,actions=controller,output:2");
        assertThat(passed(20)).isEqualTo(20);
        assertThat(events.events).hasSize(20);
        bench.br0.apply(mod(MeterMod.Command.ADD, MeterMod.CONTROLLER, MeterMod.FLAG_PKTPS, TEN));
        assertThat(passed(20)).isEqualTo(20);
        assertThat(events.events).hasSize(30);
        bench.br0.apply(mod(MeterMod.Command.DELETE, MeterMod.CONTROLLER, 0));
        assertThat(passed(20)).isEqualTo(20);
        assertThat(events.events).hasSize(50);
    }

    @Test
    void whatCannotBeIsRefused() {
        assertThat(refusal(mod(MeterMod.Command.ADD, 0, MeterMod.FLAG_KBPS, TEN)))
                .isEqualTo(OfErrorCode.OFPMMFC_INVALID_METER);
        assertThat(refusal(mod(MeterMod.Command.ADD, MeterMod.ALL, MeterMod.FLAG_KBPS, TEN)))
                .isEqualTo(OfErrorCode.OFPMMFC_INVALID_METER);
        assertThat(refusal(mod(MeterMod.Command.ADD, 1, 3, TEN))).isEqualTo(OfErrorCode.OFPMMFC_BAD_FLAGS);
        assertThat(refusal(mod(MeterMod.Command.ADD, 1, 16, TEN))).isEqualTo(OfErrorCode.OFPMMFC_BAD_FLAGS);
        assertThat(refusal(new MeterMod(MeterMod.Command.ADD, 1, 1, Collections.nCopies(9, TEN))))
                .isEqualTo(OfErrorCode.OFPMMFC_OUT_OF_BANDS);
        assertThat(refusal(mod(MeterMod.Command.ADD, 1, 1, new MeterBand(MeterBand.Type.DROP, 0, 0, 0))))
                .isEqualTo(OfErrorCode.OFPMMFC_BAD_RATE);
        assertThat(refusal(mod(MeterMod.Command.MODIFY, 1, 1, TEN))).isEqualTo(OfErrorCode.OFPMMFC_UNKNOWN_METER);
        assertThat(refusal(mod(MeterMod.Command.ADD, 1, 1, TEN))).isNull();
        assertThat(refusal(mod(MeterMod.Command.ADD, 1, 1, TEN))).isEqualTo(OfErrorCode.OFPMMFC_METER_EXISTS);
        assertThat(refusal(mod(MeterMod.Command.DELETE, 5, 0))).isNull();
        assertThat(catchThrowableOfType(OfException.class, () -> bench.br0.meters(5))
                        .code())
                .isEqualTo(OfErrorCode.OFPMMFC_UNKNOWN_METER);
    }

    @Test
    void newModeOfFailureTakesGroupsAndMetersAlong() throws OfException {
        bench.meter(1, 10).groups("group_id=1,type=all,bucket=output:2").flows("ip,actions=meter:1,group:1");
        bench.br0.setFailMode(BridgePipeline.FailMode.STANDALONE);
        assertThat(bench.br0.meters(MeterMod.ALL)).isEmpty();
        assertThat(bench.br0.groups(GroupMod.ALL)).isEmpty();
        assertThat(bench.allFlows())
                .extracting(OpenFlowSwitch.FlowStats::tableId)
                .containsExactly(0);
    }
}
