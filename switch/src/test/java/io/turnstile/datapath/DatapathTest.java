package io.turnstile.datapath;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.port.DummyPort;
import io.turnstile.port.LinkStatus;
import io.turnstile.port.Port;
import io.turnstile.port.PortStatistics;
import io.turnstile.testing.TestFrame;
import io.turnstile.time.ManualClock;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

class DatapathTest {
    private static final DatapathAction REWRITE = new DatapathAction.SetField(Field.ETH_DST, 0, 0x99, 0, 0xffff_ffff_ffffL);
    private final ManualClock clock = new ManualClock(Long.MAX_VALUE - 5, 0);
    private final byte[] frame = TestFrame.udp("10.0.0.1", 1, "10.0.0.2", 2).bytes();
    private final List<byte[]> out = new ArrayList<>();
    private ScriptedUpcall upcall;
    private ForwardingContext context;

    private Datapath datapath(Function<Integer, DatapathAction[]> byRecirculationId) {
        Datapath datapath = new Datapath(new ConnectionTracker(clock, 1000), clock);
        upcall = new ScriptedUpcall(key -> byRecirculationId.apply((int) Field.RECIRC_ID.get(key)));
        datapath.setUpcall(upcall);
        context = datapath.newContext();
        return datapath;
    }

    private static DatapathAction[] list(DatapathAction... actions) {
        return actions;
    }

    private static DatapathAction output(int port) {
        return new DatapathAction.Output(port);
    }

    private PacketBatch batch(int packets) {
        PacketBatch batch = new PacketBatch();
        for (int i = 0; i < packets; i++) {
            Packet packet = Packet.copyOf(frame);
            packet.setInPort(1);
            batch.add(packet);
        }
        return batch;
    }

    private DummyPort collecting() {
        DummyPort port = new DummyPort("out");
        port.onSent(out::add);
        return port;
    }

    @Test
    void whatFollowsARecirculationDoesNotTouchWhatGoesRound() {
        Datapath datapath = datapath(id -> id == 0
            ? list(new DatapathAction.Recirculate(7), REWRITE, output(2)) : list(output(3)));
        datapath.addPort(collecting(), 2);
        List<byte[]> round = new ArrayList<>();
        DummyPort three = new DummyPort("three");
        three.onSent(round::add);
        datapath.addPort(three, 3);
        datapath.process(batch(1), context);
        assertThat(round).containsExactly(frame);
        assertThat(out).singleElement().satisfies(sent -> assertThat(sent[5]).isEqualTo((byte) 0x99));
    }

    @Test
    void copiesBeyondABatchAllGoRound() {
        Datapath datapath = datapath(id -> id == 0
            ? list(new DatapathAction.Recirculate(1), new DatapathAction.Recirculate(2), new DatapathAction.Recirculate(3))
            : id < 3 ? list(new DatapathAction.Recirculate(4), output(2)) : list(output(2)));
        datapath.addPort(collecting(), 2);
        datapath.process(batch(32), context);
        assertThat(out).hasSize(32 * 5);
        for (DatapathFlow flow : datapath.flows()) {
            assertThat(flow.packetCount()).isEqualTo(Field.RECIRC_ID.get(flow.key()) == 4 ? 64 : 32);
        }
    }

    @Test
    void packetThatMultipliesWithoutEndIsCutOffAndCounted() {
        Datapath datapath = datapath(id -> list(new DatapathAction.Recirculate(1), new DatapathAction.Recirculate(1),
            new DatapathAction.Recirculate(1), new DatapathAction.Recirculate(1)));
        datapath.process(batch(32), context);
        assertThat(datapath.drops(DropReason.RECIRCULATION_DEPTH)).isGreaterThan(1024);
        datapath.process(batch(1), context);
    }

    @Test
    void unknownPortsAndShortFramesAreCounted() {
        Datapath datapath = datapath(id -> list(output(9)));
        datapath.process(batch(3), context);
        assertThat(datapath.drops(DropReason.NO_OUTPUT_PORT)).isEqualTo(3);
        PacketBatch runt = new PacketBatch();
        runt.add(Packet.copyOf(new byte[5]));
        datapath.process(runt, context);
        assertThat(datapath.drops(DropReason.MALFORMED)).isEqualTo(1);
    }

    @Test
    void idleFlowsLeaveAndTheirPacketsAreCredited() {
        Datapath datapath = datapath(id -> list(output(2)));
        datapath.process(batch(3), context);
        clock.advance(Duration.ofSeconds(11)); // The monotonic reading wraps on the way.
        datapath.maintain(clock.nowNs());
        assertThat(datapath.flows()).isEmpty();
        assertThat(upcall.credited).isEqualTo(3);
        datapath.process(batch(1), context);
        assertThat(upcall.misses).isEqualTo(2);
    }

    /** Counts only: what a port of the kernel does is its own tests' matter. */
    private static final class Sink implements Port {
        private int packets;

        @Override
        public String name() {
            return "sink";
        }

        @Override
        public String type() {
            return "sink";
        }

        @Override
        public int pollDescriptor() {
            return -1;
        }

        @Override
        public int receive(Packet[] pool, PacketBatch into) {
            return 0;
        }

        @Override
        public void send(Packet packet) {
            packets++;
        }

        @Override
        public void flush() {
            // Nothing is held back.
        }

        @Override
        public PortStatistics statistics() {
            return null;
        }

        @Override
        public LinkStatus linkStatus() {
            return null;
        }

        @Override
        public void setAdminUp(boolean up) {
            // Always up.
        }

        @Override
        public void setMacAddress(long macAddress) {
            // Has none.
        }

        @Override
        public void setMtu(int mtuBytes) {
            // No limit.
        }

        @Override
        public void close() {
            // Holds nothing.
        }
    }

    @Test
    void warmPacketsAllocateNothing() {
        Datapath datapath = datapath(id -> id == 0
            ? list(new DatapathAction.Ct(CtRequest.commit(1)), new DatapathAction.Recirculate(1), REWRITE, output(2))
            : list(new DatapathAction.SetField(Field.NW_TTL, 0, 9, 0, 0xff), output(2)));
        Sink sink = new Sink();
        datapath.addPort(sink, 2);
        PacketBatch batch = batch(32);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long least = Long.MAX_VALUE;
        for (int attempt = 0; attempt < 20 && least > 0; attempt++) {
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < 500; i++) {
                for (int p = 0; p < batch.length(); p++) {
                    batch.get(p).setRecirculationId(0);
                    batch.get(p).clearConntrack();
                }
                datapath.process(batch, context);
            }
            least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
        }
        assertThat(sink.packets).isGreaterThanOrEqualTo(64 * 500);
        assertThat(least).as("bytes for 16,000 packets, each looked up twice").isLessThanOrEqualTo(1024);
    }
}
