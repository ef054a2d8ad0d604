package io.turnstile.demo;

import com.vmware.ovsdb.exception.OvsdbClientException;
import com.vmware.ovsdb.protocol.operation.Insert;
import com.vmware.ovsdb.protocol.operation.Mutate;
import com.vmware.ovsdb.protocol.operation.Operation;
import com.vmware.ovsdb.protocol.operation.Select;
import com.vmware.ovsdb.protocol.operation.Update;
import com.vmware.ovsdb.protocol.operation.notation.Atom;
import com.vmware.ovsdb.protocol.operation.notation.Mutator;
import com.vmware.ovsdb.protocol.operation.notation.NamedUuid;
import com.vmware.ovsdb.protocol.operation.notation.Row;
import com.vmware.ovsdb.protocol.operation.notation.Value;
import com.vmware.ovsdb.protocol.operation.result.ErrorResult;
import com.vmware.ovsdb.protocol.operation.result.OperationResult;
import com.vmware.ovsdb.protocol.operation.result.SelectResult;
import com.vmware.ovsdb.service.OvsdbClient;
import com.vmware.ovsdb.service.impl.OvsdbActiveConnectionConnectorImpl;
import io.turnstile.lab.Await;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The client configures a switch through its database with the ovsdb-java client, and waits until the switch has
 * followed, as ovs-vsctl does.
 */
final class DatabaseClient implements AutoCloseable {
    private static final String DATABASE = "Open_vSwitch";
    private static final int PATIENCE_SECONDS = 10;

    private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor();
    private final OvsdbClient client;

    DatabaseClient(int port) throws Exception {
        client = new OvsdbActiveConnectionConnectorImpl(thread)
                .connect("127.0.0.1", port)
                .get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    }

    /** {@code add-br}, {@code fail_mode=secure}, and {@code add-port} of each device under its number. */
    void addBridge(String bridge, Map<Integer, String> devices) throws Exception {
        List<Operation> operations = new ArrayList<>();
        Set<Atom<NamedUuid>> ports = new HashSet<>();
        operations.add(
                new Insert("Interface", new Row().stringColumn("name", bridge).stringColumn("type", "internal"), "i0"));
        operations.add(
                new Insert("Port", new Row().stringColumn("name", bridge).namedUuidColumn("interfaces", "i0"), "p0"));
        ports.add(Atom.namedUuid("p0"));
        devices.forEach((number, device) -> {
            operations.add(new Insert(
                    "Interface",
                    new Row().stringColumn("name", device).integerColumn("ofport_request", number.longValue()),
                    "i" + number));
            operations.add(new Insert(
                    "Port",
                    new Row().stringColumn("name", device).namedUuidColumn("interfaces", "i" + number),
                    "p" + number));
            ports.add(Atom.namedUuid("p" + number));
        });
        Map<String, Value> columns = Map.of(
                "name",
                Atom.string(bridge),
                "fail_mode",
                Atom.string("secure"),
                "datapath_type",
                Atom.string("netdev"),
                "ports",
                com.vmware.ovsdb.protocol.operation.notation.Set.of(ports.toArray(Atom[]::new)));
        operations.add(new Insert("Bridge", new Row(columns), "b"));
        operations.add(new Mutate(DATABASE).mutation("bridges", Mutator.INSERT, new NamedUuid("b")));
        commit(operations);
    }

    /** {@code other_config:hw-offload=false}. */
    void setHwOffload(boolean on) throws Exception {
        setOtherConfig(Map.of("hw-offload", Boolean.toString(on)));
    }

    /** {@code other_config:hw-offload}, and {@code hw-offload-priority}: which providers are asked. */
    void setHwOffload(boolean on, String providers) throws Exception {
        setOtherConfig(Map.of("hw-offload", Boolean.toString(on), "hw-offload-priority", providers));
    }

    private void setOtherConfig(Map<String, String> settings) throws Exception {
        commit(new ArrayList<>(List.of(new Update(DATABASE, new Row().mapColumn("other_config", settings)))));
    }

    /** Commits together with a step of next_cfg and waits for cur_cfg to follow. */
    private void commit(List<Operation> operations) throws Exception {
        operations.add(new Mutate(DATABASE).mutation("next_cfg", Mutator.SUM, 1L));
        transact(operations);
        long wanted = configuration("next_cfg");
        Await.until(
                "the switch follows its database",
                Duration.ofSeconds(PATIENCE_SECONDS),
                () -> {
                    try {
                        return configuration("cur_cfg") >= wanted;
                    } catch (Exception e) {
                        throw new IllegalStateException(e);
                    }
                },
                () -> "cur_cfg stays below " + wanted);
    }

    private long configuration(String column) throws Exception {
        OperationResult[] results = transact(List.of(new Select(DATABASE).columns(column)));
        return ((SelectResult) results[0]).getRows().getFirst().getIntegerColumn(column);
    }

    private OperationResult[] transact(List<Operation> operations)
            throws OvsdbClientException, ExecutionException, InterruptedException, TimeoutException {
        OperationResult[] results = client.transact(DATABASE, operations).get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        for (OperationResult result : results) {
            if (result instanceof ErrorResult error) {
                throw new IllegalStateException(error.getError() + ": " + error.getDetails());
            }
        }
        return results;
    }

    @Override
    public void close() {
        client.shutdown();
        thread.shutdownNow();
    }
}
