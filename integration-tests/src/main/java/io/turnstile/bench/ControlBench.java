package io.turnstile.bench;

import io.turnstile.appctl.AppctlCommands;
import io.turnstile.appctl.CommandContext;
import io.turnstile.appctl.Coverage;
import io.turnstile.appctl.LogControl;
import io.turnstile.bridge.BridgeView;
import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.conntrack.Timeout;
import io.turnstile.conntrack.TimeoutPolicy;
import io.turnstile.control.ControlClient;
import io.turnstile.control.ControlServer;
import io.turnstile.datapath.Datapath;
import io.turnstile.datapath.ForwardingContext;
import io.turnstile.offload.OffloadDispatcher;
import io.turnstile.packet.Frames;
import io.turnstile.packet.PacketBatch;
import io.turnstile.pipeline.BridgePipeline;
import io.turnstile.pipeline.OfPort;
import io.turnstile.pipeline.Pipeline;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.FlowText;
import io.turnstile.pipeline.flow.FlowTextException;
import io.turnstile.pipeline.flow.OfException;
import io.turnstile.port.DummyPort;
import io.turnstile.telemetry.OffloadMonitor;
import io.turnstile.time.Clock;
import io.turnstile.time.WarpableClock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/**
 * What large answers cost, and how long others wait meanwhile: Debian's {@code ovs-appctl} asks, while another client
 * asks for {@code version} again and again.
 */
