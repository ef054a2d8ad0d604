package io.turnstile.bridge;

import io.turnstile.openflow.AllowedVersions;
import io.turnstile.openflow.BridgeAgent;
import io.turnstile.openflow.ControllerStatus;
import io.turnstile.openflow.ControllerTarget;
import io.turnstile.pipeline.BridgePipeline;
import io.turnstile.time.OncePerMinute;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One bridge: its pipeline, its OpenFlow listeners and controllers, its {@link BridgePorts} and its address.
 *
 * <p>Threads: the reconciler's.
 */
final class Bridge {
    private static final Logger LOG = LoggerFactory.getLogger(Bridge.class);
    private static final OncePerMinute TOLD = new OncePerMinute();
    private static final int DEFAULT_MAC_AGING_SECONDS = 300;
    private static final int DEFAULT_MAC_TABLE_SIZE = 8192;

    private final SwitchComponents components;
    private final BridgePipeline pipeline;
    private final BridgeAgent agent;
    private final BridgePorts ports;
    private final SettingsReader settings;
    private final BridgeAddress address;
    private BridgeConfig config;
    private boolean listens;
    private List<UUID> controllerRows = List.of();
    /** Said once. */
    private Set<String> objections = Set.of();

    /** Makes a bridge without ports; {@link #reconfigure} brings them. */
    Bridge(BridgeConfig config, SwitchComponents components, DatapathPorts datapathPorts) {
        this.config = config;
        this.components = components;
        String name = config.name();
        settings = new SettingsReader("bridge " + name + " other_config");
        pipeline = components.pipeline().addBridge(name, 0);
        ports = new BridgePorts(name, config.isDummy(), pipeline, datapathPorts);
        address = new BridgeAddress(name, pipeline, settings);
        agent = components.openFlow().attach(pipeline);
    }

    /** Once the bridge is as it is wanted: flows of who comes earlier would go with the mode that it began in. */
    private void listen() {
        if (listens) {
            return;
        }
        listens = true;
        Path runDirectory = components.runDirectory();
        try {
            agent.listen("punix:" + runDirectory.resolve(config.name() + ".mgmt"));
            agent.listenSnoop("punix:" + runDirectory.resolve(config.name() + ".snoop"));
        } catch (IOException | RuntimeException e) {
            warn(e);
        }
    }

    BridgeConfig config() {
        return config;
    }

    BridgePipeline pipeline() {
        return pipeline;
    }

    BridgePorts ports() {
        return ports;
    }

    /** Whether the bridge can become the wanted one without being made anew. */
    boolean canBecome(BridgeConfig wanted) {
        return wanted.isDummy() == config.isDummy() && wanted.row().equals(config.row());
    }

    /**
     * Takes over what is wanted. What fails is remembered with its error and does not hold up the rest.
     *
     * @param connects whether controllers are connected to, rather than only known to be there
     */
    void reconfigure(BridgeConfig wanted, boolean connects) {
        config = wanted;
        Map<UUID, ControllerTarget> controllers = allowedControllers();
        try {
            configurePipeline(controllers); // before the ports: no packet meets the mode that the bridge began in
            ports.reconfigure(wanted.ports());
            address.reconfigure(wanted.otherConfig(), ports);
            setControllers(connects ? controllers : Map.of());
            ports.refreshLinks();
        } finally {
            listen();
        }
    }

    private void configurePipeline(Map<UUID, ControllerTarget> controllers) {
        pipeline.setFailMode(config.secure() ? BridgePipeline.FailMode.SECURE : BridgePipeline.FailMode.STANDALONE);
        int aging = settings.number(config.otherConfig(), "mac-aging-time", 0, DEFAULT_MAC_AGING_SECONDS);
        int size = settings.number(config.otherConfig(), "mac-table-size", 0, DEFAULT_MAC_TABLE_SIZE);
        pipeline.configureMacTable(
                aging == 0 ? DEFAULT_MAC_AGING_SECONDS : aging, size == 0 ? DEFAULT_MAC_TABLE_SIZE : size);
        pipeline.setFloodVlans(config.floodVlans());
        pipeline.setForwardsReserved("true".equals(config.otherConfig().get("forward-bpdu")));
        pipeline.configureTables(config.flowTables());
        pipeline.setBundles(config.ports().stream().map(PortConfig::bundle).toList());
        // Who connects to a passive target is a tool, not the controller that the bridge waits for.
        pipeline.setControllersConfigured(!controllers.values().stream().allMatch(ControllerTarget::isPassive));
    }

    /** The controllers that may be used, by row; what speaks against the others is said once. */
    private Map<UUID, ControllerTarget> allowedControllers() {
        Map<UUID, ControllerTarget> allowed = new LinkedHashMap<>();
        Set<String> objectionsNow = new HashSet<>();
        SelfConfinement confinement = new SelfConfinement(components.runDirectory());
        config.controllers().forEach((row, target) -> {
            String objection = confinement.objectionToController(config.name(), target.target());
            if (objection == null) {
                allowed.put(row, target.withTarget(confinement.resolved(target.target())));
            } else {
                objectionsNow.add(objection);
            }
        });
        objectionsNow.stream()
                .filter(objection -> !objections.contains(objection))
                .forEach(objection -> LOG.error("bridge {}: {}", config.name(), objection));
        objections = objectionsNow;
        return allowed;
    }

    private void setControllers(Map<UUID, ControllerTarget> controllers) {
        try {
            agent.setVersions(AllowedVersions.named(config.protocols()));
            agent.setControllers(List.copyOf(controllers.values()));
            controllerRows = List.copyOf(controllers.keySet());
        } catch (IOException | RuntimeException e) {
            controllerRows = List.of();
            warn(e);
        }
    }

    private void warn(Exception failure) {
        if (TOLD.isDue(config.name(), failure)) {
            LOG.warn("bridge {}: {}", config.name(), failure.getMessage());
        }
    }

    /** How the controllers stand, by row. */
    Map<UUID, ControllerStatus> controllerStatus() {
        Map<UUID, ControllerStatus> byRow = new LinkedHashMap<>();
        List<ControllerStatus> statuses = agent.controllerStatus();
        for (int i = 0; i < Math.min(statuses.size(), controllerRows.size()); i++) {
            byRow.put(controllerRows.get(i), statuses.get(i));
        }
        return byRow;
    }

    /** Ends everything that belongs to the bridge. */
    void close() {
        agent.close();
        ports.detachAll();
        components.pipeline().removeBridge(config.name());
    }
}
