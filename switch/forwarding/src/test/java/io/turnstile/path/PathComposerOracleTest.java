package io.turnstile.path;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.ConnectionSnapshot;
import io.turnstile.conntrack.ConnectionSnapshot.Tuple;
import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.datapath.Datapath;
import io.turnstile.datapath.ForwardingContext;
import io.turnstile.datapath.SampleTaker;
import io.turnstile.datapath.SampledWalk;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.path.Composition.Composed;
import io.turnstile.path.Composition.Member;
import io.turnstile.path.Composition.Refused;
import io.turnstile.port.DummyPort;
import io.turnstile.time.ManualClock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * What a path says against what the datapath does: random flows, random packets of connections that are established,
 * the real executor and the real tracker. A packet that passes a path's guard leaves as the path says, by its port and
 * as its bytes, and by no other; what does not pass may go any way.
 */
class PathComposerOracleTest {
    private static final int WORLDS = Integer.getInteger("paths.worlds", 150);
    private static final int WALKS = 6;
    private static final int FRAMES_EACH = 40;

    private record Sent(int port, byte[] frame) {}

    private final Map<NotCarried, Integer> refusals = new EnumMap<>(NotCarried.class);
    private int composed;
    private int coveredOtherwise;
    private int established;

    @Test
    void whatPassesTheGuardLeavesAsThePathSays() {
        for (int seed = 0; seed < WORLDS; seed++) {
            new World(seed).play();
        }
        assertThat(established).isGreaterThan(WORLDS / 2);
        assertThat(composed).isGreaterThan(WORLDS);
        assertThat(coveredOtherwise).as("frames unlike the one sampled").isGreaterThan(5 * WORLDS);
        assertThat(refusals)
                .containsKeys(NotCarried.MORE_THAN_ONE_OUTPUT, NotCarried.SERVICE_TAG, NotCarried.WRITES_CONNECTION)
                .doesNotContainKey(NotCarried.UNEXPECTED);
    }

    /** One set of flows, and one connection through it. */
    private final class World {
        private final int seed;
        private final Random random;
        private final ManualClock clock = new ManualClock();
        private final ConnectionTracker tracker = new ConnectionTracker(clock, 1000);
        private final Datapath datapath = new Datapath(tracker, clock);
        private final ForwardingContext context = datapath.newContext();
        private final SampleTaker watcher = new SampleTaker();
        private final List<Sent> sent = new ArrayList<>();
        private final WireFrame[] frames = new WireFrame[2];

        World(int seed) {
            this.seed = seed;
            random = new Random(seed);
            boolean ipv6 = random.nextInt(3) == 0;
            datapath.setUpcall(new RandomPipeline(seed, ipv6));
            datapath.setWalkWatcher(watcher);
            watcher.takes = false;
            for (int number = 1; number <= 4; number++) {
                int here = number;
                DummyPort port = new DummyPort("p" + number);
                port.onSent(frame -> sent.add(new Sent(here, frame)));
                datapath.addPort(port, number);
            }
            WireFrame client = new WireFrame();
            client.ipv6 = ipv6;
            client.tcp = random.nextBoolean();
            client.sourceHigh = ipv6 ? 0x2001_0db8_0000_0000L : 0;
            client.destinationHigh = client.sourceHigh;
            client.sourceLow = 0x0a00_0001;
            client.destinationLow = 0x0a00_0101;
            client.sourcePort = 40_000 + random.nextInt(3);
            client.destinationPort = 80;
            client.seq = 1001;
            client.ack = 5001;
            client.vary(random, 1);
            frames[0] = client;
        }

        void play() {
            if (!establish()) {
                return;
            }
            established++;
            for (int i = 0; i < WALKS; i++) {
                int side = random.nextInt(2);
                WireFrame frame = frames[side].copy();
                frame.vary(random, 0.7);
                followOne(side, frame, 1 + 2 * side + random.nextInt(2));
            }
        }

