package io.turnstile.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.netty.channel.EventLoopGroup;
import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.datapath.Datapath;
import io.turnstile.datapath.ForwardingThreads;
import io.turnstile.offload.OffloadDispatcher;
import io.turnstile.offload.PathGate;
import io.turnstile.offload.PathOffer;
import io.turnstile.offload.PathUser;
import io.turnstile.offload.ProviderRegistry;
import io.turnstile.offload.conformance.IdleProvider;
import io.turnstile.offload.spi.Direction;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.ProviderContext;
import io.turnstile.offload.spi.TupleView;
import io.turnstile.openflow.OpenFlowAgent;
import io.turnstile.ovsdb.data.Row;
import io.turnstile.packet.Frames;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.pipeline.BridgePipeline;
import io.turnstile.pipeline.OfPort;
import io.turnstile.pipeline.OpenFlowSwitch.FlowQuery;
import io.turnstile.pipeline.OpenFlowSwitch.FlowStats;
import io.turnstile.pipeline.Pipeline;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.FlowText;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.port.DummyPort;
import io.turnstile.port.Port;
import io.turnstile.port.PortException;
import io.turnstile.telemetry.FakePaths;
import io.turnstile.telemetry.MetricsEndpoint;
import io.turnstile.time.Clock;
import io.turnstile.tls.TlsContexts;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** What the database asks for and what is written back, with devices in memory. */
@Timeout(60)
class ReconcilerTest {
    private static final String NO_DEVICE = "could not open network device %s (No such device)";

    @TempDir
    Path folder;

    private final FakeDatabase database = new FakeDatabase();
    private final Map<String, DummyPort> devices = new ConcurrentHashMap<>();
    private final Set<String> missing = ConcurrentHashMap.newKeySet();
    /** How often devices answer how they are, before they are gone. */
    private final Map<String, AtomicInteger> questionsLeft = new ConcurrentHashMap<>();

    private Runnable whenOpening = () -> {};
    private final List<List<String>> managers = Collections.synchronizedList(new ArrayList<>());
    private final MetricsEndpoint metrics = new MetricsEndpoint(() -> "up 1\n");
    private final FakePaths book = new FakePaths();
    private final Listening provider = new Listening();
    private EventLoopGroup loop;
    private OpenFlowAgent openFlow;
    private ConnectionTracker tracker;
    private Datapath datapath;
    private ForwardingThreads threads;
    private OffloadDispatcher offload;
    private PathGate paths;
    private Pipeline pipeline;
    private Reconciler reconciler;

    @BeforeEach
    void start() {
        Clock clock = Clock.system();
        tracker = new ConnectionTracker(clock, 1000);
        datapath = new Datapath(tracker, clock);
        pipeline = new Pipeline(datapath, clock);
        threads = new ForwardingThreads(datapath, 1);
        offload = new OffloadDispatcher(tracker, clock, pipeline.switchPorts());
        paths = new PathGate(book);
        loop = OpenFlowAgent.newEventLoop();
        openFlow = new OpenFlowAgent(loop, clock);
        reconciler = newReconciler();
        reconciler.start();
    }

    private Reconciler newReconciler() {
        return new Reconciler(
                database,
                new SwitchComponents(
                        pipeline,
                        datapath,
                        threads,
                        this::open,
                        DummyLevel.ALLOWED,
                        openFlow,
                        new TlsContexts(),
                        tracker,
                        offload,
                        paths,
                        ProviderRegistry.of(List.of(provider)),
                        metrics,
                        Clock.system(),
                        folder,
                        "1.2.3",
                        "8.8.0",
                        managers::add));
    }

    @AfterEach
    void stop() throws Exception {
        reconciler.close();
        threads.close();
        offload.close();
        metrics.close();
        loop.shutdownGracefully(0, 1, TimeUnit.SECONDS).await();
        database.close();
        assertThat(datapath.ports()).as("ports left open").isEmpty();
    }

    private Port open(String type, String name, Map<String, String> options) {
        whenOpening.run();
        if (missing.contains(name)) {
            throw new PortException(NO_DEVICE.formatted(name));
        }
        String shown = type.equals("internal") ? "dummy-internal" : name.startsWith("eth") ? "system" : "dummy";
        DummyPort device = new DummyPort(name, shown, options, () -> 0);
        devices.put(name, device);
        return (Port) Proxy.newProxyInstance(
                Port.class.getClassLoader(), new Class<?>[] {Port.class}, (proxy, method, arguments) -> {
                    AtomicInteger left = questionsLeft.get(name);
                    if (method.getName().equals("linkStatus") && left != null && left.decrementAndGet() < 0) {
                        throw new PortException(NO_DEVICE.formatted(name));
                    }
                    return method.invoke(device, arguments);
                });
    }

    private Row interfaceRow(String name) {
        return database.named("Interface", name);
    }

    private long ofport(String name) {
        return interfaceRow(name).integer("ofport").orElse(0L);
    }

    private List<Integer> portNumbers(String bridge) {
        return pipeline.bridge(bridge).ports().stream().map(OfPort::number).toList();
    }

    // ---- bridges ----

