package io.turnstile.openflow;

import io.netty.buffer.ByteBuf;
import io.turnstile.openflow.wire.ActionTable;
import io.turnstile.openflow.wire.TableFeaturesCodec;
import io.turnstile.openflow.wire.TableModCodec;
import io.turnstile.openflow.wire.TableStatsCodec;
import io.turnstile.openflow.wire.Wire;
import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.pipeline.FragmentHandling;
import io.turnstile.pipeline.OfPort;
import io.turnstile.pipeline.OpenFlowSwitch;
import io.turnstile.pipeline.OpenFlowSwitch.TableDescription;
import io.turnstile.pipeline.OpenFlowSwitch.TableStats;
import io.turnstile.pipeline.TableMod;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.OfAction.Ports;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import io.turnstile.pipeline.flow.PortMod;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.projectfloodlight.openflow.protocol.OFCapabilities;
import org.projectfloodlight.openflow.protocol.OFConfigFlags;
import org.projectfloodlight.openflow.protocol.OFEchoRequest;
import org.projectfloodlight.openflow.protocol.OFFeaturesReply;
import org.projectfloodlight.openflow.protocol.OFPortDescStatsRequest;
import org.projectfloodlight.openflow.protocol.OFPortMod;
import org.projectfloodlight.openflow.protocol.OFPortStatsRequest;
import org.projectfloodlight.openflow.protocol.OFTableStatsEntry;
import org.projectfloodlight.openflow.types.DatapathId;
import org.projectfloodlight.openflow.types.TableId;
import org.projectfloodlight.openflow.types.U64;

/** Requests about the switch as a whole and its ports; OpenFlowJ reads nearly all of them and writes the answers. */
final class StandardRequests {
    /** All twelve fields of OpenFlow 1.0 may be wild (OFPFW_ALL). */
    private static final int WILDCARDS10 = 0x3fffff;

    /** More do not fit into the 64 KB of the message, 64 bytes each; who wants all asks for port descriptions. */
    private static final int MOST_PORTS_IN_FEATURES = 1000;

    private static final int INVALID_TTL_TO_CONTROLLER = 1 << 2;
    private static final int OFPC_FRAG_MASK = 3;
    private static final int CONFIG_BYTES = 4;
    private static final int CAPABILITIES_OFFSET = 24;
    /** Of the actions in a reply of 1.0 to OFPT_FEATURES_REQUEST. */
    private static final int ACTIONS_OFFSET = 28;
    /** OFPC_BUNDLES. */
    private static final int CAN_BUNDLE = 1 << 9;

    /** By number, LOCAL last, as Open vSwitch lists them and ovs-ofctl prints them. */
    static final Comparator<OfPort> PORT_ORDER = (a, b) -> Integer.compareUnsigned(a.number(), b.number());

    private final OpenFlowSwitch bridge;
    private final String softwareVersion;

    StandardRequests(OpenFlowSwitch bridge) {
        this.bridge = bridge;
        String built = StandardRequests.class.getPackage().getImplementationVersion();
        this.softwareVersion = built == null ? "0.1.0" : built;
    }

    void echo(OFEchoRequest request, Reply reply) {
        reply.send(reply.factory()
                .buildEchoReply()
                .setXid(reply.unsignedXid())
                .setData(request.getData())
                .build());
    }

    /** What the request's sender watches is told before it. */
    void barrier(Request request) {
        Reply reply = request.reply();
        request.connection()
                .answerAfterChanges(() -> reply.send(reply.factory()
                        .buildBarrierReply()
                        .setXid(reply.unsignedXid())
                        .build()));
    }

