package io.turnstile.bridge;

import io.turnstile.pipeline.BridgePipeline;
import io.turnstile.pipeline.OfPort;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfException;
import io.turnstile.port.LinkStatus;
import io.turnstile.port.PortException;
import io.turnstile.time.OncePerMinute;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The ports of one bridge and their interfaces. Interfaces that are wanted are attached: their device is opened and the
 * pipeline has a port for them. What fails keeps its error, holds up nobody else and is tried again with the next
 * change.
 *
 * <p>Threads: the reconciler's.
 */
final class BridgePorts {
    private static final Logger LOG = LoggerFactory.getLogger(BridgePorts.class);
    private static final OncePerMinute TOLD = new OncePerMinute();
    private static final int NO_REQUEST = -1;

    private final String bridge;
    private final boolean ofDummyBridge;
    private final BridgePipeline pipeline;
    private final DatapathPorts datapathPorts;
    private final OfPortAllocator ofports = new OfPortAllocator();
    private Map<String, BridgePort> ports = new LinkedHashMap<>();
    private final Map<String, Iface> ifaces = new LinkedHashMap<>();

    BridgePorts(String bridge, boolean ofDummyBridge, BridgePipeline pipeline, DatapathPorts datapathPorts) {
        this.bridge = bridge;
        this.ofDummyBridge = ofDummyBridge;
        this.pipeline = pipeline;
        this.datapathPorts = datapathPorts;
    }

    /** The interfaces of all ports. */
    List<Iface> ifaces() {
        return List.copyOf(ifaces.values());
    }

    /** The interface of that name; null if there is none. */
    @Nullable
    Iface iface(String name) {
        return ifaces.get(name);
    }

    /** Whether an interface waits for its device. */
    boolean hasFailing() {
        return ifaces.values().stream().anyMatch(iface -> !iface.isAttached());
    }

    // ---- what the database wants ----

    /**
     * Detaches interfaces that are not wanted any more, or not as they are; done for all bridges before any of them
     * opens devices.
     */
    void deleteUnwanted(List<PortConfig> wanted) {
        Set<Iface> staying = new HashSet<>();
        Set<Integer> givenUp = givenUp(wanted);
        for (PortConfig port : wanted) {
            for (InterfaceConfig config : port.interfaces()) {
                Iface iface = ifaces.get(config.name());
                if (iface != null && canStay(iface, port, config, givenUp)) {
                    staying.add(iface);
                }
            }
        }
        for (Iface iface : ifaces()) {
            if (!staying.contains(iface)) {
                detach(iface);
                iface.port().remove(iface);
                ifaces.remove(iface.name());
            }
        }
    }

    /**
     * The OpenFlow port numbers that are given up: of interfaces that ask for another one, and of those that have the
     * other one without having asked for it. Who asks for what somebody else has asked for, too, keeps what it has.
     */
    private Set<Integer> givenUp(List<PortConfig> wanted) {
        Map<Integer, Integer> asked = new HashMap<>(); // by the number that they have
        for (PortConfig port : wanted) {
            for (InterfaceConfig config : port.interfaces()) {
                Iface iface = ifaces.get(config.name());
                if (iface != null && iface.isAttached() && !config.isLocal()) {
                    asked.put(iface.ofport(), config.ofportRequest().orElse(NO_REQUEST));
                }
            }
        }
        Set<Integer> givenUp = new HashSet<>();
        asked.forEach((has, wants) -> {
            if (wants != NO_REQUEST && !wants.equals(has) && !wants.equals(asked.get(wants))) {
                givenUp.add(has);
                givenUp.add(wants);
            }
        });
        return givenUp;
    }

    private static boolean canStay(Iface iface, PortConfig port, InterfaceConfig config, Set<Integer> givenUp) {
        boolean getsOtherOfport = iface.isAttached() && givenUp.contains(iface.ofport());
        return (config.hasDeviceOf(iface.config()) || iface.canTakeOptionsOf(config))
                && port.unsupported().equals(iface.port().config().unsupported())
                && !getsOtherOfport;
    }

    /** Makes the ports those that are wanted, and attaches what is not attached. */
    void reconfigure(List<PortConfig> wanted) {
        Map<String, BridgePort> next = new LinkedHashMap<>();
        for (PortConfig config : wanted) {
            BridgePort port = ports.getOrDefault(config.name(), new BridgePort(config));
            port.reconfigure(config, ifaces);
            next.put(config.name(), port);
        }
        ports = next;
        for (Iface iface : inOrderOfAttaching()) {
            if (!iface.isAttached()) {
                attach(iface);
            }
            iface.applySettings();
        }
    }

