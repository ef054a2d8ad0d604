package io.turnstile.openflow;

import io.netty.buffer.ByteBuf;
import io.turnstile.openflow.wire.CustomCountersCodec;
import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.pipeline.OfPort;
import io.turnstile.pipeline.OpenFlowSwitch;
import io.turnstile.pipeline.flow.PortMod;
import io.turnstile.port.PortStatistics;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.projectfloodlight.openflow.protocol.OFFactory;
import org.projectfloodlight.openflow.protocol.OFPortConfig;
import org.projectfloodlight.openflow.protocol.OFPortDesc;
import org.projectfloodlight.openflow.protocol.OFPortFeatures;
import org.projectfloodlight.openflow.protocol.OFPortMod;
import org.projectfloodlight.openflow.protocol.OFPortState;
import org.projectfloodlight.openflow.protocol.OFPortStatsEntry;
import org.projectfloodlight.openflow.types.MacAddress;
import org.projectfloodlight.openflow.types.OFPort;
import org.projectfloodlight.openflow.types.U64;

/** Ports and their counters in OpenFlowJ's terms. */
final class PortMessages {
    private static final long NS_PER_SECOND = 1_000_000_000L;
    private static final long KBPS_PER_MBPS = 1000;
    private static final int NAME_BYTES = 15;

    private PortMessages() {}

    static OFPortDesc describe(OfPort port, WireVersion version) {
        OFFactory factory = version.factory();
        OFPortDesc.Builder desc = factory.buildPortDesc()
                .setPortNo(OFPort.of(port.number()))
                .setHwAddr(MacAddress.of(port.macAddress()))
                .setName(port.name().length() > NAME_BYTES ? port.name().substring(0, NAME_BYTES) : port.name())
                .setConfig(config(port, version))
                .setState(state(port, version));
        Set<OFPortFeatures> current = features(port.speedMbps());
        long speedKbps = port.speedMbps() * KBPS_PER_MBPS;
        return switch (version) {
            case OF10 ->
                desc.setCurr(current)
                        .setAdvertised(Set.of())
                        .setSupported(Set.of())
                        .setPeer(Set.of())
                        .build();
            case OF11, OF12, OF13 ->
                desc.setCurr(current)
                        .setAdvertised(Set.of())
                        .setSupported(Set.of())
                        .setPeer(Set.of())
                        .setCurrSpeed(speedKbps)
                        .setMaxSpeed(speedKbps)
                        .build();
            case OF14, OF15 ->
                desc.setProperties(List.of(factory.buildPortDescPropEthernet()
                                .setCurr(featureBits(current))
                                .setCurrSpeed(speedKbps)
                                .setMaxSpeed(speedKbps)
                                .build()))
                        .build();
        };
    }

    private static Set<OFPortConfig> config(OfPort port, WireVersion version) {
        Set<OFPortConfig> config = EnumSet.noneOf(OFPortConfig.class);
        for (OFPortConfig name : OFPortConfig.values()) {
            boolean had =
                    name != OFPortConfig.NO_FLOOD || version == WireVersion.OF10; // later versions have no such bit
            if (had && (port.config() & configBit(name)) != 0) {
                config.add(name);
            }
        }
        return config;
    }

    static PortMod modification(OFPortMod mod) {
        return new PortMod(
                mod.getPortNo().getPortNumber(),
                mod.getHwAddr().getLong(),
                configBits(mod.getConfig()),
                configBits(mod.getMask()));
    }

    /** The bits of {@link OfPort#config} that a port_mod speaks of. */
    private static int configBits(Set<OFPortConfig> config) {
        int bits = 0;
        for (OFPortConfig name : config) {
            bits |= configBit(name);
        }
        return bits;
    }

    /** The bit of {@link OfPort#config}, 0 for one that ports here do not have. */
    private static int configBit(OFPortConfig name) {
        return switch (name) {
            case PORT_DOWN -> OfPort.CONFIG_PORT_DOWN;
            case NO_RECV -> OfPort.CONFIG_NO_RECV;
            case NO_FLOOD -> OfPort.CONFIG_NO_FLOOD;
            case NO_FWD -> OfPort.CONFIG_NO_FWD;
            case NO_PACKET_IN -> OfPort.CONFIG_NO_PACKET_IN;
            case NO_STP, NO_RECV_STP, BSN_MIRROR_DEST -> 0;
        };
    }

