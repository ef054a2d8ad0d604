package io.turnstile.openflow;

import io.turnstile.openflow.wire.TableFeaturesCodec;
import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.pipeline.OfAction.Ports;
import io.turnstile.pipeline.OfErrorCode;
import io.turnstile.pipeline.OfException;
import io.turnstile.pipeline.OfPort;
import io.turnstile.pipeline.OpenFlowSwitch;
import io.turnstile.pipeline.OpenFlowSwitch.TableStats;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.projectfloodlight.openflow.protocol.OFActionType;
import org.projectfloodlight.openflow.protocol.OFBarrierRequest;
import org.projectfloodlight.openflow.protocol.OFCapabilities;
import org.projectfloodlight.openflow.protocol.OFConfigFlags;
import org.projectfloodlight.openflow.protocol.OFDescStatsRequest;
import org.projectfloodlight.openflow.protocol.OFEchoReply;
import org.projectfloodlight.openflow.protocol.OFEchoRequest;
import org.projectfloodlight.openflow.protocol.OFFeaturesReply;
import org.projectfloodlight.openflow.protocol.OFFeaturesRequest;
import org.projectfloodlight.openflow.protocol.OFGetConfigRequest;
import org.projectfloodlight.openflow.protocol.OFMessage;
import org.projectfloodlight.openflow.protocol.OFPortDescStatsRequest;
import org.projectfloodlight.openflow.protocol.OFPortMod;
import org.projectfloodlight.openflow.protocol.OFPortStatsRequest;
import org.projectfloodlight.openflow.protocol.OFQueueStatsRequest;
import org.projectfloodlight.openflow.protocol.OFSetConfig;
import org.projectfloodlight.openflow.protocol.OFTableStatsEntry;
import org.projectfloodlight.openflow.protocol.OFTableStatsRequest;
import org.projectfloodlight.openflow.types.DatapathId;
import org.projectfloodlight.openflow.types.TableId;
import org.projectfloodlight.openflow.types.U64;

/** Requests that OpenFlowJ reads and answers whole. */
final class StandardRequests {
    private static final int STATS_TABLE = 3;
    private static final int STATS_PORT = 4;
    private static final int STATS_TABLE_FEATURES = 12;
    private static final int STATS_PORT_DESC = 13;
    /** All twelve fields of OpenFlow 1.0 may be wild (OFPFW_ALL). */
    private static final int WILDCARDS10 = 0x3fffff;

    private static final int ALL_QUEUES = -1;

    /** By number, LOCAL last, as the peer lists them and ovs-ofctl prints them. */
    private static final Comparator<OfPort> PORT_ORDER = (a, b) -> Integer.compareUnsigned(a.number(), b.number());

    private final OpenFlowSwitch bridge;
    private final String softwareVersion;

    StandardRequests(OpenFlowSwitch bridge) {
        this.bridge = bridge;
        String built = StandardRequests.class.getPackage().getImplementationVersion();
        this.softwareVersion = built == null ? "0.1.0" : built;
    }

    /** Answers the request, or refuses it. */
    void handle(OFMessage request, Session session, Reply reply) throws OfException {
        switch (request) {
            case OFEchoRequest echo ->
                reply.send(reply.factory()
                        .buildEchoReply()
                        .setXid(reply.unsignedXid())
                        .setData(echo.getData())
                        .build());
            case OFEchoReply answer -> {} // its arrival alone is what an inactivity probe waits for
            case OFFeaturesRequest features -> features(reply);
            case OFGetConfigRequest get -> config(session, reply);
            case OFSetConfig set -> setConfig(set, session);
            case OFBarrierRequest barrier ->
                reply.send(reply.factory()
                        .buildBarrierReply()
                        .setXid(reply.unsignedXid())
                        .build());
            case OFPortMod mod -> portMod(mod);
            case OFDescStatsRequest desc -> description(reply);
            case OFTableStatsRequest tables -> tables(reply);
            case OFPortStatsRequest ports -> portStatistics(ports.getPortNo().getPortNumber(), reply);
            case OFPortDescStatsRequest ports -> portDescriptions(ports, reply);
            case OFQueueStatsRequest queues -> queueStatistics(queues, reply);
            default -> throw new OfException(OfErrorCode.OFPBRC_BAD_TYPE, request.getType() + " is not supported");
        }
    }

    private void features(Reply reply) {
        WireVersion version = reply.version();
        Set<OFCapabilities> capabilities = EnumSet.of(
                OFCapabilities.FLOW_STATS,
                OFCapabilities.TABLE_STATS,
                OFCapabilities.PORT_STATS,
                OFCapabilities.QUEUE_STATS);
        OFFeaturesReply.Builder features = reply.factory()
                .buildFeaturesReply()
                .setXid(reply.unsignedXid())
                .setDatapathId(DatapathId.of(bridge.datapathId()))
                .setNBuffers(0)
                .setNTables((short) bridge.tableCount());
        if (version == WireVersion.OF10) {
            capabilities.add(OFCapabilities.ARP_MATCH_IP);
            features.setActions(EnumSet.of(
                    OFActionType.OUTPUT,
                    OFActionType.SET_VLAN_VID,
                    OFActionType.SET_VLAN_PCP,
                    OFActionType.STRIP_VLAN,
                    OFActionType.SET_DL_SRC,
                    OFActionType.SET_DL_DST,
                    OFActionType.SET_NW_SRC,
                    OFActionType.SET_NW_DST,
                    OFActionType.SET_NW_TOS,
                    OFActionType.SET_TP_SRC,
                    OFActionType.SET_TP_DST));
            features.setPorts(bridge.ports().stream()
                    .sorted(PORT_ORDER)
                    .map(port -> PortMessages.describe(port, version))
                    .toList());
        } else if (version == WireVersion.OF15) {
            capabilities.add(OFCapabilities.BUNDLES);
        }
        reply.send(features.setCapabilities(capabilities).build());
    }