    @Test
    void aBridgeComesWithItsOwnPortAndSockets() throws Exception {
        database.addBridge("br0", Map.of("other_config", Map.of("hwaddr", "02:00:00:00:00:aa")));
        database.commit();
        assertThat(ofport("br0")).isEqualTo(65534);
        assertThat(interfaceRow("br0").string("mac_in_use")).contains("02:00:00:00:00:aa");
        assertThat(database.named("Bridge", "br0").string("datapath_id")).contains("00000200000000aa");
        assertThat(database.named("Bridge", "br0").string("datapath_version")).contains("<built-in>");
        assertThat(Files.exists(folder.resolve("br0.mgmt"))).isTrue();
    }

    /**
     * Else flows that somebody adds at once would go with the mode that every bridge begins in, and ports would meet
     * it.
     */
    @Test
    void aBridgeIsSecureBeforeItHasPortsAndListensWhenItHasThem() throws Exception {
        List<Boolean> listening = new CopyOnWriteArrayList<>();
        List<Integer> flows = new CopyOnWriteArrayList<>();
        whenOpening = () -> {
            listening.add(Files.exists(folder.resolve("br0.mgmt")));
            flows.add(pipeline.bridge("br0")
                    .flows(new FlowQuery(FlowMod.ALL_TABLES, Match.ANY, 0, 0, OfAction.Ports.NONE))
                    .size());
        };
        database.addBridge("br0", Map.of("fail_mode", "secure"));
        database.addPort("br0", "p1", Map.of());
        database.commit();
        assertThat(flows).isNotEmpty().containsOnly(0);
        assertThat(listening).containsOnly(false);
        assertThat(Files.exists(folder.resolve("br0.mgmt"))).isTrue();
    }

    @Test
    void aBridgeThatGoesTakesEverythingWithIt() throws Exception {
        database.addBridge("br0", Map.of());
        database.addPort("br0", "p1", Map.of());
        database.commit();
        database.deleteBridge("br0");
        database.commit();
        assertThat(pipeline.bridge("br0")).isNull();
        assertThat(datapath.ports()).isEmpty();
        assertThat(Files.exists(folder.resolve("br0.mgmt"))).isFalse();
        assertThat(reconciler.bridges()).isEmpty();
    }

    @Test
    void tablesAreAsTheirRowsSayAndWhatRowsNameInVainIsPassedOver() throws Exception {
        UUID bridge = database.addBridge("br0", Map.of("fail_mode", "secure"));
        UUID table = database.insert(
                "Flow_Table",
                Map.of(
                        "name",
                        "acl",
                        "flow_limit",
                        2L,
                        "overflow_policy",
                        "evict",
                        "groups",
                        Set.of("NXM_OF_IN_PORT[]", "nonsense", "NXM_OF_IN_PORT[9..3]"),
                        "prefixes",
                        Set.of("ip_dst", "tcp_dst", "nonsense")));
        database.set("Bridge", bridge, Map.of("flow_tables", Map.of(3L, table, 254L, table)));
        database.commit();
        BridgePipeline br0 = pipeline.bridge("br0");
        assertThat(br0.tables().get(3).name()).isEqualTo("acl");
        assertThat(br0.tables().get(3).maxEntries()).isEqualTo(2);
        for (String flow : List.of(
                "hard_timeout=9,in_port=1", "hard_timeout=5,in_port=1,ip", "hard_timeout=3,in_port=2", "in_port=3")) {
            br0.apply(FlowText.parseFlowMod(FlowMod.Command.ADD, "table=3," + flow + ",actions=drop"));
        }
        // Of the first two one went because there were most with that port, and then the one that ends soonest.
        assertThat(br0.tables().get(3).activeCount()).isEqualTo(2);
        assertThat(br0.flows(new FlowQuery(3, Match.ANY, 0, 0, OfAction.Ports.NONE)))
                .extracting(FlowStats::hardTimeoutSeconds)
                .containsExactlyInAnyOrder(9, 0);
        database.set("Bridge", bridge, Map.of("flow_tables", Map.of()));
        database.commit();
        assertThat(br0.tables().get(3).name()).isNull();
        assertThat(br0.tables().get(3).maxEntries()).isEqualTo(1_000_000);
    }

    /** Only at the start, as in Open vSwitch. */
    @Test
    void noControllerIsConnectedToWhileFlowsAreBeingRestored() throws Exception {
        reconciler.close();
        database.set("Open_vSwitch", database.rootUuid(), Map.of("other_config", Map.of("flow-restore-wait", "true")));
        UUID bridge = database.addBridge("br0", Map.of("fail_mode", "secure"));
        UUID controller = database.insert("Controller", Map.of("target", "tcp:127.0.0.1:1"));
        database.set("Bridge", bridge, Map.of("controller", Set.of(controller)));
        reconciler = newReconciler();
        reconciler.start();
        database.commit();
        BridgePipeline br0 = pipeline.bridge("br0");
        br0.apply(FlowText.parseFlowMod(FlowMod.Command.ADD, "actions=drop"));
        assertThat(database.row("Controller", controller).stringMap("status")).isEmpty();
        database.set("Open_vSwitch", database.rootUuid(), Map.of("other_config", Map.of()));
        database.commit();
        assertThat(database.row("Controller", controller).stringMap("status")).containsKey("state");
        assertThat(br0.tables().getFirst().activeCount()).isEqualTo(1);
        database.set("Open_vSwitch", database.rootUuid(), Map.of("other_config", Map.of("flow-restore-wait", "true")));
        database.commit();
        assertThat(br0.tables().getFirst().activeCount()).isEqualTo(1);
        database.commit();
        assertThat(database.row("Controller", controller).stringMap("status")).containsKey("state");
    }

