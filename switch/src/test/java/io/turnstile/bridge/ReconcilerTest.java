package io.turnstile.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.netty.channel.EventLoopGroup;
import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.datapath.Datapath;
import io.turnstile.datapath.ForwardingThreads;
import io.turnstile.offload.OffloadDispatcher;
import io.turnstile.offload.ProviderRegistry;
import io.turnstile.openflow.OpenFlowAgent;
import io.turnstile.ovsdb.data.DatabaseSnapshot;
import io.turnstile.ovsdb.data.Row;
import io.turnstile.ovsdb.server.EmbeddedOvsdb;
import io.turnstile.pipeline.Pipeline;
import io.turnstile.port.DummyPort;
import io.turnstile.port.PortException;
import io.turnstile.time.Clock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Against the embedded database in memory and dummy devices: what is asked for, and what is written back. */
class ReconcilerTest {
    private static final long PATIENCE_SECONDS = 10;

    @TempDir
    Path folder;
    private final ObjectMapper json = new ObjectMapper();
    private final EmbeddedOvsdb database = new EmbeddedOvsdb(null, List.of());
    private final LinkedBlockingQueue<DatabaseSnapshot> snapshots = new LinkedBlockingQueue<>();
    private final List<List<String>> managers = new CopyOnWriteArrayList<>();
    private final ConnectionTracker tracker = new ConnectionTracker(Clock.system(), 1000);
    private final OffloadDispatcher offload = new OffloadDispatcher(tracker, Clock.system(), number -> null);
    private final Datapath datapath = new Datapath(tracker, Clock.system());
    private final Pipeline pipeline = new Pipeline(datapath, Clock.system());
    private final ForwardingThreads threads = new ForwardingThreads(datapath, 1);
    private final EventLoopGroup openFlow = OpenFlowAgent.newEventLoop();
    private volatile boolean devicesPresent;
    private Reconciler reconciler;
    private DatabaseSnapshot latest;
    private long configurations;

    @BeforeEach
    void start() {
        reconciler = new Reconciler(database, new SwitchParts(pipeline, datapath, threads, (type, name, options) -> {
            if (devicesPresent) {
                return new DummyPort(name);
            }
            throw new PortException("could not open network device " + name + " (No such device)");
        }, Dummies.ALLOWED, new OpenFlowAgent(openFlow), offload, ProviderRegistry.of(List.of()), Clock.system(), folder, "9.9",
                "8.8.0", managers::add));
        database.follow(snapshots::add);
        reconciler.start();
        await("a root row that bears our version", snapshot -> root(snapshot) != null
                && root(snapshot).string("ovs_version").isPresent());
    }

    @AfterEach
    void stop() {
        reconciler.close();
        offload.close();
        threads.close();
        openFlow.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        database.close();
    }

    private static Row root(DatabaseSnapshot snapshot) {
        return snapshot.table("Open_vSwitch").values().stream().findFirst().orElse(null);
    }