    private static Set<OFPortState> state(OfPort port, WireVersion version) {
        boolean down = (port.state() & OfPort.STATE_LINK_DOWN) != 0;
        if (down) {
            return EnumSet.of(OFPortState.LINK_DOWN);
        }
        return version.hasInstructions() && port.isLive()
                ? EnumSet.of(OFPortState.LIVE)
                : EnumSet.noneOf(OFPortState.class);
    }

    private static Set<OFPortFeatures> features(long speedMbps) {
        OFPortFeatures speed = switch ((int) speedMbps) {
            case 10 -> OFPortFeatures.PF_10MB_FD;
            case 100 -> OFPortFeatures.PF_100MB_FD;
            case 1000 -> OFPortFeatures.PF_1GB_FD;
            case 10_000 -> OFPortFeatures.PF_10GB_FD;
            default -> null;
        };
        return speed == null ? EnumSet.noneOf(OFPortFeatures.class) : EnumSet.of(speed);
    }

    private static long featureBits(Set<OFPortFeatures> features) {
        long bits = 0;
        for (OFPortFeatures feature : features) {
            bits |= switch (feature) {
                case PF_10MB_FD -> 1 << 1;
                case PF_100MB_FD -> 1 << 3;
                case PF_1GB_FD -> 1 << 5;
                case PF_10GB_FD -> 1 << 6;
                default -> 0;
            };
        }
        return bits;
    }

    /** Writes a port's statistics; from 1.4 on with the counters that are the device's own. */
    static void writeStatistics(ByteBuf out, OpenFlowSwitch bridge, int number, WireVersion version) {
        int start = out.writerIndex();
        statistics(number, bridge.portStatistics(number), bridge.portDurationNs(number), version)
                .writeTo(out);
        Map<String, Long> custom = version.hasProperties() ? bridge.portCustomCounters(number) : Map.of();
        if (!custom.isEmpty()) {
            CustomCountersCodec.write(out, custom);
            out.setShort(start, out.writerIndex() - start);
        }
    }

    /** All ones on the wire mean "not known", which is what {@link PortStatistics#UNKNOWN} is in 64 bits. */
    private static OFPortStatsEntry statistics(int number, PortStatistics s, long durationNs, WireVersion version) {
        OFFactory factory = version.factory();
        OFPortStatsEntry.Builder entry = factory.buildPortStatsEntry()
                .setPortNo(OFPort.of(number))
                .setRxPackets(U64.of(s.rxPackets()))
                .setTxPackets(U64.of(s.txPackets()))
                .setRxBytes(U64.of(s.rxBytes()))
                .setTxBytes(U64.of(s.txBytes()))
                .setRxDropped(U64.of(s.rxDropped()))
                .setTxDropped(U64.of(s.txDropped()))
                .setRxErrors(U64.of(s.rxErrors()))
                .setTxErrors(U64.of(s.txErrors()));
        if (version.isAtLeast(WireVersion.OF13)) {
            entry.setDurationSec(durationNs / NS_PER_SECOND).setDurationNsec(durationNs % NS_PER_SECOND);
        }
        if (version.hasProperties()) {
            return entry.setProperties(List.of(factory.buildPortStatsPropEthernet()
                            .setRxFrameErr(U64.of(s.rxFrameErrors()))
                            .setRxOverErr(U64.of(s.rxOverErrors()))
                            .setRxCrcErr(U64.of(s.rxCrcErrors()))
                            .setCollisions(U64.of(s.collisions()))
                            .build()))
                    .build();
        }
        return entry.setRxFrameErr(U64.of(s.rxFrameErrors()))
                .setRxOverErr(U64.of(s.rxOverErrors()))
                .setRxCrcErr(U64.of(s.rxCrcErrors()))
                .setCollisions(U64.of(s.collisions()))
                .build();
    }
}