    @Test
    void theDatapathIdFollowsItsSettingAndBack() throws Exception {
        UUID bridge = database.addBridge(
                "br0",
                Map.of("other_config", Map.of("hwaddr", "02:00:00:00:00:aa", "datapath-id", "00000000000000ff")));
        database.commit();
        assertThat(pipeline.bridge("br0").datapathId()).isEqualTo(0xffL);
        database.set("Bridge", bridge, Map.of("other_config", Map.of("hwaddr", "02:00:00:00:00:ab")));
        database.commit();
        assertThat(database.named("Bridge", "br0").string("datapath_id")).contains("00000200000000ab");
    }

    @Test
    void withoutHwaddrTheBridgeHasItsLowestPortsAddress() throws Exception {
        database.addBridge("br0", Map.of());
        database.addPort("br0", "p1", Map.of("mac", "50:54:00:00:00:02"));
        database.addPort("br0", "p2", Map.of("mac", "50:54:00:00:00:01"));
        database.addPort("br0", "p3", Map.of("mac", "02:00:00:00:00:01")); // who may be anybody's lends none
        database.commit();
        database.commit(); // the ports' own addresses were set in the first
        assertThat(interfaceRow("br0").string("mac_in_use")).contains("50:54:00:00:00:01");
    }

    @Test
    void badSettingsOfABridgeLeaveTheDefaults() throws Exception {
        UUID bridge = database.addBridge("br0", Map.of("other_config", Map.of("hwaddr", "02:00:00:00:00:aa")));
        database.commit();
        for (String group : List.of("01:00:5e:00:00:01", "00:00:00:00:00:00", "nonsense")) {
            database.set(
                    "Bridge",
                    bridge,
                    Map.of(
                            "other_config",
                            Map.of(
                                    "hwaddr",
                                    group,
                                    "datapath-id",
                                    "0x0",
                                    "mac-aging-time",
                                    "soon",
                                    "mac-table-size",
                                    "-1")));
            database.commit();
            long mac = MacText.parseStation(
                            interfaceRow("br0").string("mac_in_use").orElseThrow())
                    .orElseThrow();
            assertThat(pipeline.bridge("br0").datapathId()).isEqualTo(mac);
        }
    }

    // ---- interfaces ----

    @Test
    void anAddressThatNoStationHasIsNotSet() throws Exception {
        database.addBridge("br0", Map.of());
        database.addPort("br0", "p1", Map.of("mac", "ff:ff:ff:ff:ff:ff"));
        database.commit();
        assertThat(interfaceRow("p1").string("mac_in_use"))
                .isPresent()
                .hasValueSatisfying(mac -> assertThat(MacText.parseStation(mac)).isPresent());
    }

    @Test
    void portsGetTheNumberTheyAskForAndTheRestTheNextOnes() throws Exception {
        synchronized (database) { // One transaction: no snapshot with some of the ports only.
            database.addBridge("br0", Map.of());
            database.addPort("br0", "a", Map.of());
            database.addPort("br0", "b", Map.of("ofport_request", 1L));
            database.addPort("br0", "c", Map.of("ofport_request", 40L));
        }
        database.commit();
        assertThat(ofport("b")).isEqualTo(1);
        assertThat(ofport("c")).isEqualTo(40);
        assertThat(ofport("a")).isEqualTo(2);
    }

    @Test
    void aNumberThatTheRowHasFromTheDaemonBeforeIsKept() throws Exception {
        synchronized (database) { // One transaction: no snapshot with some of the ports only.
            database.addBridge("br0", Map.of());
            database.addPort("br0", "a", Map.of());
            database.addPort("br0", "b", Map.of("ofport", 1L));
            database.addPort("br0", "c", Map.of("ofport", 9L));
            database.addPort("br0", "d", Map.of("ofport", -1L));
            database.addPort("br0", "e", Map.of("ofport", 9L, "ofport_request", 1L));
        }
        database.commit();
        assertThat(ofport("c")).isEqualTo(9);
        assertThat(ofport("e")).isEqualTo(1);
        assertThat(List.of(ofport("a"), ofport("b"), ofport("d")))
                .doesNotHaveDuplicates()
                .doesNotContain(1L, 9L, -1L);
    }

    @Test
    void aBridgeOfAnUnknownTypeIsNotMadeAndComesOnceItsTypeIsKnown() throws Exception {
        UUID bridge = database.addBridge("br0", Map.of("datapath_type", "odd"));
        database.commit();
        assertThat(pipeline.bridge("br0")).isNull();
        assertThat(ofport("br0")).isEqualTo(-1);
        database.set("Bridge", bridge, Map.of("datapath_type", "netdev"));
        database.commit();
        assertThat(ofport("br0")).isEqualTo(65534);
        database.set("Bridge", bridge, Map.of("datapath_type", "odd"));
        database.commit();
        assertThat(pipeline.bridge("br0")).isNull();
        assertThat(database.named("Bridge", "br0").string("datapath_id")).isEmpty();
    }

    @Test
    void aPatchPortToItselfIsRefused() throws Exception {
        database.addBridge("br0", Map.of());
        database.addPort("br0", "p", Map.of("type", "patch", "options", Map.of("peer", "p")));
        database.commit();
        assertThat(interfaceRow("p").string("error")).contains("p: patch peer must not be self");
        assertThat(ofport("p")).isEqualTo(-1);
    }

