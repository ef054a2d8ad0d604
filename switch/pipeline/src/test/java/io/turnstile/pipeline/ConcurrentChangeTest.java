package io.turnstile.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.datapath.ForwardingContext;
import io.turnstile.packet.Frames;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.port.DummyPort;
import java.util.concurrent.atomic.AtomicLongArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The barrier's promise while other threads forward: once a change has returned, no packet goes the old way. */
@Timeout(60)
class ConcurrentChangeTest {
    private static final int CHANGES = 100;
    private static final int THREADS = 2;
    private static final int PACKETS_AFTER_A_CHANGE = 20;

    private volatile boolean stop;

    @Test
    void nothingStaleForwardsAfterAChangeHasReturned() throws Exception {
        PipelineBench bench = new PipelineBench(1);
        AtomicLongArray sent = new AtomicLongArray(4);
        for (int number = 2; number <= 3; number++) {
            int counted = number;
            DummyPort port = new DummyPort("q" + number);
            port.onSent(_ -> sent.incrementAndGet(counted));
            bench.datapath.addPort(port, 100 + number);
            bench.br0.addPort(new OfPort(number, 100 + number, "q" + number, 0, 0, 0, null, 0));
        }
        bench.flows("in_port=1,actions=resubmit(,1)", "table=1,actions=output:2");
        Thread[] threads = new Thread[THREADS];
        for (int i = 0; i < THREADS; i++) {
            int which = i;
            threads[i] = Thread.ofPlatform().start(() -> forward(bench, which));
        }
        try {
            int now = 2;
            for (int change = 0; change < CHANGES; change++) {
                int old = now;
                now = 5 - old;
                bench.flows("table=1,actions=output:" + now);
                long staleBefore = sent.get(old);
                long freshBefore = sent.get(now);
                while (sent.get(now) < freshBefore + PACKETS_AFTER_A_CHANGE) {
                    Thread.onSpinWait();
                }
                assertThat(sent.get(old)).as("change %d", change).isEqualTo(staleBefore);
            }
        } finally {
            stop = true;
            for (Thread thread : threads) {
                thread.join();
            }
        }
        assertThat(bench.packetCount("table=0")).isEqualTo(sent.get(2) + sent.get(3));
    }

    private void forward(PipelineBench bench, int which) {
        ForwardingContext context = bench.datapath.newContext();
        byte[] frame = Frames.udp("10.0.0.1:" + which + " > 10.0.0.2:9").bytes();
        Packet packet = Packet.copyOf(frame);
        PacketBatch batch = new PacketBatch();
        while (!stop) {
            packet.reset(frame.length);
            packet.setInPort(101);
            batch.clear();
            batch.add(packet);
            bench.datapath.process(batch, context);
        }
        bench.datapath.retire(context);
    }
}