    private void await(String what, Predicate<DatabaseSnapshot> reached) {
        try {
            while (latest == null || !reached.test(latest)) {
                latest = snapshots.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
                assertThat(latest).as(what).isNotNull();
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Transacts as ovs-vsctl does: raises next_cfg, and waits for cur_cfg to follow. */
    private void configure(String... operations) throws JsonProcessingException {
        List<JsonNode> all = new ArrayList<>();
        for (String operation : operations) {
            all.add(json.readTree(operation.replace('\'', '"')));
        }
        configurations++;
        all.add(json.readTree("{\"op\":\"update\",\"table\":\"Open_vSwitch\",\"where\":[],\"row\":{\"next_cfg\":"
                + configurations + "}}"));
        database.transact(all).join();
        await("cur_cfg", snapshot -> root(snapshot).integer("cur_cfg").orElse(0L) == configurations);
    }

    private static String[] bridge(String... interfaces) {
        List<String> operations = new ArrayList<>();
        StringBuilder ports = new StringBuilder();
        List<String> all = new ArrayList<>(List.of("'name':'br0','type':'internal'"));
        all.addAll(List.of(interfaces));
        for (int i = 0; i < all.size(); i++) {
            String name = all.get(i).split("'")[3];
            operations.add("{'op':'insert','table':'Interface','uuid-name':'i" + i + "','row':{" + all.get(i) + "}}");
            operations.add("{'op':'insert','table':'Port','uuid-name':'p" + i + "','row':{'name':'" + name
                    + "','interfaces':['named-uuid','i" + i + "']}}");
            ports.append(i == 0 ? "" : ",").append("['named-uuid','p").append(i).append("']");
        }
        operations.add("{'op':'insert','table':'Bridge','uuid-name':'b','row':{'name':'br0','datapath_type':'dummy',"
                + "'ports':['set',[" + ports + "]]}}");
        operations.add("{'op':'update','table':'Open_vSwitch','where':[],'row':{'bridges':['named-uuid','b']}}");
        return operations.toArray(String[]::new);
    }

    private Row rowOf(String table, String name) {
        return latest.table(table).values().stream().filter(row -> row.string("name").orElse("").equals(name)).findFirst()
                .orElseThrow();
    }

    private Row interfaceOf(String name) {
        return rowOf("Interface", name);
    }

    @Test
    void theSwitchSaysWhatItIs() {
        assertThat(root(latest).string("ovs_version")).contains("9.9");
        assertThat(root(latest).set("iface_types")).contains("dummy", "internal", "patch", "system", "tap");
        assertThat(root(latest).bool("dpdk_initialized")).contains(false);
    }

    @Test
    void aBridgeIsMadeAndItsPortsAreNumbered() throws Exception {
        configure(bridge("'name':'p1','type':'dummy'", "'name':'p2','type':'dummy','ofport_request':7"));
        assertThat(interfaceOf("br0").integer("ofport")).contains(65534L);
        assertThat(interfaceOf("p1").integer("ofport")).contains(1L);
        assertThat(interfaceOf("p2").integer("ofport")).contains(7L);
        assertThat(interfaceOf("p1").string("link_state")).contains("up");
        assertThat(rowOf("Bridge", "br0").string("datapath_id"))
                .contains("0000" + interfaceOf("br0").string("mac_in_use").orElseThrow().replace(":", ""));
        assertThat(Files.exists(folder.resolve("br0.mgmt"))).isTrue();
    }

    @Test
    void aMissingDeviceIsNamedAndTakenOnceItAppears() throws Exception {
        configure(bridge("'name':'eth9'", "'name':'p1','type':'dummy'"));
        assertThat(interfaceOf("eth9").integer("ofport")).contains(-1L);
        assertThat(interfaceOf("eth9").string("error")).contains("could not open network device eth9 (No such device)");
        assertThat(interfaceOf("p1").integer("ofport")).as("not held up").contains(1L);
        devicesPresent = true;
        reconciler.onLinkChange();
        await("eth9 is taken", snapshot -> snapshot.table("Interface").values().stream()
                .anyMatch(row -> row.string("name").orElse("").equals("eth9") && row.integer("ofport").orElse(-1L) > 0));
        assertThat(interfaceOf("eth9").string("error")).isEmpty();
    }

    @Test
    void aRequestedNumberIsTakenOverLive() throws Exception {
        configure(bridge("'name':'p1','type':'dummy'"));
        configure("{'op':'update','table':'Interface','where':[['name','==','p1']],'row':{'ofport_request':42}}");
        assertThat(interfaceOf("p1").integer("ofport")).contains(42L);
        assertThat(pipeline.bridge("br0").ports()).anyMatch(port -> port.number() == 42);
    }

    @Test
    void aBridgeThatIsRemovedLeavesNothing() throws Exception {
        configure(bridge("'name':'p1','type':'dummy'"));
        configure("{'op':'update','table':'Open_vSwitch','where':[],'row':{'bridges':['set',[]]}}");
        assertThat(pipeline.bridge("br0")).isNull();
        assertThat(datapath.ports().values()).noneMatch(port -> port.name().equals("p1") || port.name().equals("br0"));
        assertThat(Files.exists(folder.resolve("br0.mgmt"))).isFalse();
    }

    @Test
    void theDatapathIdMayBeChosen() throws Exception {
        configure(bridge());
        configure("{'op':'update','table':'Bridge','where':[],'row':{'other_config':"
                + "['map',[['datapath-id','00000000000000aa']]]}}");
        assertThat(rowOf("Bridge", "br0").string("datapath_id")).contains("00000000000000aa");
        assertThat(pipeline.bridge("br0").datapathId()).isEqualTo(0xaa);
    }

    @Test
    void aPatchPortWithoutItsPeerSaysSo() throws Exception {
        configure(bridge("'name':'pp','type':'patch','options':['map',[['peer','qq']]]"));
        assertThat(interfaceOf("pp").string("error")).contains("No usable peer 'qq' exists in 'dummy' datapath.");
        assertThat(interfaceOf("pp").integer("ofport")).contains(1L);
    }

    @Test
    void whatIsNotSupportedIsRefusedRatherThanIgnored() throws Exception {
        configure(bridge("'name':'p1','type':'dummy'"));
        configure("{'op':'update','table':'Port','where':[['name','==','p1']],'row':{'tag':10}}");
        assertThat(interfaceOf("p1").string("error").orElse("")).contains("not supported");
        assertThat(interfaceOf("p1").integer("ofport")).contains(-1L);
    }

    @Test
    void theOffloadKnobTurnsBothWays() throws Exception {
        for (int round = 0; round < 2; round++) {
            configure("{'op':'update','table':'Open_vSwitch','where':[],'row':{'other_config':"
                    + "['map',[['hw-offload','true']]]}}");
            assertThat(offload.isEnabled()).isTrue();
            configure("{'op':'update','table':'Open_vSwitch','where':[],'row':{'other_config':"
                    + "['map',[['hw-offload','perhaps']]]}}");
            assertThat(offload.isEnabled()).isFalse();
        }
    }

    @Test
    void managersAreHandedOn() throws Exception {
        configure("{'op':'insert','table':'Manager','uuid-name':'m','row':{'target':'ptcp:0:127.0.0.1'}}",
                "{'op':'update','table':'Open_vSwitch','where':[],'row':{'manager_options':['named-uuid','m']}}");
        assertThat(managers.getLast()).containsExactly("ptcp:0:127.0.0.1");
    }
}
