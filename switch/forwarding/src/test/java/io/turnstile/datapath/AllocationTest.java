package io.turnstile.datapath;

import static io.turnstile.datapath.ScriptedUpcall.translation;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.conntrack.CtState;
import io.turnstile.datapath.DatapathAction.Ct;
import io.turnstile.datapath.DatapathAction.CtClear;
import io.turnstile.datapath.DatapathAction.Output;
import io.turnstile.datapath.DatapathAction.PopVlan;
import io.turnstile.datapath.DatapathAction.PushVlan;
import io.turnstile.datapath.DatapathAction.Recirculate;
import io.turnstile.datapath.DatapathAction.SetField;
import io.turnstile.time.Clock;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** Once warm, packets that meet flows allocate nothing: not for lookups, rewrites, tags, tracking or going round. */
class AllocationTest {
    private static final int WARM_UP_BATCHES = 3_000;
    private static final int MEASURED_BATCHES = 2_000;

    private final RecordingConntrack conntrack = new RecordingConntrack();
    private final Datapath datapath = new Datapath(conntrack, Clock.system());
    private final ForwardingContext context = datapath.newContext();
    private final MemoryPort in = new MemoryPort("in");

    @Test
    void theWarmPathAllocatesNothing() {
        assertNothingIsAllocated();
        assertThat(context.hasTrails()).as("nobody watches").isFalse();
    }

    /** Packets of which no sample is taken. */
    @Test
    void watchedWalksAllocateNothing() {
        conntrack.state = CtState.TRK | CtState.EST;
        conntrack.connection = 5;
        AtomicLong asked = new AtomicLong();
        datapath.setWalkWatcher(new SampleTaker() {
            @Override
            public boolean claims(long connectionId, boolean reply) {
                asked.getAndIncrement();
                return false;
            }
        });
        assertNothingIsAllocated();
        assertThat(asked).hasValueGreaterThan(MEASURED_BATCHES);
    }

    private void assertNothingIsAllocated() {
        conntrack.remembering = false;
        FrameSamples samples = new FrameSamples(new Random(3));
        byte[][] frames = new byte[96][];
        for (int i = 0; i < frames.length; i++) {
            frames[i] = i % 3 == 0
                    ? samples.ipv4(FrameSamples.Kind.TCP)
                    : i % 3 == 1 ? samples.ipv4(FrameSamples.Kind.SCTP) : samples.ipv6(FrameSamples.Kind.UDP, false);
        }
        in.delivering(frames).endless();
        datapath.addPort(in, 0);
        datapath.addPort(new MemoryPort("out").delivering(frames).endless(), 1);
        datapath.setUpcall(new ScriptedUpcall(key -> Field.RECIRC_ID.get(key) == 0
                ? translation(
                        "first",
                        List.of(Field.RECIRC_ID, Field.ETH_TYPE, Field.NW_PROTO),
                        new SetField(Field.NW_SRC, 0, 0x0102_0304, 0, 0xffff_ffffL),
                        new SetField(Field.IPV6_SRC, 1, 2, -1, -1),
                        new SetField(Field.TP_SRC, 0, 77, 0, 0xffff),
                        new SetField(Field.NW_TTL, 0, 9, 0, 0xff),
                        new PushVlan(0x8100, 0x1001),
                        new Output(1),
                        new PopVlan(),
                        new Ct(CtRequest.lookup(1)),
                        new Recirculate(1),
                        new Output(1))
                : translation("second", List.of(Field.RECIRC_ID, Field.CT_STATE), new CtClear(), new Output(1))));
        run(WARM_UP_BATCHES);

        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        run(1);
        long before = threads.getCurrentThreadAllocatedBytes();
        long itself = threads.getCurrentThreadAllocatedBytes() - before;
        before = threads.getCurrentThreadAllocatedBytes();
        run(MEASURED_BATCHES);
        long allocated = threads.getCurrentThreadAllocatedBytes() - before - itself;
        assertThat(datapath.statistics().misses()).as("distinct flows only").isLessThanOrEqualTo(2 * frames.length);
        // The compiler may put a few objects of its own on this thread; one byte a packet would be 64 000.
        assertThat(allocated).isLessThan(10_000);
    }

    private void run(int batches) {
        for (int i = 0; i < batches; i++) {
            datapath.receiveAndProcess(0, in, context);
        }
    }
}