    @Test
    void aNumberThatSomebodyElseAsksForTooIsWaitedFor() throws Exception {
        database.addBridge("br0", Map.of());
        database.addPort("br0", "first", Map.of("ofport_request", 1L));
        database.commit();
        UUID row = database.addPort("br0", "second", Map.of("ofport_request", 1L));
        database.commit();
        assertThat(ofport("second")).isEqualTo(2);
        PortRef port = known("second");
        database.set("Interface", row, Map.of("mtu_request", 9000L));
        database.commit();
        assertThat(ofport("second")).isEqualTo(2);
        assertThat(known("second").id()).as("not attached anew").isEqualTo(port.id());
        database.deletePort("br0", "first");
        database.commit();
        assertThat(ofport("second")).isEqualTo(1);
    }

    @Test
    void twoPortsChangeNumbersWithEachOther() throws Exception {
        database.addBridge("br0", Map.of());
        UUID first = database.addPort("br0", "first", Map.of("ofport_request", 1L));
        UUID second = database.addPort("br0", "second", Map.of("ofport_request", 2L));
        database.commit();
        synchronized (database) {
            database.set("Interface", first, Map.of("ofport_request", 2L));
            database.set("Interface", second, Map.of("ofport_request", 1L));
        }
        database.commit();
        assertThat(ofport("first")).isEqualTo(2);
        assertThat(ofport("second")).isEqualTo(1);
    }

    @Test
    void aNumberChangesLive() throws Exception {
        database.addBridge("br0", Map.of());
        UUID row = database.addPort("br0", "a", Map.of("ofport_request", 5L));
        database.commit();
        database.set("Interface", row, Map.of("ofport_request", 9L));
        database.commit();
        assertThat(ofport("a")).isEqualTo(9);
        assertThat(portNumbers("br0")).doesNotContain(5);
        assertThat(portNumbers("br0")).contains(9);
    }

    @Test
    void aMissingDeviceHoldsUpNobody() throws Exception {
        missing.add("nosuch");
        database.addBridge("br0", Map.of());
        database.addPort("br0", "nosuch", Map.of());
        database.addPort("br0", "there", Map.of());
        database.commit();
        assertThat(ofport("nosuch")).isEqualTo(-1);
        assertThat(interfaceRow("nosuch").string("error")).contains(NO_DEVICE.formatted("nosuch"));
        assertThat(interfaceRow("nosuch").string("mac_in_use")).isEmpty();
        assertThat(ofport("there")).isEqualTo(1);
    }

    @Test
    void aDeviceThatComesLaterIsTakenIn() throws Exception {
        missing.add("late");
        database.addBridge("br0", Map.of());
        database.addPort("br0", "late", Map.of());
        database.commit();
        missing.clear();
        reconciler.onLinkChange();
        database.await("late on a port", () -> ofport("late") > 0);
        assertThat(ofport("late")).as("attempts that failed used up no number").isEqualTo(1);
        assertThat(interfaceRow("late").string("error")).isEmpty();
    }

    @Test
    void aLinkThatGoesDownIsWrittenBack() throws Exception {
        database.addBridge("br0", Map.of());
        database.addPort("br0", "a", Map.of());
        database.commit();
        assertThat(interfaceRow("a").string("admin_state")).contains("up");
        devices.get("a").setAdminUp(false);
        reconciler.onLinkChange();
        database.await("a down", () -> interfaceRow("a").string("admin_state").equals(java.util.Optional.of("down")));
    }

    @Test
    void statisticsAreThereAtOnce() throws Exception {
        database.addBridge("br0", Map.of());
        database.addPort("br0", "a", Map.of());
        database.commit();
        assertThat(interfaceRow("a").integerMap("statistics"))
                .containsEntry("rx_packets", 0L)
                .containsEntry("tx_bytes", 0L);
    }

    @Test
    void aPortThatGoesIsClosed() throws Exception {
        database.addBridge("br0", Map.of());
        database.addPort("br0", "a", Map.of());
        database.commit();
        database.deletePort("br0", "a");
        database.commit();
        assertThat(datapath.ports().values()).extracting(Port::name).containsExactly("br0");
        assertThat(portNumbers("br0")).doesNotContain(1);
    }

    @Test
    void patchPortsFindEachOtherAndMissEachOther() throws Exception {
        database.addBridge("br0", Map.of());
        database.addBridge("br1", Map.of());
        database.addPort("br0", "to1", Map.of("type", "patch", "options", Map.of("peer", "to0")));
        database.commit();
        assertThat(interfaceRow("to1").string("error")).contains("No usable peer 'to0' exists in 'netdev' datapath.");
        database.addPort("br1", "to0", Map.of("type", "patch", "options", Map.of("peer", "to1")));
        database.commit();
        assertThat(interfaceRow("to1").string("error")).isEmpty();
        assertThat(ofport("to0")).isEqualTo(1);
    }

    @Test
    void aPortMovesFromOneBridgeToAnotherInOneTransaction() throws Exception {
        database.addBridge("br0", Map.of());
        database.addBridge("br1", Map.of());
        database.addPort("br0", "a", Map.of());
        database.commit();
        database.deletePort("br0", "a");
        database.addPort("br1", "a", Map.of());
        database.commit();
        assertThat(portNumbers("br0")).doesNotContain(1);
        assertThat(portNumbers("br1")).contains(1);
        assertThat(datapath.ports().values()).extracting(Port::name).containsExactlyInAnyOrder("br0", "br1", "a");
    }

    // ---- ports as the datapath and providers know them ----

