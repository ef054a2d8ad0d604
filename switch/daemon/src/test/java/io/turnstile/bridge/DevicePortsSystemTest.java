package io.turnstile.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.EventLoopGroup;
import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.datapath.Datapath;
import io.turnstile.datapath.ForwardingThreads;
import io.turnstile.offload.OffloadDispatcher;
import io.turnstile.offload.PathGate;
import io.turnstile.offload.ProviderRegistry;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.openflow.OpenFlowAgent;
import io.turnstile.pipeline.Pipeline;
import io.turnstile.port.linux.LinkWatcher;
import io.turnstile.port.linux.Links;
import io.turnstile.port.linux.SystemPorts;
import io.turnstile.telemetry.MetricsEndpoint;
import io.turnstile.time.Clock;
import io.turnstile.tls.TlsContexts;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What providers may know of ports on real devices, of every type. */
@Tag("system")
@Timeout(60)
class DevicePortsSystemTest {
    private static final String SUFFIX = Long.toString(ProcessHandle.current().pid() % 1_000_000);
    private static final String BRIDGE = "dpb" + SUFFIX;
    private static final String TAP = "dpt" + SUFFIX;
    private static final String INTERNAL = "dpi" + SUFFIX;
    private static final String VETH = "dpv" + SUFFIX;
    private static final String PEER = "dpw" + SUFFIX;

    @TempDir
    Path folder;

    private final FakeDatabase database = new FakeDatabase();
    private final MetricsEndpoint metrics = new MetricsEndpoint(() -> "");
    private EventLoopGroup loop;
    private ForwardingThreads threads;
    private OffloadDispatcher offload;
    private Pipeline pipeline;
    private Reconciler reconciler;
    private LinkWatcher watcher;

    @BeforeEach
    void start() throws Exception {
        ip("link add " + VETH + " type veth peer name " + PEER);
        Clock clock = Clock.system();
        ConnectionTracker tracker = new ConnectionTracker(clock, 1000);
        Datapath datapath = new Datapath(tracker, clock);
        pipeline = new Pipeline(datapath, clock);
        threads = new ForwardingThreads(datapath, 1);
        offload = new OffloadDispatcher(tracker, clock, pipeline.switchPorts());
        loop = OpenFlowAgent.newEventLoop();
        reconciler = new Reconciler(
                database,
                new SwitchComponents(
                        pipeline,
                        datapath,
                        threads,
                        new SystemPorts(),
                        DummyLevel.NONE,
                        new OpenFlowAgent(loop, clock),
                        new TlsContexts(),
                        tracker,
                        offload,
                        new PathGate(offload.paths()),
                        ProviderRegistry.of(List.of()),
                        metrics,
                        clock,
                        folder,
                        "",
                        "",
                        targets -> {}));
        watcher = new LinkWatcher(change -> reconciler.onLinkChange(), reconciler::onLinkChange);
        reconciler.start();
    }

    @AfterEach
    void stop() throws Exception {
        watcher.close();
        reconciler.close();
        threads.close();
        offload.close();
        metrics.close();
        loop.shutdownGracefully(0, 1, TimeUnit.SECONDS).await();
        database.close();
        if (Links.index(VETH).isPresent()) {
            ip("link del " + VETH);
        }
    }

    private static void ip(String arguments) throws Exception {
        Process process = new ProcessBuilder(("ip " + arguments).split(" "))
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes());
        assertThat(process.waitFor()).as(output).isZero();
    }

    private PortRef known(String name) {
        return pipeline.switchPorts().ports().stream()
                .filter(port -> name.equals(port.name()))
                .findFirst()
                .orElse(PortRef.GONE);
    }

    @Test
    void everyKindOfDeviceIsKnownByItsIndexAndFollowed() throws Exception {
        database.addBridge(BRIDGE, Map.of());
        database.addPort(BRIDGE, TAP, Map.of("type", "tap"));
        database.addPort(BRIDGE, INTERNAL, Map.of("type", "internal", "mac", "02:00:00:00:00:42"));
        database.addPort(BRIDGE, VETH, Map.of());
        database.commit();
        for (String name : List.of(BRIDGE, TAP, INTERNAL, VETH)) {
            assertThat(known(name).ifindex()).as(name).isEqualTo(Links.requireIndex(name));
            assertThat(known(name).mtu()).as(name).isEqualTo(1500);
            assertThat(known(name).bridge()).as(name).isEqualTo(BRIDGE);
        }
        assertThat(List.of(known(BRIDGE).kind(), known(TAP).kind(), known(VETH).kind()))
                .containsExactly("internal", "tap", "system");
        assertThat(known(INTERNAL).mac()).isEqualTo(0x0200_0000_0042L);
        long id = known(VETH).id();
        ip("link set " + VETH + " mtu 1400 address 02:00:00:00:00:43");
        database.await("the veth's new MTU", () -> known(VETH).mtu() == 1400);
        assertThat(known(VETH).mac()).isEqualTo(0x0200_0000_0043L);
        assertThat(known(VETH).id()).isEqualTo(id);
    }

    @Test
    void aDeviceThatWasMadeAnewIsAnotherPort() throws Exception {
        database.addBridge(BRIDGE, Map.of());
        database.addPort(BRIDGE, VETH, Map.of());
        database.commit();
        PortRef first = known(VETH);
        ip("link del " + VETH);
        database.await("the port gone", () -> known(VETH).isGone());
        ip("link add " + VETH + " type veth peer name " + PEER);
        database.await("the port back", () -> !known(VETH).isGone());
        assertThat(known(VETH).id()).isNotEqualTo(first.id());
        assertThat(known(VETH).ifindex()).isEqualTo(Links.requireIndex(VETH)).isNotEqualTo(first.ifindex());
    }
}
