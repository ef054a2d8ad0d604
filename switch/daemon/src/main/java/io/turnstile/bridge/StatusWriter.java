package io.turnstile.bridge;

import io.turnstile.ovsdb.data.DatabaseSnapshot;
import io.turnstile.ovsdb.data.OvsdbBackend;
import io.turnstile.ovsdb.data.OvsdbBackend.ColumnUpdate;
import io.turnstile.time.OncePerMinute;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The writer writes back to the database what came of its configuration (ovs-vswitchd.conf.db(5), the columns called
 * status and statistics).
 *
 * <p>Threads: the reconciler's.
 */
final class StatusWriter {
    private static final Logger LOG = LoggerFactory.getLogger(StatusWriter.class);
    private static final OncePerMinute TOLD = new OncePerMinute();
    private static final long TIMEOUT_SECONDS = 10;

    private final OvsdbBackend backend;
    private final SwitchComponents components;
    private final Bridges bridges;
    private final Map<UUID, String> lastConnectionStates = new LinkedHashMap<>();

    StatusWriter(OvsdbBackend backend, SwitchComponents components, Bridges bridges) {
        this.backend = backend;
        this.components = components;
        this.bridges = bridges;
    }

    /**
     * Writes everything that a change of the configuration may have changed, and {@code cur_cfg} in the same
     * transaction.
     */
    void writeAll(DatabaseSnapshot snapshot, SwitchConfig config) {
        RowChanges changes = new RowChanges(snapshot);
        changes.set("Open_vSwitch", config.row(), RootColumns.of(components));
        config.datapathsOf(bridges.datapathKeys())
                .forEach(datapath -> changes.set("Datapath", datapath.row(), DatapathColumns.all()));
        addStatus(changes);
        addFirstStatistics(changes);
        addControllers(changes, true);
        config.nextConfig().ifPresent(next -> changes.set("Open_vSwitch", config.row(), Map.of("cur_cfg", next)));
        write(changes.updates());
    }

    /** Writes how bridges and interfaces stand. */
    void writeStatus(DatabaseSnapshot snapshot) {
        RowChanges changes = new RowChanges(snapshot);
        addStatus(changes);
        write(changes.updates());
    }

    /** Writes controllers whose connection is another than at the last look. */
    void writeControllers(DatabaseSnapshot snapshot) {
        RowChanges changes = new RowChanges(snapshot);
        addControllers(changes, false);
        write(changes.updates());
    }

    /** Writes all that changes by itself: controllers with the seconds since, status and statistics. */
    void writeStatistics(DatabaseSnapshot snapshot) {
        RowChanges changes = new RowChanges(snapshot);
        addControllers(changes, true);
        addStatus(changes);
        bridges.ifaces()
                .forEach(iface -> changes.set("Interface", iface.config().row(), InterfaceColumns.statistics(iface)));
        write(changes.updates());
    }

    private void addStatus(RowChanges changes) {
        addRefused(changes);
        for (Bridge bridge : bridges.all()) {
            changes.set(
                    "Bridge",
                    bridge.config().row(),
                    Map.of(
                            "datapath_id",
                            "%016x".formatted(bridge.pipeline().datapathId()),
                            "datapath_version",
                            "<built-in>"));
            for (Iface iface : bridge.ports().ifaces()) {
                changes.set(
                        "Interface", iface.config().row(), InterfaceColumns.status(iface, patchError(bridge, iface)));
            }
        }
    }

    /**
     * Bridges that cannot be made: as with Open vSwitch their interfaces have no port and no error; the log tells of
     * the bridge.
     */
    private void addRefused(RowChanges changes) {
        bridges.refused().forEach(bridge -> {
            changes.set("Bridge", bridge.row(), Map.of("datapath_id", List.of()));
            bridge.interfaces()
                    .forEach(config -> changes.set("Interface", config.row(), InterfaceColumns.withoutPort(List.of())));
        });
    }

    /** Counters of interfaces that have none in the database yet; the others' are due at their time only. */
    private void addFirstStatistics(RowChanges changes) {
        bridges.ifaces()
                .filter(Iface::isAttached)
                .filter(iface -> changes.isEmptyMap("Interface", iface.config().row(), "statistics"))
                .forEach(iface -> changes.set("Interface", iface.config().row(), InterfaceColumns.statistics(iface)));
    }

    /** The error of a patch port whose peer is not there, or looks elsewhere. */
    private @Nullable String patchError(Bridge bridge, Iface iface) {
        if (!iface.isAttached() || !iface.config().isPatch()) {
            return null;
        }
        String peer = iface.config().options().get("peer");
        boolean joined = bridges.ifaces()
                .anyMatch(other -> other.isAttached()
                        && other.config().isPatch()
                        && other.name().equals(peer)
                        && iface.name().equals(other.config().options().get("peer")));
        return joined
                ? null
                : "No usable peer '" + peer + "' exists in '" + bridge.config().datapathKey() + "' datapath.";
    }

    /** @param withTimes also the seconds since, which change all the time */
    private void addControllers(RowChanges changes, boolean withTimes) {
        Map<UUID, String> states = new LinkedHashMap<>();
        for (Bridge bridge : bridges.all()) {
            bridge.controllerStatus().forEach((row, status) -> {
                String state =
                        status.isConnected() + " " + status.role() + " " + status.state() + " " + status.lastError();
                states.put(row, state);
                if (withTimes || !state.equals(lastConnectionStates.get(row))) {
                    changes.set("Controller", row, ControllerColumns.of(status));
                }
            });
        }
        lastConnectionStates.clear();
        lastConnectionStates.putAll(states);
    }

    // ---- transactions ----

    private void write(List<ColumnUpdate> updates) {
        if (updates.isEmpty() || transact(updates)) {
            return;
        }
        // Something was refused; ovs-vsctl should still not wait for ever.
        List<ColumnUpdate> configured = new ArrayList<>();
        for (ColumnUpdate update : updates) {
            if (update.columns().containsKey("cur_cfg")) {
                configured.add(new ColumnUpdate(
                        update.table(),
                        update.row(),
                        Map.of("cur_cfg", update.columns().get("cur_cfg"))));
            }
        }
        if (!configured.isEmpty()) {
            transact(configured);
        }
    }

    private boolean transact(List<ColumnUpdate> updates) {
        try {
            backend.update(updates).get(TIMEOUT_SECONDS, TimeUnit.SECONDS);
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return true;
        } catch (ExecutionException | TimeoutException e) {
            if (TOLD.isDue("status", e)) {
                LOG.warn(
                        "status cannot be written to the database: {}",
                        e.getCause() == null ? "no answer" : e.getCause().getMessage());
            }
            return false;
        }
    }
}
