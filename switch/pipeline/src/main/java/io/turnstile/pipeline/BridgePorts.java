package io.turnstile.pipeline;

import io.turnstile.datapath.DatapathFlow;
import io.turnstile.pipeline.flow.OfAction.Ports;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import io.turnstile.pipeline.flow.PortMod;
import io.turnstile.port.Port;
import io.turnstile.port.PortException;
import io.turnstile.port.PortQueue;
import io.turnstile.port.PortStatistics;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The OpenFlow ports of one bridge. A change concerns every datapath flow through the bridge.
 *
 * <p>Threads: any; {@link #get} and {@link #inOrder} under the table lock.
 */
final class BridgePorts {
    private static final int SETTABLE_CONFIG = OfPort.CONFIG_PORT_DOWN
            | OfPort.CONFIG_NO_RECV
            | OfPort.CONFIG_NO_FLOOD
            | OfPort.CONFIG_NO_FWD
            | OfPort.CONFIG_NO_PACKET_IN;
    private static final PortStatistics NO_STATISTICS = PortStatistics.ofTraffic(
            PortStatistics.UNKNOWN, PortStatistics.UNKNOWN, PortStatistics.UNKNOWN, PortStatistics.UNKNOWN);

    private final Pipeline pipeline;
    private final BridgePipeline bridge;
    private final BridgeEvents events;

    // Under the table lock.
    private final Map<Integer, OfPort> byNumber = new HashMap<>();
    private final Map<Integer, Long> sinceNs = new HashMap<>();
    private final Map<Integer, PatchCounter> patches = new HashMap<>();
    private List<OfPort> inOrder = List.of();

    BridgePorts(Pipeline pipeline, BridgePipeline bridge, BridgeEvents events) {
        this.pipeline = pipeline;
        this.bridge = bridge;
        this.events = events;
    }

    /** The port of that number, or null. */
    @Nullable
    OfPort get(int number) {
        return byNumber.get(number);
    }

    /** LOCAL first, the rest by number, as ovs-ofctl shows them. */
    List<OfPort> inOrder() {
        return inOrder;
    }

    void add(OfPort port) {
        pipeline.change(effects -> {
            if (byNumber.putIfAbsent(port.number(), port) != null) {
                throw new IllegalArgumentException(
                        "port number " + Integer.toUnsignedString(port.number()) + " is taken");
            }
            sinceNs.put(port.number(), pipeline.nowNs());
            patches.put(port.number(), new PatchCounter());
            changed(effects);
            pipeline.portLocations().map(port, locationOf(port.number()), effects);
            tellDirectory(port, effects);
            effects.afterwards(() -> events.portStatus(port, PortStatusReason.ADD));
        });
    }

    /** Lets a port go, with the addresses behind it; nothing happens if it is not there. */
    void remove(int number) {
        pipeline.change(effects -> {
            OfPort port = byNumber.get(number);
            if (port == null) {
                return;
            }
            pipeline.portLocations().unmap(port, locationOf(number), effects);
            tellDirectory(port, effects);
            byNumber.remove(number);
            sinceNs.remove(number);
            patches.remove(number);
            changed(effects);
            effects.stationsChanged(bridge.macTable(), bridge.macTable().forgetPort(number));
            effects.afterwards(() -> events.portStatus(port, PortStatusReason.DELETE));
        });
    }

    /** Takes over everything but the config bits, which stay as controllers set them. */
    void update(OfPort update) {
        revise(update.number(), old -> update.withConfig(old.config()));
    }

    /** Nothing happens if the port is not there, or stays as it is. */
    private void revise(int number, UnaryOperator<OfPort> revision) {
        pipeline.change(effects -> {
            OfPort old = byNumber.get(number);
            if (old == null) {
                return;
            }
            OfPort port = revision.apply(old);
            if (!old.equals(port)) {
                replace(old, port, effects);
            }
        });
    }

    private void replace(OfPort old, OfPort port, Effects effects) {
        PortLocation location = locationOf(port.number());
        pipeline.portLocations().unmap(old, location, effects);
        byNumber.put(port.number(), port);
        pipeline.portLocations().map(port, location, effects);
        tellDirectory(old, effects);
        tellDirectory(port, effects);
        changed(effects);
        effects.afterwards(() -> events.portStatus(port, PortStatusReason.MODIFY));
    }

    private void tellDirectory(OfPort port, Effects effects) {
        effects.afterwards(() -> pipeline.switchPorts().refresh(port.datapathPort()));
    }

    private void changed(Effects effects) {
        inOrder = byNumber.values().stream()
                .sorted(Comparator.comparing((OfPort port) -> port.number() != Ports.LOCAL)
                        .thenComparing(OfPort::number, Integer::compareUnsigned))
                .toList();
        bridge.bundles().arrange(inOrder);
        effects.everythingThrough(bridge.dependents());
    }

    private PortLocation locationOf(int number) {
        return new PortLocation(bridge, number);
    }

    /** OFPT_PORT_MOD. */
    void modify(int number, int config, int mask) throws OfException {
        pipeline.<OfException>change(effects -> {
            checkConfig(number, mask);
            reconfigure(number, config, mask, effects);
        });
    }

    /** The same as a part of a change: checked now, made when the change takes effect. */
    void prepare(PortMod mod, Effects effects) throws OfException {
        OfPort port = checkConfig(mod.portNumber(), mod.mask());
        if (port.macAddress() != mod.macAddress()) {
            throw new OfException(OfErrorCode.OFPPMFC_BAD_HW_ADDR, "not the address of port " + mod.portNumber());
        }
        effects.include(new Modification() {
            @Override
            public void takeEffect() {
                reconfigure(mod.portNumber(), mod.config(), mod.mask(), effects);
            }

            @Override
            public void undo() {
                // Nothing has been done yet.
            }

            @Override
            public boolean concernsFlows() {
                return true;
            }

            @Override
            public void collectConcerned(Collection<DatapathFlow> concerned) {
                // Those through the bridge, which are named when it takes effect.
            }

            @Override
            public void cleanUp() {
                // Nothing is kept.
            }

            @Override
            public void end() {
                // Nothing is kept.
            }
        });
    }

    private OfPort checkConfig(int number, int mask) throws OfException {
        OfPort port = byNumber.get(number);
        if (port == null) {
            throw new OfException(OfErrorCode.OFPPMFC_BAD_PORT, "no port " + Integer.toUnsignedString(number));
        }
        if ((mask & ~SETTABLE_CONFIG) != 0) {
            throw new OfException(OfErrorCode.OFPPMFC_BAD_CONFIG, "config bits 0x" + Integer.toHexString(mask));
        }
        return port;
    }

    /** Nothing happens if the port is not there, or stays as it is. */
    private void reconfigure(int number, int config, int mask, Effects effects) {
        OfPort old = byNumber.get(number);
        if (old == null) {
            return;
        }
        int changed = old.config() & ~mask | config & mask;
        if (changed != old.config()) {
            replace(old, old.withConfig(changed), effects);
            effects.afterwards(() -> setAdminUp(number, (changed & OfPort.CONFIG_PORT_DOWN) == 0));
        }
    }

    /** The link's new state is asked for at once, because a port in memory does not report it later. */
    private void setAdminUp(int number, boolean up) {
        OfPort port = byNumber.get(number);
        if (port == null) {
            return;
        }
        Port device = pipeline.datapath().port(port.datapathPort());
        if (device != null) {
            try {
                device.setAdminUp(up);
                int state = device.linkStatus().carrier() ? 0 : OfPort.STATE_LINK_DOWN;
                revise(number, old -> old.withState(state));
            } catch (PortException e) { // its device is just going; as in Open vSwitch the bit says what could be done
                int down = up ? OfPort.CONFIG_PORT_DOWN : 0;
                revise(number, old -> old.withConfig(old.config() & ~OfPort.CONFIG_PORT_DOWN | down));
            }
        }
    }

    /** The datapath's port behind the port; all ones if there is none (packets that a controller made). */
    int datapathPortOf(int number) {
        return pipeline.read(() -> {
            OfPort port = byNumber.get(number);
            return port == null ? Ports.NONE : port.datapathPort();
        });
    }

    PortStatistics statistics(int number) {
        Port port = pipeline.datapath().port(datapathPortOf(number));
        return port == null ? statisticsOfPatch(number) : port.statistics();
    }

    Map<String, Long> customCounters(int number) {
        Port port = pipeline.datapath().port(datapathPortOf(number));
        return port == null ? Map.of() : port.customCounters();
    }

    List<PortQueue> queues(int number) {
        Port port = pipeline.datapath().port(datapathPortOf(number));
        return port == null ? List.of() : port.queues();
    }

    private PortStatistics statisticsOfPatch(int number) {
        return pipeline.read(() -> {
            OfPort port = byNumber.get(number);
            PatchCounter counter = patches.get(number);
            return port == null || port.patchPeer() == null || counter == null ? NO_STATISTICS : counter.statistics();
        });
    }

    /** The counter of a port that is there. Under the table lock. */
    PatchCounter patchCounter(int number) {
        return Objects.requireNonNull(patches.get(number), "each port has one");
    }

    /** How long the port has been there; 0 if it is not. */
    long durationNs(int number) {
        return pipeline.read(() -> {
            Long since = sinceNs.get(number);
            return since == null ? 0 : pipeline.nowNs() - since;
        });
    }
}