    private PortRef known(String name) {
        return pipeline.switchPorts().ports().stream()
                .filter(port -> name.equals(port.name()))
                .findFirst()
                .orElse(PortRef.GONE);
    }

    @Test
    void aPortIsKnownWithItsBridgeItsNumbersAndItsDevice() throws Exception {
        database.addBridge("br0", Map.of("other_config", Map.of("hwaddr", "02:00:00:00:00:aa")));
        database.addPort("br0", "eth0", Map.of("ofport_request", 40L, "mac", "02:00:00:00:00:01"));
        database.commit();
        PortRef port = known("eth0");
        assertThat(port).isEqualTo(new PortRef(port.id(), 1, "eth0", "br0", 40, "system", 0, 0x0200_0000_0001L, 1500));
        PortRef own = known("br0");
        assertThat(own)
                .isEqualTo(new PortRef(own.id(), 100, "br0", "br0", 65534, "internal", 0, 0x0200_0000_00aaL, 1500));
    }

    @Test
    void whatChangesAboutAPortIsTold() throws Exception {
        database.addBridge("br0", Map.of());
        UUID row = database.addPort("br0", "eth0", Map.of());
        database.commit();
        List<PortRef> told = new CopyOnWriteArrayList<>();
        pipeline.switchPorts().onChange(() -> told.add(known("eth0")));
        database.set("Interface", row, Map.of("mtu_request", 9000L));
        database.commit();
        assertThat(told).last().extracting(PortRef::mtu).isEqualTo(9000);
        devices.get("eth0").setMacAddress(0x0200_0000_0042L);
        reconciler.onLinkChange();
        database.await("the address told", () -> told.getLast().mac() == 0x0200_0000_0042L);
        database.deletePort("br0", "eth0");
        database.commit();
        assertThat(told).last().isEqualTo(PortRef.GONE);
    }

    @Test
    void aNumberIsAnotherPortsOnlyWhenItHasRested() throws Exception {
        database.addBridge("br0", Map.of());
        database.addPort("br0", "eth0", Map.of());
        database.commit();
        database.deletePort("br0", "eth0");
        database.addPort("br0", "eth1", Map.of());
        database.commit();
        assertThat(known("eth1").number()).isEqualTo(2);
        datapath.maintain(0);
        datapath.maintain(0);
        database.addPort("br0", "eth2", Map.of());
        database.commit();
        assertThat(known("eth2").number()).isEqualTo(1);
    }

    /** Open vSwitch's test suites name datapath ports by numbers that follow from the ports' names. */
    @Test
    void aDummyPortHasItsNumberAtOnceButNotItsIdentity() throws Exception {
        database.addBridge("br0", Map.of());
        database.addPort("br0", "p7", Map.of());
        database.commit();
        PortRef first = known("p7");
        database.deletePort("br0", "p7");
        database.commit();
        database.addPort("br0", "p7", Map.of());
        database.commit();
        assertThat(known("p7").number()).isEqualTo(7);
        assertThat(known("p7").id()).isNotEqualTo(first.id());
    }

    // ---- ports ----

    @Test
    void aPortFollowsItsVlanColumnsAndKeepsItsNumber() throws Exception {
        database.addBridge("br0", Map.of());
        database.addPort("br0", "a", Map.of());
        database.addPort("br0", "b", Map.of());
        database.commit();
        UUID port = database.named("Port", "a").uuid();
        long number = ofport("a");
        assertThat(trace("a", "dl_vlan=5")).doesNotContain("dropping");
        database.set("Port", port, Map.of("tag", 5L));
        database.commit();
        assertThat(trace("a", "dl_vlan=5")).contains("received on port a configured as VLAN 5 access port");
        database.set("Port", port, Map.of("tag", List.of(), "trunks", List.of(6L, 7L)));
        database.commit();
        assertThat(trace("a", "dl_vlan=5")).contains("received on port a not configured for trunking VLAN 5");
        database.set("Port", port, Map.of("tag", 8L, "vlan_mode", "dot1q-tunnel", "cvlans", List.of(9L)));
        database.commit();
        assertThat(trace("a", "dl_vlan=5")).contains("received on dot1q-tunnel port a that excludes this VLAN");
        assertThat(trace("a", "dl_vlan=9")).contains("push_vlan(tpid=0x88a8,vid=8,pcp=0)");
        database.set("Port", port, Map.of("other_config", Map.of("qinq-ethtype", "802.1q")));
        database.commit();
        assertThat(trace("a", "dl_vlan=9")).contains("push_vlan(vid=8,pcp=0)");
        assertThat(interfaceRow("a").string("error")).isEmpty();
        assertThat(ofport("a")).isEqualTo(number);
    }

    private String trace(String port, String flow) throws Exception {
        Match match = FlowText.parseMatch("in_port=" + ofport(port) + ",dl_dst=ff:ff:ff:ff:ff:ff," + flow);
        return pipeline.trace(pipeline.bridge("br0"), (int) ofport(port), match.copyOfValue());
    }

    @Test
    void theVlanLimitIsFollowed() throws Exception {
        assertThat(datapath.vlanLimit()).isEqualTo(1);
        for (Map.Entry<String, Integer> limit :
                Map.of("0", 2, "1", 1, "2", 2, "9", 2, "-3", 1).entrySet()) {
            database.set(
                    "Open_vSwitch", database.rootUuid(), Map.of("other_config", Map.of("vlan-limit", limit.getKey())));
            database.commit();
            assertThat(datapath.vlanLimit()).as(limit.getKey()).isEqualTo(limit.getValue());
        }
    }