@CommandLine.Command(name = "control", description = "large answers of ovs-appctl, and who waits for them")
public final class ControlBench implements Callable<Integer> {
    private static final int POLICY = 1;
    private static final long LIFE_SECONDS = 24 * 60 * 60;
    private static final CommandContext.FlowRounds NO_ROUNDS = new CommandContext.FlowRounds() {
        @Override
        public CompletableFuture<Void> next() {
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public void setPaused(boolean paused) {}
    };
    private static final LogControl NO_LOG = new LogControl() {
        @Override
        public boolean setBounded(String module, boolean bounded) {
            return true;
        }

        @Override
        public void close() {}

        @Override
        public @Nullable String set(String spec) {
            return null;
        }

        @Override
        public String list() {
            return "";
        }

        @Override
        public @Nullable String reopen() {
            return null;
        }
    };

    @Option(names = "--connections", defaultValue = "1000000", description = "in the table (default: ${DEFAULT-VALUE})")
    private int connections;

    @Option(names = "--flows", defaultValue = "100000", description = "datapath flows (default: ${DEFAULT-VALUE})")
    private int flows;

    @Override
    public Integer call() throws Exception {
        WarpableClock clock = new WarpableClock(Clock.system());
        ConnectionTracker tracker = new ConnectionTracker(clock, connections);
        Datapath datapath = new Datapath(tracker, clock);
        Pipeline pipeline = new Pipeline(datapath, clock);
        OffloadDispatcher offload = new OffloadDispatcher(tracker, clock, pipeline.switchPorts());
        tracker.setTimeoutPolicy(
                POLICY, new TimeoutPolicy(Map.of(Timeout.UDP_FIRST, LIFE_SECONDS, Timeout.UDP_MULTIPLE, LIFE_SECONDS)));
        CtRequest commit = CtRequest.commit(Traffic.ZONE).withTimeouts(POLICY);
        new Traffic().populate(tracker, connections, commit, clock.nowNs());
        BridgePipeline bridge = pipeline.addBridge("br0", 1);
        fillFlows(datapath, bridge, clock);
        Path folder = Files.createTempDirectory("turnstile-bench");
        Path socket = folder.resolve("x.ctl");
        try (OffloadMonitor monitor = new OffloadMonitor(offload, clock);
                ControlServer server = new ControlServer("v")) {
            AppctlCommands.all(new CommandContext(
                            datapath,
                            pipeline,
                            tracker,
                            offload,
                            offload.paths(),
                            monitor,
                            clock,
                            () -> List.of(new BridgeView(bridge, false, List.of())),
                            () -> {},
                            CompletableFuture::new,
                            List::of,
                            new Coverage(datapath, tracker, List.of()),
                            (distance, step) -> CompletableFuture.completedFuture(null),
                            NO_ROUNDS,
                            NO_LOG,
                            1,
                            false,
                            () -> {}))
                    .forEach(server::register);
            server.listen(socket);
            System.out.printf(
                    "%d connections, %d datapath flows, heap of %d MB%n",
                    tracker.connectionCount(),
                    datapath.statistics().flows(),
                    Runtime.getRuntime().maxMemory() >> 20);
            for (String command : List.of(
                    "version",
                    "dpctl/dump-conntrack",
                    "dpctl/dump-conntrack -m -f json",
                    "dpctl/dump-conntrack ct_nw_src=0.0.0.0/8",
                    "dpctl/ct-stats-show",
                    "dpctl/ct-bkts",
                    "dpctl/dump-flows",
                    "dpctl/dump-flows -m",
                    "dpctl/flush-conntrack --dry-run ct_nw_proto=17",
                    "dpctl/flush-conntrack ct_nw_proto=17",
                    "conntrack/audit")) {
                measure(socket, command);
            }
        } finally {
            offload.close();
            pipeline.close();
            Files.deleteIfExists(folder);
        }
        return 0;
    }

    private void fillFlows(Datapath datapath, BridgePipeline bridge, Clock clock)
            throws FlowTextException, OfException {
        datapath.setFlowLimit(flows);
        DummyPort port = new DummyPort("p1", "dummy", Map.of(), clock::nowNs);
        int number = datapath.addPort(port, 1);
        bridge.addPort(new OfPort(1, number, "p1", 0, 0, 0, null, 0));
        bridge.apply(
                FlowText.parseFlowMod(FlowMod.Command.ADD, "ip,actions=move:NXM_OF_IP_SRC[]->NXM_NX_REG0[],IN_PORT"));
        ForwardingContext context = datapath.newContext();
        PacketBatch batch = new PacketBatch();
        for (int n = 0; n < flows; n++) {
            batch.clear();
            batch.add(Frames.udp("10." + (n >> 16) + "." + (n >> 8 & 0xff) + "." + (n & 0xff) + ":1 > 192.0.2.1:53")
                    .packet());
            batch.get(0).setInPort(number);
            datapath.process(batch, context);
        }
        datapath.retire(context);
    }

    private static void measure(Path socket, String command) throws IOException, InterruptedException {
        AtomicBoolean over = new AtomicBoolean();
        long[] heapBytes = new long[1];
        List<Long> waitsNs = new ArrayList<>();
        Thread other = Thread.ofPlatform().start(() -> {
            try (ControlClient client = new ControlClient(socket)) {
                while (!over.get()) {
                    long beganNs = System.nanoTime();
                    client.ask("version", List.of());
                    waitsNs.add(System.nanoTime() - beganNs);
                    Runtime heap = Runtime.getRuntime();
                    heapBytes[0] = Math.max(heapBytes[0], heap.totalMemory() - heap.freeMemory());
                    TimeUnit.MILLISECONDS.sleep(1);
                }
            } catch (IOException | InterruptedException e) {
                System.out.println("the other client: " + e);
            }
        });
        Path answer = Files.createTempFile("turnstile-bench", ".txt");
        long beganNs = System.nanoTime();
        Process tool = new ProcessBuilder(("ovs-appctl -t " + socket + " " + command).split(" "))
                .redirectErrorStream(true)
                .redirectOutput(answer.toFile())
                .start();
        int status = tool.waitFor();
        long tookNs = System.nanoTime() - beganNs;
        over.set(true);
        other.join();
        waitsNs.sort(null);
        System.out.printf(
                "%-48s status %d, %6.1f MB in %6.2f s; %5d other answers, p99 %5.1f ms, longest %5.1f ms; heap %d MB%n",
                command,
                status,
                Files.size(answer) / 1e6,
                tookNs / 1e9,
                waitsNs.size(),
                waitsNs.get((int) (waitsNs.size() * 0.99)) / 1e6,
                waitsNs.getLast() / 1e6,
                heapBytes[0] >> 20);
        Files.delete(answer);
    }
}