        /** Both directions see a packet; TCP shakes hands. */
        private boolean establish() {
            WireFrame client = frames[0];
            WireFrame first = client.copy();
            first.tcpFlags = client.tcp ? 0x02 : 0x10;
            first.seq = 1000;
            first.ack = 0;
            first.payload = new byte[0];
            first.tag = 0;
            first.innerTag = 0;
            receive(1, first);
            ConnectionSnapshot last = lastConnection();
            if (last == null) {
                return false;
            }
            WireFrame server = client.copy();
            Tuple reply = last.reply;
            server.sourceHigh = reply.sourceHigh;
            server.sourceLow = reply.sourceLow;
            server.destinationHigh = reply.destinationHigh;
            server.destinationLow = reply.destinationLow;
            server.sourcePort = reply.sourcePort;
            server.destinationPort = reply.destinationPort;
            server.tcpFlags = 0x10;
            server.seq = 5001;
            server.ack = 1001;
            frames[1] = server;
            WireFrame answer = server.copy();
            answer.tcpFlags = client.tcp ? 0x12 : 0x10;
            answer.seq = 5000;
            answer.payload = new byte[0];
            answer.tag = 0;
            answer.innerTag = 0;
            receive(3, answer);
            first.tcpFlags = 0x10;
            first.seq = 1001;
            first.ack = 5001;
            receive(1, first);
            receive(3, server);
            boolean[] all = {true};
            tracker.scan(0, 1 << 20, connection -> all[0] &= connection.established, clock.nowNs());
            return all[0];
        }

        /** The one of the highest zone: replies meet it first. */
        private @Nullable ConnectionSnapshot lastConnection() {
            ConnectionSnapshot[] found = new ConnectionSnapshot[1];
            tracker.scan(
                    0,
                    1 << 20,
                    connection -> {
                        if (found[0] == null || connection.zone > found[0].zone) {
                            ConnectionSnapshot copy = new ConnectionSnapshot();
                            tracker.read(connection.connectionId, copy, clock.nowNs());
                            found[0] = copy;
                        }
                    },
                    clock.nowNs());
            return found[0];
        }

        private void followOne(int side, WireFrame frame, int port) {
            watcher.takes = true;
            receive(port, frame);
            watcher.takes = false;
            if (watcher.walks.isEmpty()) {
                return;
            }
            SampledWalk walk = watcher.walks.removeFirst();
            Composition composition = PathComposer.compose(walk, connections(walk));
            switch (composition) {
                case Refused refused -> refusals.merge(refused.reason(), 1, Integer::sum);
                case Composed path -> {
                    composed++;
                    compare(path, frame, port, walk, true);
                    for (int i = 0; i < FRAMES_EACH && holds(path); i++) {
                        WireFrame other = (random.nextBoolean() ? frame : frames[side]).copy();
                        other.vary(random, 0.25);
                        compare(path, other, random.nextInt(5) == 0 ? 1 + random.nextInt(4) : port, walk, false);
                    }
                }
            }
        }

        private void compare(Composed path, WireFrame frame, int port, SampledWalk walk, boolean mustPass) {
            WireFrame leaving = frame.carriedBy(path, port);
            boolean holdsBefore = holds(path);
            List<Sent> really = receive(port, frame);
            String what = "world " + seed + "\n" + path + "\nframe at " + port + " "
                    + HexFormat.of().formatHex(frame.bytes()) + "\nwalk "
                    + walk.flows().stream()
                            .map(flow -> Arrays.toString(flow.actions()))
                            .toList() + "\n" + "sent "
                    + really.stream().map(Sent::port).toList();
            if (leaving == null) {
                assertThat(mustPass)
                        .as("the sampled frame passes its own guard\n%s", what)
                        .isFalse();
                return;
            }
            assertThat(holdsBefore).isTrue();
            assertThat(holds(path))
                    .as("what is carried changes no connection\n%s", what)
                    .isTrue();
            assertThat(really).as("frames sent\n%s", what).hasSize(1);
            assertThat(really.getFirst().port).as("port\n%s", what).isEqualTo(path.egress());
            assertThat(HexFormat.of().formatHex(really.getFirst().frame))
                    .as("frame\n%s", what)
                    .isEqualTo(HexFormat.of().formatHex(leaving.bytes()));
            coveredOtherwise += mustPass ? 0 : 1;
        }

        private boolean holds(Composed path) {
            ConnectionSnapshot connection = new ConnectionSnapshot();
            for (Member member : path.members()) {
                if (!tracker.read(member.connectionId(), connection, clock.nowNs()) || !member.holds(connection)) {
                    return false;
                }
            }
            return true;
        }

        private List<@Nullable ConnectionSnapshot> connections(SampledWalk walk) {
            List<@Nullable ConnectionSnapshot> all = new ArrayList<>();
            for (SampledWalk.Tracking tracking : walk.trackings()) {
                ConnectionSnapshot connection = new ConnectionSnapshot();
                all.add(tracker.read(tracking.connectionId(), connection, clock.nowNs()) ? connection : null);
            }
            return all;
        }

        private List<Sent> receive(int port, WireFrame frame) {
            sent.clear();
            Packet packet = Packet.copyOf(frame.bytes());
            packet.setInPort(port);
            PacketBatch batch = new PacketBatch();
            batch.add(packet);
            datapath.process(batch, context);
            return List.copyOf(sent);
        }
    }
}