    @Test
    void aBondIsRefusedAndComesOnceItHasOneInterface() throws Exception {
        database.addBridge("br0", Map.of());
        UUID first = database.insert("Interface", Map.of("name", "a"));
        UUID second = database.insert("Interface", Map.of("name", "b"));
        UUID bond = database.addPortOf("br0", "bond0", List.of(first, second));
        database.commit();
        for (String name : List.of("a", "b")) {
            assertThat(interfaceRow(name).string("error")).contains("bonding is not supported");
            assertThat(ofport(name)).isEqualTo(-1);
        }
        database.set("Port", bond, Map.of("interfaces", List.of(first)));
        database.commit();
        assertThat(interfaceRow("a").string("error")).isEmpty();
        assertThat(ofport("a")).isEqualTo(1);
        database.set("Port", bond, Map.of("interfaces", List.of(first, second)));
        database.commit();
        assertThat(ofport("a")).isEqualTo(-1);
        assertThat(datapath.ports().values()).extracting(Port::name).containsExactly("br0");
    }

    @Test
    void anInterfaceThatGoesToAnotherPortKeepsItsDevice() throws Exception {
        database.addBridge("br0", Map.of());
        UUID moving = database.addPort("br0", "a", Map.of());
        database.commit();
        Port device = devices.get("a");
        synchronized (database) { // One transaction: no snapshot without the port.
            database.deletePortOnly("br0", "a");
            database.addPortOf("br0", "b", List.of(moving));
        }
        database.commit();
        assertThat(devices.get("a")).isSameAs(device);
        assertThat(datapath.ports().values()).contains(device);
        assertThat(ofport("a")).isEqualTo(1);
    }

    // ---- the root row ----

    @Test
    void theSwitchIntroducesItself() throws Exception {
        database.commit();
        Row root = database.root();
        assertThat(root.string("ovs_version")).contains("1.2.3");
        assertThat(root.string("db_version")).contains("8.8.0");
        assertThat(root.bool("dpdk_initialized")).contains(false);
        assertThat(root.set("datapath_types")).contains("netdev", "system");
        assertThat(root.set("iface_types")).contains("system", "internal", "tap", "patch", "dummy");
    }

    @Test
    void aRefusedStatusStillLetsTheUserGoOn() throws Exception {
        database.refuse(snapshot -> snapshot.table("Interface").values().stream()
                .anyMatch(row -> row.integer("ofport").isPresent()));
        database.addBridge("br0", Map.of());
        database.commit();
        assertThat(interfaceRow("br0").integer("ofport")).isEmpty();
        assertThat(pipeline.bridge("br0")).isNotNull();
    }

    @Test
    void idleBundlesAreKeptAsLongAsItIsSet() throws Exception {
        Map<String, Long> expected = new TreeMap<>(Map.of("3", 3L, "0", 10L, "soon", 10L));
        for (Map.Entry<String, Long> each : expected.entrySet()) {
            otherConfig("bundle-idle-timeout", each.getKey());
            assertThat(openFlow.bundleIdleSeconds()).as(each.getKey()).isEqualTo(each.getValue());
        }
        otherConfig();
        assertThat(openFlow.bundleIdleSeconds()).isEqualTo(10);
    }

    @Test
    void managersAreToldWhenTheyChangeOnly() throws Exception {
        UUID manager = database.insert("Manager", Map.of("target", "ptcp:6640:127.0.0.1"));
        database.set("Open_vSwitch", database.rootUuid(), Map.of("manager_options", List.of(manager)));
        database.commit();
        database.commit();
        assertThat(managers).containsExactly(List.of("ptcp:6640:127.0.0.1"));
    }

    /** Whenever it goes, the others come up, nothing fails as a whole, and it is there again when it comes back. */
    @Test
    void aDeviceThatGoesInTheMiddleOfAChangeHoldsUpNobody() throws Exception {
        database.addBridge("br0", Map.of());
        database.addPort("br0", "eth1", Map.of());
        for (int questions = 0; questions < 8; questions++) {
            questionsLeft.put("eth1", new AtomicInteger(questions));
            String other = "eth" + (100 + questions);
            List<String> lines = logOf("bridge", () -> {
                database.addPort("br0", other, Map.of());
                database.commit();
            });
            assertThat(lines)
                    .as("gone after %d questions", questions)
                    .noneMatch(line -> line.contains("cannot be configured") || line.contains("reconciliation failed"));
            assertThat(ofport(other)).as("the other port").isPositive();
            questionsLeft.remove("eth1");
            reconciler.onLinkChange();
            database.await("eth1 is back", () -> ofport("eth1") > 0);
        }
    }

    // ---- names that are paths ----

    @Test
    void aBridgeWhoseNameIsAPathIsIgnoredAndSaidOnce() throws Exception {
        List<String> lines = logOf("bridge", () -> {
            for (String name : List.of("../../x", "a/b", "", "a\\b")) {
                database.addBridge(name, Map.of());
            }
            database.addBridge("br0", Map.of());
            database.commit();
            database.commit();
        });
        assertThat(reconciler.bridges()).extracting(BridgeView::name).containsExactly("br0");
        assertThat(lines)
                .filteredOn(line -> line.startsWith("ignoring"))
                .containsExactlyInAnyOrder(
                        "ignoring bridge with invalid name \"../../x\"",
                        "ignoring bridge with invalid name \"a/b\"",
                        "ignoring bridge with invalid name \"\"",
                        "ignoring bridge with invalid name \"a\\b\"");
    }