    private static void config(Session session, Reply reply) {
        Set<OFConfigFlags> flags = EnumSet.of(OFConfigFlags.FRAG_NORMAL);
        reply.send(reply.factory()
                .buildGetConfigReply()
                .setXid(reply.unsignedXid())
                .setFlags(flags)
                .setMissSendLen(session.missSendLengthBytes)
                .build());
    }

    /**
     * A way of handling fragments that is not had is no error: who asks afterwards sees what is in force (ovs-ofctl
     * does).
     */
    private static void setConfig(OFSetConfig set, Session session) {
        session.missSendLengthBytes = set.getMissSendLen() & 0xffff;
    }

    private void portMod(OFPortMod mod) throws OfException {
        int number = mod.getPortNo().getPortNumber();
        OfPort port = bridge.ports().stream()
                .filter(p -> p.number() == number)
                .findAny()
                .orElseThrow(() -> new OfException(OfErrorCode.OFPPMFC_BAD_PORT, "port " + number));
        if (mod.getHwAddr().getLong() != port.macAddress()) {
            throw new OfException(
                    OfErrorCode.OFPPMFC_BAD_HW_ADDR, mod.getHwAddr().toString());
        }
        bridge.modifyPort(number, PortMessages.configBits(mod.getConfig()), PortMessages.configBits(mod.getMask()));
    }

    private void description(Reply reply) {
        reply.send(reply.factory()
                .buildDescStatsReply()
                .setXid(reply.unsignedXid())
                .setMfrDesc("Turnstile")
                .setHwDesc("Turnstile")
                .setSwDesc(softwareVersion)
                .setSerialNum("None")
                .setDpDesc("None")
                .build());
    }

    private void tables(Reply reply) {
        MultipartReply parts = new MultipartReply(reply, STATS_TABLE);
        for (TableStats table : bridge.tables()) {
            OFTableStatsEntry.Builder entry = reply.factory()
                    .buildTableStatsEntry()
                    .setTableId(TableId.of(table.tableId()))
                    .setActiveCount(table.activeCount())
                    .setLookupCount(U64.of(table.lookupCount()))
                    .setMatchedCount(U64.of(table.matchedCount()));
            if (reply.version() == WireVersion.OF10) {
                entry.setName("").setWildcards(WILDCARDS10).setMaxEntries(table.maxEntries());
            }
            parts.add(out -> entry.build().writeTo(out));
        }
        parts.finish();
    }

    /** What each table can do, NXM fields included. */
    void tableFeatures(Reply reply) {
        MultipartReply parts = new MultipartReply(reply, STATS_TABLE_FEATURES);
        for (TableStats table : bridge.tables()) {
            parts.add(out -> TableFeaturesCodec.write(
                    out, table.tableId(), bridge.tableCount(), table.maxEntries(), reply.version()));
        }
        parts.finish();
    }

    private void portStatistics(int number, Reply reply) {
        MultipartReply parts = new MultipartReply(reply, STATS_PORT);
        for (OfPort port : bridge.ports()) {
            if (number == Ports.NONE || number == port.number()) {
                parts.add(out -> PortMessages.statistics(
                                port.number(),
                                bridge.portStatistics(port.number()),
                                bridge.portDurationNs(port.number()),
                                reply.version())
                        .writeTo(out));
            }
        }
        parts.finish();
    }

    /** There are no queues: asking for all of them finds none, asking for one is an error. */
    private void queueStatistics(OFQueueStatsRequest request, Reply reply) throws OfException {
        int number = request.getPortNo().getPortNumber();
        boolean anyPort = number == Ports.NONE || number == Ports.ALL; // 1.0 says ALL, later versions ANY
        if (!anyPort && bridge.ports().stream().noneMatch(port -> port.number() == number)) {
            throw new OfException(OfErrorCode.OFPQOFC_BAD_PORT, "port " + number);
        }
        if ((int) request.getQueueId() != ALL_QUEUES) {
            throw new OfException(OfErrorCode.OFPQOFC_BAD_QUEUE, "queue " + request.getQueueId());
        }
        reply.send(reply.factory()
                .buildQueueStatsReply()
                .setXid(reply.unsignedXid())
                .setEntries(List.of())
                .build());
    }

    private void portDescriptions(OFPortDescStatsRequest request, Reply reply) {
        portDescriptions(
                reply.version() == WireVersion.OF15 ? request.getPortNo().getPortNumber() : Ports.NONE, reply);
    }

    /** All ports. */
    void portDescriptions(Reply reply) {
        portDescriptions(Ports.NONE, reply);
    }

    private void portDescriptions(int number, Reply reply) {
        MultipartReply parts = new MultipartReply(reply, STATS_PORT_DESC);
        List<OfPort> ports = new ArrayList<>(bridge.ports());
        ports.sort(PORT_ORDER);
        for (OfPort port : ports) {
            if (number == Ports.NONE || number == port.number()) {
                parts.add(out -> PortMessages.describe(port, reply.version()).writeTo(out));
            }
        }
        parts.finish();
    }
}
