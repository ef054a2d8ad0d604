package io.turnstile.bridge;

import io.turnstile.openflow.BridgeAgent;
import io.turnstile.openflow.ControllerStatus;
import io.turnstile.openflow.ControllerTarget;
import io.turnstile.openflow.OpenFlowAgent;
import io.turnstile.pipeline.BridgePipeline;
import io.turnstile.pipeline.OfAction;
import io.turnstile.pipeline.OfException;
import io.turnstile.pipeline.OfPort;
import io.turnstile.pipeline.Pipeline;
import io.turnstile.port.LinkStatus;
import io.turnstile.port.PortException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One bridge as it stands: its pipeline, its OpenFlow listeners and its interfaces.
 *
 * <p>Threads: the reconciler's.
 */
final class Bridge {
    private static final Logger LOG = LoggerFactory.getLogger(Bridge.class);
    private static final long LOCALLY_ADMINISTERED = 0x0200_0000_0000L;
    private static final long STATION_BITS = 0xfcff_ffff_ffffL;
    private static final int DEFAULT_MAC_AGING_SECONDS = 300;
    private static final int DEFAULT_MAC_TABLE_SIZE = 8192;

    private final Pipeline pipeline;
    private final DatapathPorts shelf;
    private final BridgePipeline bridge;
    private final BridgeAgent agent;
    private final OfPortAllocator numbers = new OfPortAllocator();
    private final Map<String, Iface> interfaces = new LinkedHashMap<>();
    /** The bridge's address while none of its ports lends it one. */
    private final long ownMac = ThreadLocalRandom.current().nextLong() & STATION_BITS | LOCALLY_ADMINISTERED;

    private final SettingsReader values;
    private BridgeConfig config;
    private List<UUID> controllerRows = List.of();

    Bridge(BridgeConfig config, Pipeline pipeline, DatapathPorts shelf, OpenFlowAgent openFlow, Path runDirectory) {
        this.config = config;
        this.values = new SettingsReader("bridge " + config.name() + " other_config");
        this.pipeline = pipeline;
        this.shelf = shelf;
        this.bridge = pipeline.addBridge(config.name(), 0);
        this.agent = openFlow.attach(bridge);
        listen(runDirectory);
    }

    private void listen(Path runDirectory) {
        try {
            agent.listen("punix:" + runDirectory.resolve(config.name() + ".mgmt"));
            agent.listenSnoop("punix:" + runDirectory.resolve(config.name() + ".snoop"));
        } catch (IOException | RuntimeException e) {
            LOG.warn("bridge {}: {}", config.name(), e.getMessage());
        }
    }

    BridgeConfig config() {
        return config;
    }

    BridgePipeline pipeline() {
        return bridge;
    }

    Collection<Iface> interfaces() {
        return interfaces.values();
    }

    /** Whether the present bridge can become the wanted one without being made anew. */
    boolean canBecome(BridgeConfig wanted) {
        return wanted.isDummy() == config.isDummy() && wanted.row().equals(config.row());
    }

    // ---- the database's wishes ----

    /** Lets go what is not wanted any more; done for all bridges before any of them takes new devices. */
    void removeUnwanted(BridgeConfig wanted) {
        Map<String, InterfaceConfig> byName = new LinkedHashMap<>();
        wanted.interfaces().forEach(wish -> byName.put(wish.name(), wish));
        for (Iface present : List.copyOf(interfaces.values())) {
            InterfaceConfig wish = byName.get(present.config().name());
            if (wish == null || !wish.samePort(present.config()) || wantsOtherNumber(wish, present)) {
                unplug(present);
                interfaces.remove(present.config().name());
            }
        }
    }

    private static boolean wantsOtherNumber(InterfaceConfig wish, Iface present) {
        return present.isPluggedIn()
                && !wish.isLocal()
                && wish.requested().isPresent()
                && wish.requested().getAsInt() != present.number();
    }