    @Test
    void aControllerOutsideOfTheRunDirectoryIsNotAddedAndItsFileStays() throws Exception {
        Path precious = Files.writeString(folder.resolve("precious"), "data");
        UUID outside = database.insert("Controller", Map.of("target", "punix:" + precious));
        UUID inside = database.insert("Controller", Map.of("target", "punix:" + folder.resolve("br0.more")));
        database.addBridge("br0", Map.of("controller", List.of(outside, inside)));
        List<String> lines = logOf("bridge", () -> {
            database.commit();
            database.commit();
        });
        assertThat(precious).content().isEqualTo("data");
        assertThat(folder.resolve("br0.more")).exists();
        assertThat(lines)
                .filteredOn(line -> line.contains("overwriting local files"))
                .singleElement()
                .asString()
                .startsWith("bridge br0: Not adding Unix domain socket controller \"punix:" + precious);
    }

    private interface Action {
        void run() throws Exception;
    }

    private static List<String> logOf(String packageName, Action action) throws Exception {
        Logger log = (Logger) LoggerFactory.getLogger("io.turnstile." + packageName);
        ListAppender<ILoggingEvent> appender = new ListAppender<>();
        appender.start();
        Level before = log.getLevel();
        log.setLevel(Level.INFO); // whatever a test of vlog/set has left behind in this process
        log.addAppender(appender);
        try {
            action.run();
        } finally {
            log.detachAppender(appender);
            log.setLevel(before);
        }
        return appender.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
    }

    // ---- hw-offload ----

    @Test
    void hwOffloadGoesOnAndOffLiveAnyNumberOfTimes() throws Exception {
        for (String value : List.of("true", "false", "true", "bogus", "true")) {
            database.set("Open_vSwitch", database.rootUuid(), Map.of("other_config", Map.of("hw-offload", value)));
            database.commit();
        }
        database.set("Open_vSwitch", database.rootUuid(), Map.of("other_config", Map.of()));
        database.commit();
        assertThat(provider.heard).containsExactly("init", "close", "init", "close", "init", "close");
    }

    private void otherConfig(String... keysAndValues) throws Exception {
        Map<String, Object> settings = new TreeMap<>(Map.of("hw-offload", "true"));
        for (int i = 0; i < keysAndValues.length; i += 2) {
            settings.put(keysAndValues[i], keysAndValues[i + 1]);
        }
        database.set("Open_vSwitch", database.rootUuid(), Map.of("other_config", settings));
        database.commit();
        offload.drain();
    }

    @Test
    void providersHaveTheirSettingsFromTheStartAndAreToldOfChanges() throws Exception {
        otherConfig("offload-listening-depth", "64");
        otherConfig("offload-listening-depth", "64", "max-idle", "9000");
        otherConfig("offload-listening-depth", "128", "offload-listening-mode", "fast");
        otherConfig();
        assertThat(provider.heard).containsExactly("init {depth=64}", "settings {depth=128, mode=fast}", "settings {}");
    }

    @Test
    void settingsOfNoProviderAreWarnedOfOnce() throws Exception {
        Logger log = (Logger) LoggerFactory.getLogger(SettingsReader.class);
        ListAppender<ILoggingEvent> appender = new ListAppender<>();
        appender.start();
        log.addAppender(appender);
        try {
            for (String idle : List.of("9000", "8000")) {
                otherConfig("offload-nobody-depth", "64", "offload-listening-depth", "64", "max-idle", idle);
                otherConfig("offload-rebalance", "true", "offload-nobody-depth", "64", "max-idle", idle);
            }
        } finally {
            log.detachAppender(appender);
        }
        assertThat(appender.list)
                .extracting(ILoggingEvent::getFormattedMessage)
                .containsExactly(
                        "other_config: offload-nobody-depth=64: belongs to no offload provider here, passed over");
    }

    /** A connection whose first packet comes in by that interface; how it stands with the provider. */
    private String offeredFrom(String iface, int sourcePort) {
        PacketBatch batch = new PacketBatch();
        Packet packet = Frames.udp("10.0.0.1:" + sourcePort + " > 10.0.0.2:53")
                .payload(8)
                .packet();
        packet.setInPort(known(iface).number());
        batch.add(packet);
        tracker.track(batch, CtRequest.commit(0), Clock.system().nowNs());
        offload.drain();
        return offload.offloadStates(packet.ctConnection()).toString();
    }

    @Test
    void anInterfacesOwnListOfProvidersFollowsItsPort() throws Exception {
        database.set("Open_vSwitch", database.rootUuid(), Map.of("other_config", Map.of("hw-offload", "true")));
        database.addBridge("br0", Map.of());
        Map<String, Object> keptFromAll = Map.of("other_config", Map.of("hw-offload-priority", "none"));
        UUID moving = database.addPort("br0", "p1", keptFromAll);
        database.addPort("br0", "p2", Map.of());
        database.commit();
        assertThat(offeredFrom("p1", 1)).contains("port excluded");
        assertThat(offeredFrom("p2", 2)).doesNotContain("port excluded");
        database.set("Interface", moving, Map.of("ofport_request", 40L)); // opened anew, under the number that it had
        database.commit();
        assertThat(offeredFrom("p1", 3)).contains("port excluded");
        database.deletePort("br0", "p1");
        database.commit();
        database.addPort("br0", "p1", Map.of());
        database.commit();
        assertThat(offeredFrom("p1", 4)).doesNotContain("port excluded");
    }

