package io.turnstile.pipeline;

import static io.turnstile.pipeline.SampleFrames.datagram;
import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.datapath.Datapath;
import io.turnstile.datapath.ForwardingThreads;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.FlowText;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.port.DummyPort;
import io.turnstile.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Two forwarding threads, two senders and somebody who keeps changing rules: every packet is counted once. */
class RulesChangeUnderTrafficTest {
    private static final long TRAFFIC_NS = TimeUnit.MILLISECONDS.toNanos(1500);
    private static final int SETTLE_LIMIT = 2_000;

    private final Clock clock = Clock.system();
    private final Datapath datapath = new Datapath(new ConnectionTracker(clock, 10_000), clock);
    private final Pipeline pipeline = new Pipeline(datapath, clock);
    private final BridgePipeline bridge = pipeline.addBridge("br0", 1);
    private final AtomicInteger out = new AtomicInteger();

    private void apply(FlowMod.Command command, String line) throws Exception {
        bridge.apply(FlowText.parseFlowMod(command, line));
    }

    private DummyPort plug(int number) {
        DummyPort port = new DummyPort("p" + number);
        datapath.addPort(port, number);
        bridge.addPort(new OfPort(number, number, "p" + number, number, 0, 0, null, 0));
        return port;
    }

    private long packetsOfTable(int table) {
        return bridge.flows(new OpenFlowSwitch.FlowQuery(table, Match.ANY, 0, 0, OfAction.Ports.NONE)).stream()
                .mapToLong(OpenFlowSwitch.FlowStats::packetCount)
                .sum();
    }

    private Thread sender(DummyPort port, String from, long seed, AtomicInteger sent) {
        Thread thread = new Thread(() -> {
            Random random = new Random(seed);
            List<byte[]> frames = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                frames.add(datagram(from + ":" + (1000 + i) + " > 10.9.0.1:" + (1 + i % 20))
                        .bytes());
            }
            long startNs = System.nanoTime();
            while (System.nanoTime() - startNs < TRAFFIC_NS) {
                if (port.deliver(frames.get(random.nextInt(frames.size())))) {
                    sent.incrementAndGet();
                } else {
                    Thread.yield();
                }
            }
        });
        thread.start();
        return thread;
    }

    @Test
    @Timeout(60)
    void everyPacketIsCountedOnce() throws Exception {
        long seed = System.nanoTime();
        DummyPort one = plug(1);
        DummyPort two = plug(2);
        plug(3).onSent(frame -> out.incrementAndGet());
        apply(FlowMod.Command.DELETE, "");
        apply(FlowMod.Command.ADD, "table=0 actions=resubmit(,1)");
        apply(FlowMod.Command.ADD, "table=1,priority=0,ip actions=ct(commit,table=2)");
        apply(FlowMod.Command.ADD, "table=2 actions=3");
        AtomicInteger sent = new AtomicInteger();
        int changes = 0;
        try (ForwardingThreads threads = new ForwardingThreads(datapath, 2)) {
            threads.add(1, one);
            threads.add(2, two);
            List<Thread> senders =
                    List.of(sender(one, "10.0.0.1", seed, sent), sender(two, "10.0.0.2", seed + 1, sent));
            Random random = new Random(seed + 2);
            while (senders.stream().anyMatch(Thread::isAlive)) {
                int port = 1 + random.nextInt(20);
                switch (random.nextInt(5)) {
                    case 0, 1 ->
                        apply(FlowMod.Command.ADD, "table=1,priority=5,udp,tp_dst=" + port + " actions=ct(table=2)");
                    case 2 -> apply(FlowMod.Command.MODIFY, "table=1,udp,tp_dst=" + port + " actions=resubmit(,2)");
                    case 3 -> apply(FlowMod.Command.ADD, "table=2,priority=32768 actions=3,note:00");
                    default -> {
                        datapath.maintain(clock.nowNs());
                        pipeline.maintain(clock.nowNs());
                    }
                }
                changes++;
            }
            for (int i = 0; i < SETTLE_LIMIT && out.get() < sent.get(); i++) {
                TimeUnit.MILLISECONDS.sleep(1);
            }
        }
        assertThat(out.get()).as("seed " + seed).isEqualTo(sent.get()).isGreaterThan(1_000);
        assertThat(changes).isGreaterThan(50);
        assertThat(packetsOfTable(0)).as("seed " + seed + " table 0").isEqualTo(sent.get());
        assertThat(packetsOfTable(1)).as("seed " + seed + " table 1").isEqualTo(sent.get());
        assertThat(packetsOfTable(2)).as("seed " + seed + " table 2").isEqualTo(sent.get());
    }
}