    /** Takes over what is wanted. What fails is remembered with its error and does not hold up the rest. */
    void become(BridgeConfig wanted) {
        config = wanted;
        List<InterfaceConfig> order = new ArrayList<>(wanted.interfaces());
        // The bridge's own port first; then those that ask for a number or had one, so that nobody else has it.
        order.sort(Comparator.comparing((InterfaceConfig wish) -> !wish.isLocal())
                .thenComparing(wish -> wish.requested().isEmpty())
                .thenComparing(wish -> wish.shown().isEmpty()));
        for (InterfaceConfig wish : order) {
            Iface present = interfaces.computeIfAbsent(wish.name(), name -> new Iface(wish));
            present.setConfig(wish);
            if (!present.isPluggedIn()) {
                plugIn(present);
            }
            present.applySettings();
        }
        chooseAddress();
        configureBehaviour();
        configureControllers();
        refreshLinks();
    }

    private void plugIn(Iface present) {
        InterfaceConfig wish = present.config();
        String before = present.openError();
        try {
            if (wish.unsupported() != null) {
                throw new PortException(wish.unsupported());
            }
            if (wish.isPatch()) {
                checkPeer(wish);
                present.plugInPatch(numberFor(present));
            } else {
                open(present);
            }
            int number = present.number();
            bridge.addPort(present.ofPort(present.linkStatus()));
            LOG.info("bridge {}: added interface {} on port {}", config.name(), wish.name(), number & 0xffff);
        } catch (PortException e) {
            DatapathPorts.Opened half = present.opened();
            present.fail(e.getMessage());
            if (half != null) {
                shelf.close(half);
            }
            if (!e.getMessage().equals(before)) {
                LOG.warn("bridge {}: {}", config.name(), e.getMessage());
            }
        }
    }

    private static void checkPeer(InterfaceConfig wish) {
        String peer = wish.options().getOrDefault("peer", "");
        if (peer.isEmpty()) {
            throw new PortException(wish.name() + ": patch type requires valid 'peer' argument");
        }
        if (peer.equals(wish.name())) {
            throw new PortException(wish.name() + ": patch peer must not be self");
        }
    }

    /** The device first: one that is not there takes no number. */
    private void open(Iface present) {
        DatapathPorts.Opened opened = shelf.open(present.config(), config.isDummy());
        try {
            present.plugIn(opened, numberFor(present));
        } catch (PortException e) {
            shelf.close(opened);
            throw e;
        }
        present.applySettings();
    }

    /** What it asks for; else what it had before its device, or the daemon before this one, went; else the next one. */
    private int numberFor(Iface present) {
        InterfaceConfig wish = present.config();
        if (wish.isLocal()) {
            return OfAction.Ports.LOCAL;
        }
        Set<Integer> taken = new HashSet<>();
        interfaces.values().stream().filter(Iface::isPluggedIn).forEach(other -> taken.add(other.number()));
        if (wish.requested().isPresent() && !taken.contains(wish.requested().getAsInt())) {
            return wish.requested().getAsInt();
        }
        if (present.formerNumber() != Iface.NO_NUMBER && !taken.contains(present.formerNumber())) {
            return present.formerNumber();
        }
        if (wish.requested().isEmpty()
                && wish.shown().isPresent()
                && !taken.contains(wish.shown().getAsInt())) {
            return wish.shown().getAsInt();
        }
        int number = numbers.next(taken);
        if (number == OfAction.Ports.NONE) {
            throw new PortException(wish.name() + ": no OpenFlow port number is free");
        }
        return number;
    }

    private void unplug(Iface present) {
        if (!present.isPluggedIn()) {
            return;
        }
        bridge.removePort(present.number());
        if (present.opened() != null) {
            shelf.close(present.opened());
        }
        LOG.info(
                "bridge {}: deleted interface {} on port {}",
                config.name(),
                present.config().name(),
                present.number() & 0xffff);
    }