    private PathOffer offer(String from, String to) {
        TupleView tuple = new TupleView(false, 17, 0, 1, 0, 2, 1000, 53, 0, 0, 0);
        PathUser user = (PathUser) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {PathUser.class}, (proxy, method, arguments) -> null);
        return new PathOffer(
                List.of(1L),
                Direction.ORIGINAL,
                pipeline.switchPorts().port(known(from).number()),
                tuple,
                List.of(),
                pipeline.switchPorts().port(known(to).number()),
                tuple,
                List.of(),
                user);
    }

    @Test
    void nothingIsCarriedByAPortThatSaysSo() throws Exception {
        database.addBridge("br0", Map.of());
        UUID left = database.addPort("br0", "p1", Map.of("options", Map.of("offload-attach", "none")));
        database.addPort("br0", "p2", Map.of("options", Map.of("offload-attach", "tcx")));
        database.addPort("br0", "p3", Map.of());
        database.commit();
        paths.offer(offer("p1", "p2"));
        paths.offer(offer("p3", "p1"));
        assertThat(book.offers).isEmpty();
        paths.offer(offer("p2", "p3"));
        assertThat(book.offers).hasSize(1);
        database.set("Interface", left, Map.of("options", Map.of("offload-attach", "auto")));
        database.commit();
        paths.offer(offer("p1", "p2"));
        assertThat(book.offers).hasSize(2);
        assertThat(book.refusals)
                .containsExactly("1 original: offload-attach=none of p1", "1 original: offload-attach=none of p1");
    }

    @Test
    void aWayOfAttachingThatIsUnknownIsWarnedOfOnceAndCarriedAllTheSame() throws Exception {
        Logger log = (Logger) LoggerFactory.getLogger(SettingsReader.class);
        ListAppender<ILoggingEvent> appender = new ListAppender<>();
        appender.start();
        log.addAppender(appender);
        try {
            database.addBridge("br0", Map.of());
            database.addPort("br0", "p1", Map.of("options", Map.of("offload-attach", "xdp")));
            database.addPort("br0", "p2", Map.of("options", Map.of("offload-attach", "tc")));
            database.commit();
            otherConfig("max-idle", "9000");
        } finally {
            log.detachAppender(appender);
        }
        assertThat(appender.list)
                .extracting(ILoggingEvent::getFormattedMessage)
                .containsExactly("interface p2: offload-attach=tc: not auto, tcx, xdp or none, taken as auto");
        paths.offer(offer("p1", "p2"));
        assertThat(book.offers).hasSize(1);
    }

    @Test
    void whoCarriesKnowsHowAPortIsToBeAttached() throws Exception {
        database.addBridge("br0", Map.of());
        UUID left = database.addPort("br0", "p1", Map.of("options", Map.of("offload-attach", "xdp", "n_rxq", "1")));
        database.addPort("br0", "p2", Map.of());
        database.commit();
        assertThat(offloadOptions("p1")).isEqualTo(Map.of("attach", "xdp"));
        assertThat(offloadOptions("p2")).isEmpty();
        long before = known("p1").id();
        database.set("Interface", left, Map.of("options", Map.of()));
        database.commit();
        assertThat(offloadOptions("p1")).isEmpty();
        assertThat(pipeline.switchPorts().offloadOptions(before)).isEmpty();
    }

    private Map<String, String> offloadOptions(String port) {
        return pipeline.switchPorts().offloadOptions(known(port).id());
    }

    @Test
    void onceFollowingHasStoppedChangesHaveNoEffectAndWhatIsThereStays() throws Exception {
        database.addBridge("br0", Map.of());
        database.addPort("br0", "p1", Map.of());
        otherConfig();
        int ports = datapath.ports().size();
        reconciler.stopFollowing();
        database.set("Open_vSwitch", database.rootUuid(), Map.of("other_config", Map.of()));
        database.deletePort("br0", "p1");
        database.announce();
        reconciler.stopFollowing(); // whatever that has queued is done
        assertThat(provider.heard).containsExactly("init");
        assertThat(datapath.ports()).hasSize(ports);
    }

    /** Writes down when it is opened and closed. */
    private static final class Listening extends IdleProvider {
        private final List<String> heard = new CopyOnWriteArrayList<>();

        Listening() {
            super("listening");
        }

        @Override
        public void init(ProviderContext context) {
            heard.add(context.settings().isEmpty() ? "init" : "init " + context.settings());
        }

        @Override
        public void settingsChanged(Map<String, String> settings) {
            heard.add("settings " + settings);
        }

        @Override
        public void close() {
            heard.add("close");
        }
    }

    @Test
    void aNumberThatIsAskedForIsGivenUpByWhoHasNotAskedForIt() throws Exception {
        database.addBridge("br0", Map.of());
        database.addPort("br0", "a", Map.of());
        UUID asking = database.addPort("br0", "b", Map.of());
        database.commit();
        assertThat(ofport("a")).isEqualTo(1);
        database.set("Interface", asking, Map.of("ofport_request", 1L));
        database.commit();
        assertThat(ofport("b")).isEqualTo(1);
        assertThat(ofport("a")).isNotEqualTo(1).isPositive();
    }
}
