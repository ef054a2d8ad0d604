package io.turnstile.bench;

import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.datapath.Datapath;
import io.turnstile.datapath.Field;
import io.turnstile.packet.Frames;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.pipeline.BridgePipeline;
import io.turnstile.pipeline.ChangeOrigin;
import io.turnstile.pipeline.OfPort;
import io.turnstile.pipeline.OpenFlowSwitch.FlowCursor;
import io.turnstile.pipeline.OpenFlowSwitch.FlowQuery;
import io.turnstile.pipeline.Pipeline;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfException;
import io.turnstile.port.DummyPort;
import io.turnstile.time.ManualClock;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/**
 * Flow tables of a million: memory of a flow, how quickly they are loaded, dumped, changed and removed, and for how
 * long a packet that needs a translation is held up meanwhile. In process: no OpenFlow connection is measured.
 */
@CommandLine.Command(name = "flows", description = "memory of OpenFlow flows, and forwarding while they change")
public final class FlowBench implements Callable<Integer> {
    private static final int IPV4 = 0x0800;
    private static final int TCP = 6;
    private static final int UDP = 17;
    private static final int TIMEOUT_SECONDS = 60;
    private static final int FLOWS_PER_PIECE = 16;
    /** More than a lookup goes through one by one. */
    private static final int SOURCE_FLOWS = 5;

    private static final int MASKS = 10;
    private static final int ACTION_LISTS = 20;

    @Option(names = "--flows", defaultValue = "1000000", description = "how many (default: ${DEFAULT-VALUE})")
    private int flows;

    @Option(
            names = "--datapath-flows",
            defaultValue = "1000",
            description = "translations in use, which changes have to look through (default: ${DEFAULT-VALUE})")
    private int datapathFlows;

    private final ManualClock clock = new ManualClock(0, 0);
    private final Datapath datapath = new Datapath(new ConnectionTracker(clock, 1000), clock);
    private final Pipeline pipeline = new Pipeline(datapath, clock);
    private final BridgePipeline bridge = pipeline.addBridge("br0", 1);

    /** Something that takes its time. */
    private interface Work {
        void run() throws Exception;
    }

    @Override
    public Integer call() throws Exception {
        datapath.addPort(new DummyPort("p1"), 1);
        bridge.addPort(new OfPort(1, 1, "p1", 1, 0, 0, null, 0));
        Match all = Match.ANY;
        bridge.apply(change(FlowMod.Command.DELETE, all, 0, 0, List.of()));
        useDatapath();
        long emptyBytes = usedBytes();
        measure("loaded one by one", () -> {
            for (int i = SOURCE_FLOWS; i < flows; i++) {
                bridge.apply(flow(i, 0));
            }
        });
        System.out.printf("%d flows: %.0f bytes each%n", count(), (usedBytes() - emptyBytes) / (double) flows);
        measure("dumped", this::count);
        measure(
                "all modified",
                () -> bridge.apply(change(FlowMod.Command.MODIFY, all, 0, 0, List.of(new OfAction.Output(7)))));
        measure("all removed", () -> bridge.apply(change(FlowMod.Command.DELETE, all, 0, 0, List.of())));
        measure("loaded as one bundle", () -> bridge.applyAll(each(i -> flow(i, 0)), ChangeOrigin.NONE));
        measure(
                "replaced as one bundle",
                () -> bridge.applyAll(each(i -> flow(i, TIMEOUT_SECONDS)), ChangeOrigin.NONE));
        measure("all expired", () -> {
            clock.advance(Duration.ofSeconds(TIMEOUT_SECONDS));
            pipeline.maintain(clock.nowNs());
        });
        if (count() != 0) {
            throw new IllegalStateException(count() + " flows have not expired");
        }
        pipeline.close();
        return 0;
    }

