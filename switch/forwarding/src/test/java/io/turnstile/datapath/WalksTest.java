package io.turnstile.datapath;

import static io.turnstile.datapath.ScriptedUpcall.translation;
import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.CtRequest;
import io.turnstile.conntrack.CtState;
import io.turnstile.datapath.DatapathAction.Clone;
import io.turnstile.datapath.DatapathAction.Ct;
import io.turnstile.datapath.DatapathAction.Output;
import io.turnstile.datapath.DatapathAction.Recirculate;
import io.turnstile.packet.Frame;
import io.turnstile.packet.Frames;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.packet.PacketParser;
import io.turnstile.time.ManualClock;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is written down of walks, and how joined frames are counted. */
class WalksTest {
    private static final List<Field> LOOKED_AT = List.of(Field.IN_PORT, Field.RECIRC_ID, Field.TP_SRC);

    private final RecordingConntrack conntrack = new RecordingConntrack();
    private final Datapath datapath = new Datapath(conntrack, new ManualClock());
    private final ForwardingContext context = datapath.newContext();
    private final MemoryPort out = new MemoryPort("out");
    private final SampleTaker watcher = new SampleTaker();

    WalksTest() {
        conntrack.state = CtState.TRK | CtState.EST;
        conntrack.connection = 5;
        datapath.addPort(out, 1);
        datapath.setWalkWatcher(watcher);
    }

    private static Frame frame(int sourcePort) {
        return Frames.udp("10.0.0.1:" + sourcePort + " > 10.0.0.2:80").payload(4);
    }

    private void process(Frame... frames) {
        PacketBatch batch = new PacketBatch();
        for (Frame frame : frames) {
            Packet packet = frame.packet();
            packet.setInPort(7);
            batch.add(packet);
        }
        datapath.process(batch, context);
    }

    private static int recirculation(long[] key) {
        return (int) Field.RECIRC_ID.get(key);
    }

    @Test
    void eachPacketOfABatchHasItsOwnTrail() {
        datapath.setUpcall(new ScriptedUpcall(key -> recirculation(key) == 0
                ? translation(
                        "track " + Field.TP_SRC.get(key), LOOKED_AT, new Ct(CtRequest.lookup(0)), new Recirculate((int)
                                Field.TP_SRC.get(key)))
                : translation("out " + Field.TP_SRC.get(key), LOOKED_AT, new Output(1))));
        process(frame(1), frame(2).vlan(3), frame(1));
        assertThat(watcher.walks)
                .extracting(
                        walk -> walk.flows().stream().map(DatapathFlow::owner).toList() + " "
                                + Integer.toHexString(walk.tag()) + " " + walk.inPort())
                .containsExactly("[track 1, out 1] 0 7", "[track 2, out 2] 81000003 7", "[track 1, out 1] 0 7");
        assertThat(watcher.walks)
                .allMatch(walk -> walk.connectionId() == 5
                        && !walk.reply()
                        && walk.trackings().equals(List.of(new SampledWalk.Tracking(5, CtState.TRK | CtState.EST))));
    }

    @Test
    void copiesLeaveNoTrail() {
        datapath.setUpcall(new ScriptedUpcall(key -> recirculation(key) == 0
                ? translation(
                        "first",
                        LOOKED_AT,
                        new Ct(CtRequest.lookup(0)),
                        new Clone(new DatapathAction[] {new Ct(CtRequest.lookup(1)), new Recirculate(2)}),
                        new Recirculate(1),
                        new Output(1))
                : translation("copy", LOOKED_AT, new Output(1))));
        process(frame(1));
        assertThat(out.sent).hasSize(3);
        assertThat(watcher.walks).singleElement().satisfies(walk -> {
            assertThat(walk.flows()).extracting(DatapathFlow::owner).containsExactly("first");
            assertThat(walk.trackings()).hasSize(1);
        });
    }

    @Test
    void newAndInvalidPacketsAreNoSamples() {
        datapath.setUpcall(
                new ScriptedUpcall(key -> translation("only", LOOKED_AT, new Ct(CtRequest.lookup(0)), new Output(1))));
        conntrack.state = CtState.TRK | CtState.NEW;
        process(frame(1));
        conntrack.state = CtState.TRK | CtState.INV;
        process(frame(1));
        conntrack.state = CtState.TRK | CtState.EST;
        conntrack.connection = 0;
        process(frame(1));
        assertThat(watcher.walks).isEmpty();
    }

    @Test
    void theDirectionIsThatOfTheFirstTracking() {
        datapath.setUpcall(
                new ScriptedUpcall(key -> translation("only", LOOKED_AT, new Ct(CtRequest.lookup(0)), new Output(1))));
        conntrack.state = CtState.TRK | CtState.EST | CtState.RPL;
        process(frame(1));
        assertThat(watcher.walks).singleElement().matches(SampledWalk::reply);
    }

    @Test
    void aWatcherThatFailsHarmsNoPacket() {
        datapath.setUpcall(
                new ScriptedUpcall(key -> translation("only", LOOKED_AT, new Ct(CtRequest.lookup(0)), new Output(1))));
        datapath.setWalkWatcher(new SampleTaker() {
            @Override
            public void walked(SampledWalk walk) {
                throw new IllegalStateException("a test's");
            }
        });
        process(frame(1), frame(1));
        assertThat(out.sent).hasSize(2);
        datapath.setWalkWatcher(watcher);
        process(frame(1));
        assertThat(watcher.walks).hasSize(1);
    }

    @Test
    void aJoinedFrameCountsWhatItStandsForOnTheWire() {
        ScriptedUpcall upcall = new ScriptedUpcall(key -> translation("only", LOOKED_AT, new Output(1)));
        datapath.setUpcall(upcall);
        Packet tcp = Frames.tcp("10.0.0.1:1 > 10.0.0.2:80")
                .ack()
                .options(new byte[12])
                .payload(3_500)
                .vlan(5)
                .packet();
        PacketParser.parse(tcp);
        tcp.setPartialChecksum(tcp.l4Offset(), tcp.l4Offset() + 16);
        tcp.setSegmentBytes(1_000);
        Packet udp = Frames.udp("10.0.0.1:1 > 10.0.0.2:80").payload(2_000).packet();
        PacketParser.parse(udp);
        udp.setPartialChecksum(udp.l4Offset(), udp.l4Offset() + 6);
        udp.setSegmentBytes(1_000);
        Packet plain = Frames.udp("10.0.0.1:1 > 10.0.0.2:80").payload(10).packet();
        PacketBatch batch = new PacketBatch();
        for (Packet packet : List.of(tcp, udp, plain)) {
            packet.setInPort(7);
            batch.add(packet);
        }
        datapath.process(batch, context);
        datapath.pushStatistics();

        int tcpHeaderBytes = 14 + 4 + 20 + 32;
        int udpHeaderBytes = 14 + 20 + 8;
        assertThat(upcall.packets.get("only")).hasValue(4 + 2 + 1);
        assertThat(upcall.bytes.get("only"))
                .hasValue(4 * tcpHeaderBytes + 3_500 + 2 * udpHeaderBytes + 2_000 + udpHeaderBytes + 10);
    }
}