    /** The bridge's own port comes first; then those that ask for a number or had one, so that nobody else gets it. */
    private List<Iface> inOrderOfAttaching() {
        List<Iface> order = new ArrayList<>();
        ports.values().forEach(port -> order.addAll(port.ifaces()));
        order.sort(Comparator.comparing((Iface iface) -> !iface.config().isLocal())
                .thenComparing(iface -> iface.config().ofportRequest().isEmpty())
                .thenComparing(iface -> iface.config().ofport().isEmpty()));
        return order;
    }

    private void attach(Iface iface) {
        InterfaceConfig config = iface.config();
        String before = iface.openError();
        try {
            iface.port().config().unsupported().ifPresent(what -> {
                throw new PortException(what);
            });
            if (config.isPatch()) {
                checkPatchPeer(config);
                iface.attachPatch(ofportFor(iface));
            } else {
                openDevice(iface);
            }
            int ofport = iface.ofport();
            pipeline.addPort(iface.ofPort(iface.linkStatus()));
            LOG.info("bridge {}: added interface {} on port {}", bridge, config.name(), ofport & 0xffff);
        } catch (PortException e) {
            DatapathPorts.Opened half = iface.opened();
            iface.fail(e.getMessage());
            if (half != null) {
                datapathPorts.close(half);
            }
            if (!Objects.equals(e.getMessage(), before) && TOLD.isDue(config.name(), e)) {
                LOG.warn("bridge {}: {}", bridge, e.getMessage());
            }
        }
    }

    private static void checkPatchPeer(InterfaceConfig config) {
        String peer = config.options().getOrDefault("peer", "");
        if (peer.isEmpty()) {
            throw new PortException(config.name() + ": patch type requires valid 'peer' argument");
        }
        if (peer.equals(config.name())) {
            throw new PortException(config.name() + ": patch peer must not be self");
        }
    }

    /** Opens the device before a number is given: one that is not there takes none. */
    private void openDevice(Iface iface) {
        DatapathPorts.Opened opened = datapathPorts.open(iface.config(), ofDummyBridge);
        try {
            iface.attach(opened, ofportFor(iface));
        } catch (PortException e) {
            datapathPorts.close(opened);
            throw e;
        }
        iface.applySettings();
    }

    /**
     * The number it asks for; else what it had before its device, or the daemon before this one, went; else the next
     * one.
     */
    private int ofportFor(Iface iface) {
        InterfaceConfig config = iface.config();
        if (config.isLocal()) {
            return OfAction.Ports.LOCAL;
        }
        Set<Integer> taken = new HashSet<>();
        ifaces.values().stream().filter(Iface::isAttached).forEach(other -> taken.add(other.ofport()));
        if (config.ofportRequest().isPresent()
                && !taken.contains(config.ofportRequest().getAsInt())) {
            return config.ofportRequest().getAsInt();
        }
        if (iface.formerOfport() != Iface.NO_OFPORT && !taken.contains(iface.formerOfport())) {
            return iface.formerOfport();
        }
        if (config.ofportRequest().isEmpty()
                && config.ofport().isPresent()
                && !taken.contains(config.ofport().getAsInt())) {
            return config.ofport().getAsInt();
        }
        int number = ofports.allocate(taken);
        if (number == OfAction.Ports.NONE) {
            throw new PortException(config.name() + ": no OpenFlow port number is free");
        }
        return number;
    }

    private void detach(Iface iface) {
        if (!iface.isAttached()) {
            return;
        }
        pipeline.removePort(iface.ofport());
        if (iface.opened() != null) {
            datapathPorts.close(iface.opened());
        }
        LOG.info("bridge {}: deleted interface {} on port {}", bridge, iface.name(), iface.ofport() & 0xffff);
    }

    void detachAll() {
        ifaces.values().forEach(this::detach);
        ifaces.clear();
        ports.clear();
    }

    // ---- what the devices say ----

    /** Takes over links' present state; an interface whose device is gone fails from now on. */
    void refreshLinks() {
        for (Iface iface : ifaces.values()) {
            if (!iface.isAttached()) {
                continue;
            }
            try {
                refreshLink(iface, iface.linkStatus());
            } catch (PortException e) {
                LOG.warn("bridge {}: device {} is gone", bridge, iface.name());
                detach(iface);
                iface.fail(PortException.noSuchDevice(iface.name()).getMessage());
            }
        }
    }

    private void refreshLink(Iface iface, LinkStatus status) {
        OfPort now = iface.ofPort(status);
        pipeline.updatePort(now);
        try {
            pipeline.modifyPort(now.number(), now.config(), OfPort.CONFIG_PORT_DOWN);
        } catch (OfException e) {
            throw new IllegalStateException("port " + now + " was there a moment ago", e);
        }
    }
}