    void features(Reply reply) {
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
        } else if (version == WireVersion.OF11) {
            capabilities.add(OFCapabilities.ARP_MATCH_IP);
        }
        if (!version.isAtLeast(WireVersion.OF13)) { // later versions ask for them by themselves
            features.setPorts(bridge.ports().stream()
                    .sorted(PORT_ORDER)
                    .limit(MOST_PORTS_IN_FEATURES)
                    .map(port -> PortMessages.describe(port, version))
                    .toList());
        }
        if (version != WireVersion.OF10) {
            capabilities.add(OFCapabilities.GROUP_STATS);
        }
        ByteBuf out = reply.buffer();
        features.setCapabilities(capabilities).build().writeTo(out);
        if (version == WireVersion.OF10) {
            out.setInt(ACTIONS_OFFSET, ActionTable.standardBits(version));
        }
        if (version.isAtLeast(WireVersion.OF14)) { // OpenFlowJ knows it in 1.5 alone
            out.setInt(CAPABILITIES_OFFSET, out.getInt(CAPABILITIES_OFFSET) | CAN_BUNDLE);
        }
        reply.send(out);
    }

    void config(Session session, Reply reply) {
        ByteBuf out = reply.buffer();
        reply.factory()
                .buildGetConfigReply()
                .setXid(reply.unsignedXid())
                .setFlags(Set.of(OFConfigFlags.FRAG_NORMAL))
                .setMissSendLen(session.missSendLengthBytes)
                .build()
                .writeTo(out);
        boolean flagged = hasInvalidTtlFlag(reply.version()) && session.async.wantsInvalidTtl();
        // OpenFlowJ knows no flags of Open vSwitch's own.
        out.setShort(Wire.HEADER_BYTES, bridge.fragmentHandling().code() | (flagged ? INVALID_TTL_TO_CONTROLLER : 0));
        reply.send(out);
    }

    /**
     * A way of handling fragments that is not had is no error: who asks afterwards sees what is in force (ovs-ofctl
     * does).
     */
    void setConfig(Request request) throws OfException {
        ByteBuf body = request.body();
        if (body.readableBytes() != CONFIG_BYTES) {
            throw new OfException(OfErrorCode.OFPBRC_BAD_LEN, "set_config of " + body.readableBytes() + " bytes");
        }
        Session session = request.session();
        boolean flagged = hasInvalidTtlFlag(request.version());
        int flags = body.readUnsignedShort();
        int known = OFPC_FRAG_MASK | (flagged ? INVALID_TTL_TO_CONTROLLER : 0);
        if ((flags & ~known) != 0) {
            throw new OfException(OfErrorCode.OFPSCFC_BAD_FLAGS, "flags " + flags);
        }
        if (flagged) {
            session.async.setInvalidTtl((flags & INVALID_TTL_TO_CONTROLLER) != 0);
        }
        FragmentHandling handling = FragmentHandling.coded(flags & OFPC_FRAG_MASK);
        if (handling != null && session.role != Role.SLAVE && handling != bridge.fragmentHandling()) {
            bridge.setFragmentHandling(handling);
        }
        session.missSendLengthBytes = body.readUnsignedShort();
        request.connection().wishesChanged();
    }

    /** OFPC_INVALID_TTL_TO_CONTROLLER went with 1.3, where async masks came. */
    private static boolean hasInvalidTtlFlag(WireVersion version) {
        return !version.isAtLeast(WireVersion.OF13);
    }

    /** A port's change waits for changes of flows, which may be long. */
    void portMod(OFPortMod mod, Request request) throws OfException {
        PortMod change = PortMessages.modification(mod);
        int number = change.portNumber();
        OfPort port = bridge.ports().stream()
                .filter(p -> p.number() == number)
                .findAny()
                .orElseThrow(() -> new OfException(OfErrorCode.OFPPMFC_BAD_PORT, "port " + number));
        if (change.macAddress() != port.macAddress()) {
            throw new OfException(
                    OfErrorCode.OFPPMFC_BAD_HW_ADDR, mod.getHwAddr().toString());
        }
        request.changeElsewhere(MessageType.PORT_MOD, () -> bridge.modifyPort(number, change.config(), change.mask()));
    }

    void description(Reply reply) {
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

    void tables(Reply reply) {
        MultipartReply parts = new MultipartReply(reply, MessageType.TABLE_STATS);
        for (TableStats table : bridge.tables()) {
            if (reply.version() == WireVersion.OF11 || reply.version() == WireVersion.OF12) {
                parts.add(out -> TableStatsCodec.write(out, table, bridge.tableCount(), reply.version()));
                continue;
            }
            OFTableStatsEntry.Builder entry = reply.factory()
                    .buildTableStatsEntry()
                    .setTableId(TableId.of(table.tableId()))
                    .setActiveCount(table.activeCount())
                    .setLookupCount(U64.of(table.lookupCount()))
                    .setMatchedCount(U64.of(table.matchedCount()));
            if (reply.version() == WireVersion.OF10) {
                entry.setName(Objects.requireNonNullElse(table.name(), ""))
                        .setWildcards(WILDCARDS10)
                        .setMaxEntries(table.maxEntries());
            }
            parts.add(out -> entry.build().writeTo(out));
        }
        parts.finish();
    }

    /** What each table can do, NXM fields included. */
    void tableFeatures(Request request) throws OfException {
        if (request.body().isReadable()) {
            throw new OfException(OfErrorCode.OFPBRC_EPERM, "tables' features cannot be changed");
        }
        Reply reply = request.reply();
        MultipartReply parts = new MultipartReply(reply, MessageType.TABLE_FEATURES);
        for (TableStats table : bridge.tables()) {
            parts.add(out -> TableFeaturesCodec.write(out, table, bridge.tableCount(), reply.version()));
        }
        parts.finish();
    }

    void portStatistics(OFPortStatsRequest request, Reply reply) {
        int number = request.getPortNo().getPortNumber();
        MultipartReply parts = new MultipartReply(reply, MessageType.PORT_STATS);
        for (OfPort port : bridge.ports()) {
            if (number == Ports.NONE || number == port.number()) {
                parts.add(out -> PortMessages.writeStatistics(out, bridge, port.number(), reply.version()));
            }
        }
        parts.finish();
    }

    /**
     * OpenFlow 1.0 to 1.2 have no such statistics; Open vSwitch knows them all the same, and ovs-ofctl asks for them.
     */
    void portDescriptions(Request request) throws OfException {
        int number = Ports.NONE;
        if (request.version() == WireVersion.OF15) {
            number = request.parse(OFPortDescStatsRequest.class).getPortNo().getPortNumber();
        } else if (request.body().isReadable()) {
            throw new OfException(OfErrorCode.OFPBRC_BAD_LEN, "port descriptions of one port");
        }
        portDescriptions(number, request.reply());
    }

    /** Waits for changes of flows, which may be long. */
    void tableMod(Request request) throws OfException {
        TableModCodec.Decoded decoded = TableModCodec.read(request.body(), request.version());
        int table = decoded.tableId();
        if (table != FlowMod.ALL_TABLES && table >= bridge.tableCount()) {
            throw new OfException(OfErrorCode.OFPTMFC_BAD_TABLE, "table " + table);
        }
        TableMod mod = decoded.mod();
        if (mod != null) {
            request.changeElsewhere(MessageType.TABLE_MOD, () -> bridge.configureTable(table, mod));
        }
    }

    void tableDescriptions(Request request) {
        MultipartReply parts = new MultipartReply(request.reply(), MessageType.TABLE_DESC);
        for (TableDescription table : bridge.tableDescriptions()) {
            parts.add(out -> TableModCodec.writeDescription(out, table));
        }
        parts.finish();
    }

    private void portDescriptions(int number, Reply reply) {
        MultipartReply parts = new MultipartReply(reply, MessageType.PORT_DESC);
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
