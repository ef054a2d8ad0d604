package io.turnstile.pipeline;

import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.conntrack.Conntrack;
import io.turnstile.datapath.Datapath;
import io.turnstile.datapath.DatapathFlow;
import io.turnstile.datapath.DatapathFlowText;
import io.turnstile.datapath.FlowKey;
import io.turnstile.datapath.ForwardingContext;
import io.turnstile.datapath.KeyExtractor;
import io.turnstile.datapath.MeterBand;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.packet.PacketParser;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.FlowText;
import io.turnstile.pipeline.flow.FlowTextException;
import io.turnstile.pipeline.flow.GroupMod;
import io.turnstile.pipeline.flow.GroupText;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.MeterMod;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfException;
import io.turnstile.port.DummyPort;
import io.turnstile.time.Clock;
import io.turnstile.time.ManualClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;

/** A datapath with bridges in memory: frames in, what leaves where; flows in ovs-ofctl's syntax. */
final class PipelineBench {
    final ManualClock clock = new ManualClock(Long.MAX_VALUE - 5_000_000_000L, 0);
    final Datapath datapath;
    final Pipeline pipeline;
    final BridgePipeline br0;
    private final ForwardingContext context;
    private final List<String> sent = new ArrayList<>();
    private final List<byte[]> sentFrames = new ArrayList<>();

    /** A bridge br0 without flows and with ports 1 to {@code ports}; the datapath's numbers are 100 more. */
    PipelineBench(int ports) {
        this(ports, _ -> new ToyConntrack());
    }

    private PipelineBench(int ports, Function<Clock, Conntrack> tracker) {
        datapath = new Datapath(tracker.apply(clock), clock);
        pipeline = new Pipeline(datapath, clock, Runnable::run);
        br0 = pipeline.addBridge("br0", 1);
        context = datapath.newContext();
        for (int i = 1; i <= ports; i++) {
            addPort(br0, i);
        }
        br0.setFailMode(BridgePipeline.FailMode.SECURE);
    }

    /** The same with the real tracker. */
    static PipelineBench withTracker(int ports) {
        return new PipelineBench(ports, clock -> new ConnectionTracker(clock, 10_000));
    }

    void addPort(BridgePipeline bridge, int number) {
        DummyPort port = new DummyPort("p" + number);
        port.onSent(frame -> {
            sent.add(Integer.toString(number));
            sentFrames.add(frame);
        });
        datapath.addPort(port, 100 + number);
        bridge.addPort(new OfPort(number, 100 + number, "p" + number, 0x0200_0000_0000L + number, 0, 0, null, 0));
    }

    /** Joins two bridges by patch ports of the given numbers. */
    void join(BridgePipeline left, int leftNumber, BridgePipeline right, int rightNumber) {
        String leftName = "patch-" + left.name() + "-" + leftNumber;
        String rightName = "patch-" + right.name() + "-" + rightNumber;
        left.addPort(new OfPort(leftNumber, -1, leftName, 0, 0, 0, rightName, 0));
        right.addPort(new OfPort(rightNumber, -1, rightName, 0, 0, 0, leftName, 0));
    }

    PipelineBench flows(String... lines) {
        return flows(br0, lines);
    }

    PipelineBench flows(BridgePipeline bridge, String... lines) {
        for (String line : lines) {
            change(bridge, FlowMod.Command.ADD, line);
        }
        return this;
    }

    /** Adds groups to br0. */
    PipelineBench groups(String... lines) {
        for (String line : lines) {
            changeGroup(GroupMod.Command.ADD, line);
        }
        return this;
    }

    void changeGroup(GroupMod.Command command, String line) {
        try {
            br0.apply(GroupText.parse(command, line));
        } catch (OfException | FlowTextException e) {
            throw new AssertionError(line, e);
        }
    }

    /** A meter of br0 that drops what is more than so many packets a second. */
    PipelineBench meter(int id, int packets) {
        MeterBand band = new MeterBand(MeterBand.Type.DROP, packets, 0, 0);
        try {
            br0.apply(new MeterMod(MeterMod.Command.ADD, id, MeterMod.FLAG_PKTPS, List.of(band)));
        } catch (OfException e) {
            throw new AssertionError(e);
        }
        return this;
    }

    void change(BridgePipeline bridge, FlowMod.Command command, String line) {
        try {
            bridge.apply(parse(command, line));
        } catch (OfException e) {
            throw new AssertionError(line, e);
        }
    }

    static FlowMod parse(FlowMod.Command command, String line) {
        try {
            return FlowText.parseFlowMod(command, line);
        } catch (FlowTextException e) {
            throw new AssertionError(line, e);
        }
    }

    /** The ports that the frame leaves by, in order. */
    List<String> receive(int port, byte[] frame) {
        return receiveAt(100 + port, frame);
    }

    List<String> receiveAt(int datapathPort, byte[] frame) {
        sent.clear();
        sentFrames.clear();
        Packet packet = Packet.copyOf(frame);
        packet.setInPort(datapathPort);
        PacketBatch batch = new PacketBatch();
        batch.add(packet);
        datapath.process(batch, context);
        return List.copyOf(sent);
    }

    List<String> sentPorts() {
        return List.copyOf(sent);
    }

    /** The frames of the last {@link #receive}, as they left. */
    List<byte[]> sentFrames() {
        return List.copyOf(sentFrames);
    }

    /** Those of them that left by the port. */
    List<byte[]> sentBy(int port) {
        return IntStream.range(0, sent.size())
                .filter(i -> sent.get(i).equals(Integer.toString(port)))
                .mapToObj(sentFrames::get)
                .toList();
    }

    /** The key of a frame as the datapath would ask about it. */
    static long[] keyOf(int port, byte[] frame) {
        Packet packet = Packet.copyOf(frame);
        PacketParser.parse(packet);
        packet.setInPort(100 + port);
        long[] key = FlowKey.newKey();
        KeyExtractor.extract(packet, key);
        return key;
    }

    /** What a translation made right now says. */
    String freshActions(long[] key) {
        return pipeline.read(() -> DatapathFlowText.actions(
                new Translator(pipeline, key, clock.nowNs()).translate().actions()));
    }

    List<String> datapathActions() {
        return datapath.flows().stream().map(PipelineBench::actions).toList();
    }

    static String actions(DatapathFlow flow) {
        return DatapathFlowText.actions(flow.actions());
    }

    void pass(Duration time) {
        clock.advance(time);
        pipeline.maintain(clock.nowNs());
    }

    /** How many packets the flows of that table and match have counted. */
    long packetCount(String match) {
        FlowMod selection = parse(FlowMod.Command.DELETE, match);
        return br0
                .flows(new OpenFlowSwitch.FlowQuery(selection.tableId(), selection.match(), 0, 0, OfAction.Ports.NONE))
                .stream()
                .mapToLong(OpenFlowSwitch.FlowStats::packetCount)
                .sum();
    }

    List<OpenFlowSwitch.FlowStats> allFlows() {
        return br0.flows(new OpenFlowSwitch.FlowQuery(FlowMod.ALL_TABLES, Match.ANY, 0, 0, OfAction.Ports.NONE));
    }
}
