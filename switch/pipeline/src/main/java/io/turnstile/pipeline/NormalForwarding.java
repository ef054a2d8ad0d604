package io.turnstile.pipeline;

import io.turnstile.datapath.Field;
import io.turnstile.datapath.FieldValues;
import io.turnstile.pipeline.flow.OfAction.Ports;
import org.jspecify.annotations.Nullable;

/**
 * The NORMAL action: an Ethernet switch that learns addresses (IEEE 802.1Q §8, as far as Open vSwitch goes along).
 * Threads: one, under the table lock.
 */
final class NormalForwarding {
    private static final long BROADCAST = 0xffff_ffff_ffffL;

    private final Walk walk;
    private final OutputActions outputs;

    NormalForwarding(Walk walk, OutputActions outputs) {
        this.walk = walk;
        this.outputs = outputs;
    }

    void forward(boolean last) {
        lookAtAddresses();
        long[] key = walk.state.key;
        BridgePipeline bridge = walk.state.bridge;
        int inPort = walk.state.inPort();
        boolean fromNowhere = inPort == Ports.NONE || inPort == Ports.CONTROLLER;
        if (!fromNowhere && bridge.port(inPort) == null) {
            walk.report.warning("no input bundle, dropping");
            return;
        }
        long destination = Field.ETH_DST.get(key);
        if (isReserved(destination)) {
            walk.report.detail("packet has reserved destination MAC, dropping");
            return;
        }
        int vlan = (int) Field.VLAN_TCI.get(key) & FieldValues.VLAN_VID_MASK;
        long source = Field.ETH_SRC.get(key);
        if (!fromNowhere && !isMulticast(source)) {
            walk.recorder.sighted(bridge, new MacTable.Station(vlan, source), inPort);
        }
        if (isMulticast(destination)) {
            walk.report.detail(
                    destination == BROADCAST
                            ? "no learned MAC for destination, flooding"
                            : "multicast traffic, flooding");
            outputs.flood(false);
        } else {
            toStation(new MacTable.Station(vlan, destination), inPort, last);
        }
    }

    private void lookAtAddresses() {
        long[] wildcards = walk.wildcards;
        Field.ETH_SRC.setExact(wildcards);
        Field.ETH_DST.setExact(wildcards);
        Field.VLAN_TCI.set(
                wildcards, Field.VLAN_TCI.get(wildcards) | FieldValues.VLAN_VID_MASK | FieldValues.VLAN_PRESENT);
    }

    private void toStation(MacTable.Station station, int inPort, boolean last) {
        walk.recorder.read(walk.state.bridge.macTable(), station);
        Integer port = locate(station);
        if (port == null) {
            walk.report.detail("no learned MAC for destination, flooding");
            outputs.flood(false);
        } else if (port == inPort) {
            walk.report.detail("learned port is input port, dropping");
        } else {
            walk.report.detail("forwarding to learned port");
            outputs.send(port, last);
        }
    }

    /** Where the station is: seen on this very walk, as a packet to itself is, or before. */
    private @Nullable Integer locate(MacTable.Station station) {
        BridgePipeline bridge = walk.state.bridge;
        Integer seen = walk.learns ? walk.recorder.lastSighting(bridge, station) : null;
        return seen != null ? seen : bridge.macTable().find(station);
    }

    private static boolean isMulticast(long macAddress) {
        return (macAddress & 0x0100_0000_0000L) != 0;
    }

    /** IEEE 802.1D reserved group addresses: 01:80:c2:00:00:00 to 0f. */
    private static boolean isReserved(long macAddress) {
        return (macAddress & ~0xfL) == 0x0180_c200_0000L;
    }
}
