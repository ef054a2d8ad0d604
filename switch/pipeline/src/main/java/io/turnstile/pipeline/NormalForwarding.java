package io.turnstile.pipeline;

import io.turnstile.datapath.DropReason;
import io.turnstile.datapath.Field;
import io.turnstile.packet.EtherTypes;
import io.turnstile.pipeline.flow.OfAction.Ports;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The NORMAL action: an Ethernet switch with VLANs that learns addresses (IEEE 802.1Q §8, as far as Open vSwitch goes
 * along). What a Port does with tags is in {@link NormalVlans}.
 *
 * <p>Threads: one, under the table lock.
 */
final class NormalForwarding {
    private static final long BROADCAST = 0xffff_ffff_ffffL;
    private static final int ARP_REQUEST = 1;
    private static final int ARP_REPLY = 2;

    private final Walk walk;
    private final OutputActions outputs;
    private final NormalVlans vlans;

    NormalForwarding(Walk walk, OutputActions outputs) {
        this.walk = walk;
        this.outputs = outputs;
        this.vlans = new NormalVlans(walk);
    }

    void forward(boolean last) {
        lookAtAddresses();
        int inPort = walk.state.inPort();
        BridgePipeline bridge = walk.state.bridge;
        walk.recorder.restsOn(bridge.bundles().normal());
        Bundle in = bridge.bundles().of(inPort);
        if (in == null && inPort != Ports.NONE && inPort != Ports.CONTROLLER) {
            walk.report.warning("no input bundle, dropping");
            return;
        }
        if (in != null) {
            walk.recorder.restsOn(in.dependents);
        }
        if (!isAdmissible(in)) {
            return;
        }
        // Who sends from nowhere is in no VLAN but that of the packet.
        PortVlan inVlan = in == null ? PortVlan.TRUNK : in.vlan;
        VlanStack inside = vlans.inside(inVlan);
        int vlan = inside.outerVlan();
        boolean announces = isGratuitousArp();
        long source = Field.ETH_SRC.get(walk.state.key);
        if (in != null && !isMulticast(source)) {
            walk.recorder.sighted(
                    bridge, new MacTable.Station(vlan, source), new MacTable.Sight(in.port(), announces, in.isBond()));
        }
        long destination = Field.ETH_DST.get(walk.state.key);
        if (isMulticast(destination)) {
            walk.report.detail("no learned MAC for destination, flooding");
            flood(in, inside, last);
        } else {
            toStation(new MacTable.Station(vlan, destination), in, inside, last);
        }
    }

    private void lookAtAddresses() {
        Field.ETH_SRC.setExact(walk.wildcards);
        Field.ETH_DST.setExact(walk.wildcards);
        vlans.lookAtOuter();
    }

    /** @param in null for a packet that comes in by none */
    private boolean isAdmissible(@Nullable Bundle in) {
        VlanStack tags = walk.state.vlan();
        if (tags.outer() == null && EtherTypes.isTag(tags.innerType())) {
            walk.report.warning("partial VLAN tag, dropping");
            walk.dropBecause(DropReason.VLAN_PARTIAL);
            return false;
        }
        if (in == null) {
            return true;
        }
        if (!in.vlan.admits(tags.outerVlan())) {
            walk.report.vlanRefused(in.name, in.vlan, tags.outerVlan());
            walk.report.warning("disallowed VLAN VID for this input port, dropping");
            walk.dropBecause(DropReason.VLAN_REFUSED);
            return false;
        }
        if (ReservedAddresses.contains(Field.ETH_DST.get(walk.state.key))) {
            walk.recorder.restsOn(walk.state.bridge.reservedReaders());
            if (!walk.state.bridge.forwardsReserved()) {
                walk.report.detail("packet has reserved destination MAC, dropping");
                walk.dropBecause(DropReason.RESERVED_DESTINATION);
                return false;
            }
        }
        return true;
    }

    /** Whether the packet tells everybody where its sender is now, as a virtual machine does that has moved. */
    private boolean isGratuitousArp() {
        long[] key = walk.state.key;
        if (Field.ETH_TYPE.get(key) != EtherTypes.ARP || Field.ETH_DST.get(key) != BROADCAST) {
            return false;
        }
        Field.NW_PROTO.setExact(walk.wildcards);
        long operation = Field.NW_PROTO.get(key);
        if (operation != ARP_REQUEST) {
            return operation == ARP_REPLY;
        }
        Field.NW_SRC.setExact(walk.wildcards);
        Field.NW_DST.setExact(walk.wildcards);
        return Field.NW_SRC.get(key) == Field.NW_DST.get(key);
    }

    private void flood(@Nullable Bundle in, VlanStack inside, boolean last) {
        walk.recorder.restsOn(walk.state.bridge.bundles().floods());
        List<Bundle> out = new ArrayList<>();
        for (Bundle bundle : walk.state.bridge.bundles().inOrder()) {
            if (bundle != in && isFloodable(bundle) && vlans.includes(bundle.vlan, inside)) {
                out.add(bundle);
            }
        }
        for (int i = 0; i < out.size(); i++) {
            send(out.get(i), inside, last && i == out.size() - 1);
        }
    }

    private boolean isFloodable(Bundle bundle) {
        for (int number : bundle.ports) {
            OfPort port = walk.state.bridge.port(number);
            if (port != null && (port.config() & OfPort.CONFIG_NO_FLOOD) != 0) {
                return false;
            }
        }
        return true;
    }

    private void toStation(MacTable.Station station, @Nullable Bundle in, VlanStack inside, boolean last) {
        BridgePipeline bridge = walk.state.bridge;
        walk.recorder.read(bridge.macTable(), station);
        Integer port = locate(station);
        Bundle bundle = port == null ? null : bridge.bundles().of(port);
        if (port == null) {
            walk.report.detail("no learned MAC for destination, flooding");
            flood(in, inside, last);
        } else if (bundle == null) {
            walk.report.warning("learned port is unknown, dropping");
        } else if (bundle == in) {
            walk.report.detail("learned port is input port, dropping");
        } else {
            walk.report.detail("forwarding to learned port");
            walk.recorder.restsOn(bundle.dependents);
            send(bundle, inside, last);
        }
    }

    /** Where the station is: seen on this very walk, as a packet to itself is, or before. */
    private @Nullable Integer locate(MacTable.Station station) {
        BridgePipeline bridge = walk.state.bridge;
        MacTable.Sight seen = walk.learns ? walk.recorder.lastSighting(bridge, station) : null;
        return bridge.macTable().find(station, seen, walk.nowNs);
    }

    private void send(Bundle bundle, VlanStack inside, boolean last) {
        VlanStack before = walk.state.vlan();
        VlanStack outside = vlans.outside(bundle.vlan, inside);
        if (outside.equals(before)) {
            outputs.send(bundle.port(), last);
        } else {
            walk.setVlan(outside);
            outputs.send(bundle.port(), last);
            walk.restoreVlan(before);
        }
    }

    private static boolean isMulticast(long macAddress) {
        return (macAddress & 0x0100_0000_0000L) != 0;
    }
}
