package io.turnstile.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.datapath.Datapath;
import io.turnstile.datapath.ForwardingContext;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.FlowText;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.port.DummyPort;
import io.turnstile.time.ManualClock;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What the flow cache does to a packet is what a switch without any memory does to it. */
class CacheAgreesWithTranslationTest {
    private static final long PORT_COUNT = 3;

    /** One bridge, whose cache can be switched off. */
    private static final class World {
        final ManualClock clock = new ManualClock(0, 0);
        final Datapath datapath;
        final ForwardingContext context;
        final BridgePipeline bridge;
        final List<String> out = new ArrayList<>();
        long sent;

        World(boolean cached) {
            datapath = new Datapath(new ConnectionTracker(clock, 10_000), clock);
            if (!cached) {
                datapath.setFlowLimit(0);
            }
            context = datapath.newContext();
            bridge = new Pipeline(datapath, clock).addBridge("br0", 1);
            bridge.setFailMode(BridgePipeline.FailMode.SECURE);
            for (int i = 1; i <= PORT_COUNT; i++) {
                int number = i;
                DummyPort port = new DummyPort("p" + i);
                port.onSent(frame -> out.add(number + " " + HexFormat.of().formatHex(frame)));
                datapath.addPort(port, i);
                bridge.addPort(new OfPort(i, i, "p" + i, i, 0, 0, null, 0));
            }
        }

        void apply(FlowMod.Command command, String line) throws Exception {
            bridge.apply(FlowText.parseFlowMod(command, line));
        }

        List<String> fate(int port, byte[] frame) {
            out.clear();
            PacketBatch batch = new PacketBatch();
            Packet packet = Packet.copyOf(frame);
            packet.setInPort(port);
            batch.add(packet);
            datapath.process(batch, context);
            sent += out.size();
            return out.stream()
                    .sorted()
                    .toList(); // Copies of one packet that go different ways may overtake each other.
        }

        List<String> rules() {
            return bridge
                    .flows(new OpenFlowSwitch.FlowQuery(FlowMod.ALL_TABLES, Match.ANY, 0, 0, OfAction.Ports.NONE))
                    .stream()
                    .map(flow -> "table=" + flow.tableId() + "," + FlowText.format(flow.match(), flow.priority())
                            + " actions=" + FlowText.format(flow.actions(), flow.match()) + " n_packets="
                            + flow.packetCount())
                    .sorted()
                    .toList();
        }
    }

    /** The same rules and packets in both worlds; connections are committed in both alike. */
    @Test
    void cachedFatesAndCountersEqualFreshOnesWhileRulesChange() throws Exception {
        long seed = Long.getLong("seed", System.nanoTime());
        long sent = 0;
        long hits = 0;
        for (int round = 0; round < 25; round++) {
            Random random = new Random(seed + round);
            RandomWorld world = new RandomWorld(random);
            World cached = new World(true);
            World fresh = new World(false);
            for (int step = 0; step < 400; step++) {
                String what = "seed " + (seed + round) + " step " + step;
                if (step < 12 || random.nextInt(12) == 0) {
                    FlowMod.Command command =
                            step < 12 || random.nextInt(3) != 0 ? FlowMod.Command.ADD : FlowMod.Command.DELETE;
                    String line = command == FlowMod.Command.ADD
                            ? world.rule(random.nextInt(0xffff))
                            : random.nextInt(3) == 0 ? "table=" + random.nextInt(3) : world.match();
                    cached.apply(command, line);
                    fresh.apply(command, line);
                } else {
                    int port = world.port();
                    byte[] frame = world.frame();
                    assertThat(cached.fate(port, frame))
                            .as(what + "\n" + String.join("\n", fresh.rules()))
                            .isEqualTo(fresh.fate(port, frame));
                }
                if (step % 40 == 39) {
                    assertThat(cached.rules()).as(what).isEqualTo(fresh.rules());
                }
            }
            assertThat(fresh.datapath.flows()).isEmpty();
            sent += cached.sent;
            hits += cached.datapath.statistics().hits();
        }
        assertThat(sent)
                .as("frames that came out, so that there was something to compare")
                .isGreaterThan(1_000);
        assertThat(hits).as("lookups answered by the cache").isGreaterThan(1_000);
    }
}