    /** hwaddr, else the lowest address of the ports, else one of its own; the datapath id follows it. */
    private void chooseAddress() {
        Iface local = interfaces.get(config.name());
        String hwaddr = config.otherConfig().get("hwaddr");
        OptionalLong wanted = MacText.parseStation(hwaddr);
        values.check("hwaddr", hwaddr, hwaddr == null || wanted.isPresent(), "not the address of one station, ignored");
        if (wanted.isEmpty()) {
            wanted = interfaces.values().stream()
                    .filter(port -> port.port() != null && !port.port().type().endsWith("internal"))
                    .mapToLong(port -> port.linkStatus().macAddress())
                    .filter(MacText::isUsableForBridge)
                    .min();
        }
        long mac = wanted.orElse(ownMac);
        if (local != null && local.port() != null && local.port().linkStatus().macAddress() != mac) {
            try {
                local.port().setMacAddress(mac);
            } catch (PortException e) {
                LOG.warn("bridge {}: {}", config.name(), e.getMessage());
            }
        }
        long id = datapathId(mac);
        if (bridge.datapathId() != id) {
            bridge.setDatapathId(id);
            LOG.info("bridge {}: using datapath ID {}", config.name(), "%016x".formatted(id));
        }
    }

    private long datapathId(long mac) {
        String text = config.otherConfig().get("datapath-id");
        String digits = text == null ? "" : text.startsWith("0x") ? text.substring(2) : text;
        boolean valid = digits.matches("[0-9a-fA-F]{1,16}") && (text.startsWith("0x") || digits.length() == 16);
        long id = valid ? Long.parseUnsignedLong(digits, 16) : 0;
        values.check(
                "datapath-id", text, text == null || id != 0, "not 16 hexadecimal digits other than zero, ignored");
        return id != 0 ? id : mac;
    }

    private void configureBehaviour() {
        bridge.setFailMode(config.secure() ? BridgePipeline.FailMode.SECURE : BridgePipeline.FailMode.STANDALONE);
        int aging = values.number(config.otherConfig(), "mac-aging-time", 0, DEFAULT_MAC_AGING_SECONDS);
        int size = values.number(config.otherConfig(), "mac-table-size", 0, DEFAULT_MAC_TABLE_SIZE);
        bridge.configureMacTable(
                aging == 0 ? DEFAULT_MAC_AGING_SECONDS : aging, size == 0 ? DEFAULT_MAC_TABLE_SIZE : size);
    }

    private void configureControllers() {
        List<UUID> rows = new ArrayList<>();
        List<ControllerTarget> targets = new ArrayList<>();
        config.controllers().forEach((row, target) -> {
            rows.add(row);
            targets.add(target);
        });
        // Who calls by himself is a tool, not the one that the bridge waits for.
        bridge.setControllersConfigured(!targets.stream().allMatch(ControllerTarget::isPassive));
        try {
            agent.setControllers(targets);
            controllerRows = List.copyOf(rows);
        } catch (IOException | RuntimeException e) {
            controllerRows = List.of();
            LOG.warn("bridge {}: {}", config.name(), e.getMessage());
        }
    }

    // ---- the devices' news ----

    /** Takes over links' present state; an interface whose device is gone fails from now on. */
    void refreshLinks() {
        for (Iface present : interfaces.values()) {
            if (!present.isPluggedIn()) {
                continue;
            }
            try {
                refreshLink(present, present.linkStatus());
            } catch (PortException e) {
                String name = present.config().name();
                LOG.warn("bridge {}: device {} is gone", config.name(), name);
                unplug(present);
                present.fail("could not open network device " + name + " (No such device)");
            }
        }
    }

    private void refreshLink(Iface present, LinkStatus status) {
        OfPort now = present.ofPort(status);
        bridge.updatePort(now);
        try {
            bridge.modifyPort(now.number(), now.config(), OfPort.CONFIG_PORT_DOWN);
        } catch (OfException e) {
            throw new IllegalStateException("port " + now + " was there a moment ago", e);
        }
    }

    /** True if an interface waits for its device. */
    boolean hasFailing() {
        return interfaces.values().stream().anyMatch(present -> !present.isPluggedIn());
    }

    // ---- what is written back ----

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
        interfaces.values().forEach(this::unplug);
        interfaces.clear();
        pipeline.removeBridge(config.name());
    }
}