    /** Translations for the datapath, and no room for more: then every other packet has to be translated. */
    private void useDatapath() throws OfException {
        PacketBatch batch = new PacketBatch();
        var context = datapath.newContext();
        // A flow on the source's address, so that each address needs a translation of its own.
        Match source = Match.builder()
                .exact(Field.ETH_TYPE, IPV4)
                .exact(Field.NW_SRC, 1)
                .build();
        for (int priority = 1; priority <= SOURCE_FLOWS; priority++) {
            bridge.apply(change(FlowMod.Command.ADD, source, priority, 0, List.of()));
        }
        for (int i = 0; i < datapathFlows; i++) {
            Packet packet = Packet.copyOf(
                    Frames.udp("10." + (i >> 16) + "." + (i >> 8 & 255) + "." + (i & 255) + ":1 > 10.0.0.1:2")
                            .bytes());
            packet.setInPort(1);
            batch.clear();
            batch.add(packet);
            datapath.process(batch, context);
        }
        datapath.retire(context);
        datapath.setFlowLimit(1);
    }

    private void measure(String what, Work work) throws Exception {
        Misses misses = new Misses(datapath, 1);
        Hiccups hiccups = new Hiccups();
        long collectingNs = Memory.collectingNs();
        misses.start();
        hiccups.start();
        long beganNs = System.nanoTime();
        work.run();
        double seconds = (System.nanoTime() - beganNs) / 1e9;
        String waits = misses.end();
        System.out.printf(
                "%s: %.2f s, %.0f flows/s; packets to be translated: %s; hiccups of the machine %.1f ms, collections"
                        + " %d ms%n",
                what,
                seconds,
                flows / seconds,
                waits,
                hiccups.endLongestNs() / 1e6,
                (Memory.collectingNs() - collectingNs) / 1_000_000);
    }

    private int count() {
        int[] count = new int[1];
        FlowCursor cursor = bridge.flowsInTurn(new FlowQuery(FlowMod.ALL_TABLES, Match.ANY, 0, 0, OfAction.Ports.NONE));
        boolean more = true;
        while (more) {
            more = cursor.advance(FLOWS_PER_PIECE, flow -> count[0]++);
        }
        return count[0];
    }

    private Iterator<FlowMod> each(IntFunction<FlowMod> change) {
        return IntStream.range(0, flows).mapToObj(change).iterator();
    }

    /** Flows of {@link #MASKS} kinds with two to four fields each, and a few lists of actions. */
    private static FlowMod flow(int i, int hardTimeoutSeconds) {
        int kind = i % MASKS;
        int number = i / MASKS;
        boolean udp = kind % 2 == 0;
        Match.Builder match = Match.builder().exact(Field.ETH_TYPE, IPV4);
        if (kind < 6) {
            match.exact(Field.NW_PROTO, udp ? UDP : TCP);
        }
        match.exact(kind < 5 ? Field.NW_DST : Field.NW_SRC, 0x0a00_0000L + number);
        switch (kind / 2) {
            case 0 -> match.exact(udp ? Field.TP_DST : Field.TP_SRC, number & 0xff);
            case 1 -> match.exact(Field.IN_PORT, 1 + number % 4).exact(udp ? Field.TP_SRC : Field.TP_DST, 80);
            case 2 -> match.exact(udp ? Field.REG0 : Field.REG1, number & 0xf);
            case 3 -> match.exact(udp ? Field.METADATA : Field.REG2, number & 0xf);
            default -> match.exact(udp ? Field.NW_TOS : Field.CT_ZONE, 4);
        }
        List<OfAction> actions = List.of(new OfAction.Output(1 + i % ACTION_LISTS));
        return change(FlowMod.Command.ADD, match.build(), 100 + kind, hardTimeoutSeconds, actions);
    }

    private static FlowMod change(
            FlowMod.Command command, Match match, int priority, int hardTimeoutSeconds, List<OfAction> actions) {
        return new FlowMod(
                command,
                command == FlowMod.Command.ADD ? 0 : FlowMod.ALL_TABLES,
                priority,
                match,
                0,
                0,
                FlowMod.NO_COOKIE,
                0,
                hardTimeoutSeconds,
                0,
                OfAction.Ports.NONE,
                Set.of(),
                actions);
    }

    private static long usedBytes() {
        System.gc();
        Runtime runtime = Runtime.getRuntime();
        return runtime.totalMemory() - runtime.freeMemory();
    }
}
