package io.turnstile.openflow;

import static io.turnstile.openflow.MessageNumber.NONE;
import static io.turnstile.openflow.MessageNumber.nicira;
import static io.turnstile.openflow.MessageNumber.niciraStatistics;
import static io.turnstile.openflow.MessageNumber.onf;
import static io.turnstile.openflow.MessageNumber.onf13;
import static io.turnstile.openflow.MessageNumber.onfStatistics;
import static io.turnstile.openflow.MessageNumber.statistics;
import static io.turnstile.openflow.MessageNumber.type;
import static io.turnstile.openflow.MessageType.Direction.BOTH;
import static io.turnstile.openflow.MessageType.Direction.FROM_CONTROLLER;
import static io.turnstile.openflow.MessageType.Direction.TO_CONTROLLER;
import static io.turnstile.openflow.MessageType.Slave.MAY;
import static io.turnstile.openflow.MessageType.Slave.MAY_NOT;
import static io.turnstile.openflow.wire.WireVersion.OF11;
import static io.turnstile.openflow.wire.WireVersion.OF12;
import static io.turnstile.openflow.wire.WireVersion.OF13;
import static io.turnstile.openflow.wire.WireVersion.OF14;

import io.turnstile.openflow.MessageNumber.Space;
import io.turnstile.openflow.wire.ErrorCodec;
import io.turnstile.openflow.wire.FlowModCodec;
import io.turnstile.openflow.wire.PacketOutCodec;
import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.projectfloodlight.openflow.protocol.OFAsyncGetRequest;
import org.projectfloodlight.openflow.protocol.OFBarrierRequest;
import org.projectfloodlight.openflow.protocol.OFDescStatsRequest;
import org.projectfloodlight.openflow.protocol.OFEchoReply;
import org.projectfloodlight.openflow.protocol.OFEchoRequest;
import org.projectfloodlight.openflow.protocol.OFFeaturesRequest;
import org.projectfloodlight.openflow.protocol.OFGetConfigRequest;
import org.projectfloodlight.openflow.protocol.OFMessage;
import org.projectfloodlight.openflow.protocol.OFPortMod;
import org.projectfloodlight.openflow.protocol.OFPortStatsRequest;
import org.projectfloodlight.openflow.protocol.OFQueueStatsRequest;
import org.projectfloodlight.openflow.protocol.OFRoleRequest;
import org.projectfloodlight.openflow.protocol.OFTableStatsRequest;

/**
 * One row for each message that is received, and for each that is framed here; replies that OpenFlowJ writes whole have
 * none. A row says everything about the message but its content: what Open vSwitch calls it, its number in each
 * version, who sends it, whether a slave may (OpenFlow 1.3.5 §6.3.6), how many bytes stand behind its head at least,
 * and what handles it. Statistics are answered under the number of the request.
 *
 * <p>A message that is always refused has a row if a slave's is refused by another error than anybody else's.
 */
enum MessageType {
    // spotless:off
    //                 name                        number by version                 sent              by a slave  least bytes   handler
    HELLO             ("OFPT_HELLO",               type(0),                          BOTH,             MAY,         0, MessageType::ignore),
    ERROR             ("OFPT_ERROR",               type(ErrorCodec.TYPE),            BOTH,             MAY,         0, MessageType::ignore),
    ECHO_REQUEST      ("OFPT_ECHO_REQUEST",        type(2),                          BOTH,             MAY,         0, parsed(OFEchoRequest.class, (to, r, echo) -> to.standard().echo(echo, r.reply()))),
    ECHO_REPLY        ("OFPT_ECHO_REPLY",          type(3),                          FROM_CONTROLLER,  MAY,         0, parsed(OFEchoReply.class, (to, r, echo) -> ignore(to, r))),
    FEATURES_REQUEST  ("OFPT_FEATURES_REQUEST",    type(5),                          FROM_CONTROLLER,  MAY,         0, parsed(OFFeaturesRequest.class, (to, r, empty) -> to.standard().features(r.reply()))),
    GET_CONFIG_REQUEST("OFPT_GET_CONFIG_REQUEST",  type(7),                          FROM_CONTROLLER,  MAY,         0, parsed(OFGetConfigRequest.class, (to, r, empty) -> to.standard().config(r.session(), r.reply()))),
    SET_CONFIG        ("OFPT_SET_CONFIG",          type(9),                          FROM_CONTROLLER,  MAY,         0, (to, r) -> to.standard().setConfig(r)),
    PACKET_IN         ("OFPT_PACKET_IN",           type(10)),
    FLOW_REMOVED      ("OFPT_FLOW_REMOVED",        type(11)),
    PACKET_OUT        ("OFPT_PACKET_OUT",          type(PacketOutCodec.TYPE),        FROM_CONTROLLER,  MAY_NOT,     0, (to, r) -> to.flows().packetOut(r)),
    FLOW_MOD          ("OFPT_FLOW_MOD",            type(FlowModCodec.TYPE),          FROM_CONTROLLER,  MAY_NOT,     0, (to, r) -> to.flows().modify(r)),
    PORT_MOD          ("OFPT_PORT_MOD",            type(15).from(OF11, 16),          FROM_CONTROLLER,  MAY_NOT,     0, parsed(OFPortMod.class, (to, r, mod) -> to.standard().portMod(mod, r))),
    GROUP_MOD         ("OFPT_GROUP_MOD",           type(OF11, 15),                   FROM_CONTROLLER,  MAY_NOT,     0, (to, r) -> to.groups().modify(r)),
    TABLE_MOD         ("OFPT_TABLE_MOD",           type(OF11, 17),                   FROM_CONTROLLER,  MAY_NOT,     8, (to, r) -> to.standard().tableMod(r)),
    BARRIER_REQUEST   ("OFPT_BARRIER_REQUEST",     type(18).from(OF11, 20),          FROM_CONTROLLER,  MAY,         0, parsed(OFBarrierRequest.class, (to, r, empty) -> to.standard().barrier(r))),
    QUEUE_GET_CONFIG10("OFPT_QUEUE_GET_CONFIG_REQUEST (1.0)", type(20).from(OF11, NONE), FROM_CONTROLLER, MAY,        4, (to, r) -> to.queues().configuration(r)),
    QUEUE_GET_CONFIG  ("OFPT_QUEUE_GET_CONFIG_REQUEST", type(OF11, 22).from(OF14, NONE), FROM_CONTROLLER, MAY,        8, (to, r) -> to.queues().configuration(r)),
    QUEUE_GET_CONFIG_REPLY("OFPT_QUEUE_GET_CONFIG_REPLY", type(21).from(OF11, 23).from(OF14, NONE)),
    ROLE_REQUEST      ("OFPT_ROLE_REQUEST",        type(OF12, 24),                   FROM_CONTROLLER,  MAY,         0, parsed(OFRoleRequest.class, (to, r, role) -> to.roles().role(role, r))),
    GET_ASYNC_REQUEST ("OFPT_GET_ASYNC_REQUEST",   type(OF13, 26),                   FROM_CONTROLLER,  MAY,         0, parsed(OFAsyncGetRequest.class, (to, r, empty) -> to.roles().getAsync(r))),
    GET_ASYNC_REPLY   ("OFPT_GET_ASYNC_REPLY",     type(OF13, 27)),
    SET_ASYNC13       ("OFPT_SET_ASYNC (1.3)",     type(OF13, 28).from(OF14, NONE),  FROM_CONTROLLER,  MAY,        24, (to, r) -> to.roles().setAsync13(r)),
    SET_ASYNC         ("OFPT_SET_ASYNC",           type(OF14, 28),                   FROM_CONTROLLER,  MAY,         0, (to, r) -> to.roles().setAsync(r)),
    METER_MOD         ("OFPT_METER_MOD",           type(OF13, 29),                   FROM_CONTROLLER,  MAY_NOT,     0, (to, r) -> to.groups().modifyMeter(r)),
    ROLE_STATUS       ("OFPT_ROLE_STATUS",         type(OF14, 30)),
    TABLE_STATUS      ("OFPT_TABLE_STATUS",        type(OF14, 31)),
    REQUESTFORWARD    ("OFPT_REQUESTFORWARD",      type(OF14, 32)),
    BUNDLE_CONTROL    ("OFPT_BUNDLE_CONTROL",      type(OF14, 33),                   BOTH,             MAY_NOT,     8, (to, r) -> to.bundles().control(r)),
    /** What ONF's bundle control is answered by under 1.0, which has no bundles. */
    BUNDLE_REPLY10    ("OFPT_BUNDLE_CONTROL (1.0)", type(33).from(OF13, NONE)),
    BUNDLE_ADD        ("OFPT_BUNDLE_ADD_MESSAGE",  type(OF14, 34),                   FROM_CONTROLLER,  MAY_NOT,    16, (to, r) -> to.bundles().add(r)),

    DESC_STATS        ("OFPST_DESC",               statistics(0),                    FROM_CONTROLLER,  MAY,         0, parsed(OFDescStatsRequest.class, (to, r, empty) -> to.standard().description(r.reply()))),
    FLOW_STATS        ("OFPST_FLOW",               statistics(1),                    FROM_CONTROLLER,  MAY,         0, (to, r) -> to.flows().flows(r)),
    AGGREGATE_STATS   ("OFPST_AGGREGATE",          statistics(2),                    FROM_CONTROLLER,  MAY,         0, (to, r) -> to.flows().aggregate(r)),
    TABLE_STATS       ("OFPST_TABLE",              statistics(3),                    FROM_CONTROLLER,  MAY,         0, parsed(OFTableStatsRequest.class, (to, r, empty) -> to.standard().tables(r.reply()))),
    PORT_STATS        ("OFPST_PORT",               statistics(4),                    FROM_CONTROLLER,  MAY,         0, parsed(OFPortStatsRequest.class, (to, r, which) -> to.standard().portStatistics(which, r.reply()))),
    QUEUE_STATS       ("OFPST_QUEUE",              statistics(5),                    FROM_CONTROLLER,  MAY,         0, parsed(OFQueueStatsRequest.class, (to, r, which) -> to.queues().statistics(which, r.reply()))),
    GROUP_STATS       ("OFPST_GROUP",              statistics(OF11, 6),              FROM_CONTROLLER,  MAY,         8, (to, r) -> to.groups().groupStatistics(r)),
    GROUP_DESC        ("OFPST_GROUP_DESC",         statistics(OF11, 7),              FROM_CONTROLLER,  MAY,         0, (to, r) -> to.groups().groupDescriptions(r)),
    GROUP_FEATURES    ("OFPST_GROUP_FEATURES",     statistics(OF12, 8),              FROM_CONTROLLER,  MAY,         0, (to, r) -> to.groups().groupFeatures(r)),
    METER_STATS       ("OFPST_METER",              statistics(OF13, 9),              FROM_CONTROLLER,  MAY,         8, (to, r) -> to.groups().meterStatistics(r)),
    METER_CONFIG      ("OFPST_METER_CONFIG",       statistics(OF13, 10),             FROM_CONTROLLER,  MAY,         8, (to, r) -> to.groups().meterConfigurations(r)),
    METER_FEATURES    ("OFPST_METER_FEATURES",     statistics(OF13, 11),             FROM_CONTROLLER,  MAY,         0, (to, r) -> to.groups().meterFeatures(r)),
    TABLE_FEATURES    ("OFPMP_TABLE_FEATURES",     statistics(OF13, 12),             FROM_CONTROLLER,  MAY,         0, (to, r) -> to.standard().tableFeatures(r)),
    TABLE_DESC        ("OFPMP_TABLE_DESC",         statistics(OF14, 14),             FROM_CONTROLLER,  MAY,         0, (to, r) -> to.standard().tableDescriptions(r)),
    QUEUE_DESC        ("OFPMP_QUEUE_DESC",         statistics(OF14, 15),             FROM_CONTROLLER,  MAY,         8, (to, r) -> to.queues().descriptions(r)),
    FLOW_MONITOR      ("OFPST_FLOW_MONITOR",       statistics(OF14, 16),             FROM_CONTROLLER,  MAY,         0, (to, r) -> to.monitors().monitor(r)),
    PORT_DESC         ("OFPST_PORT_DESC",          statistics(13),                   FROM_CONTROLLER,  MAY,         0, (to, r) -> to.standard().portDescriptions(r)),

    NXT_ROLE_REQUEST  ("NXT_ROLE_REQUEST",         nicira(10),                       FROM_CONTROLLER,  MAY,         4, (to, r) -> to.roles().roleOfNicira(r)),
    NXT_ROLE_REPLY    ("NXT_ROLE_REPLY",           nicira(11)),
    NXT_SET_FLOW_FORMAT("NXT_SET_FLOW_FORMAT",     nicira(12),                       FROM_CONTROLLER,  MAY,         4, (to, r) -> to.nicira().setFlowFormat(r)),
    NXT_FLOW_MOD      ("NXT_FLOW_MOD",             nicira(13),                       FROM_CONTROLLER,  MAY_NOT,     0, (to, r) -> to.flows().modifyByNicira(r)),
    NXT_FLOW_REMOVED  ("NXT_FLOW_REMOVED",         nicira(14)),
    NXT_FLOW_MOD_TABLE_ID("NXT_FLOW_MOD_TABLE_ID", nicira(15),                       FROM_CONTROLLER,  MAY,         8, (to, r) -> to.nicira().setFlowModTableId(r)),
    NXT_SET_PACKET_IN_FORMAT("NXT_SET_PACKET_IN_FORMAT", nicira(16),                 FROM_CONTROLLER,  MAY,         4, (to, r) -> to.nicira().setPacketInFormat(r)),
    NXT_PACKET_IN     ("NXT_PACKET_IN",            nicira(17)),
    NXT_SET_ASYNC_CONFIG("NXT_SET_ASYNC_CONFIG",   nicira(19),                       FROM_CONTROLLER,  MAY,        24, (to, r) -> to.nicira().setAsyncConfig(r)),
    NXT_SET_CONTROLLER_ID("NXT_SET_CONTROLLER_ID", nicira(20),                       FROM_CONTROLLER,  MAY,         8, (to, r) -> to.nicira().setControllerId(r)),
    NXT_FLOW_MONITOR_CANCEL("NXT_FLOW_MONITOR_CANCEL", nicira(21).from(OF13, NONE),  FROM_CONTROLLER,  MAY,         4, (to, r) -> to.monitors().cancel(r)),
    NXT_FLOW_MONITOR_PAUSED("NXT_FLOW_MONITOR_PAUSED", nicira(22).from(OF13, NONE)),
    NXT_FLOW_MONITOR_RESUMED("NXT_FLOW_MONITOR_RESUMED", nicira(23).from(OF13, NONE)),
    NXT_TLV_TABLE_MOD ("NXT_TLV_TABLE_MOD",        nicira(24),                       FROM_CONTROLLER,  MAY_NOT,     8, (to, r) -> to.nicira().changeTlvTable(r)),
    NXT_TLV_TABLE_REQUEST("NXT_TLV_TABLE_REQUEST", nicira(25),                       FROM_CONTROLLER,  MAY,         0, (to, r) -> to.nicira().tlvTable(r.reply())),
    NXT_TLV_TABLE_REPLY("NXT_TLV_TABLE_REPLY",     nicira(26)),
    NXT_SET_ASYNC_CONFIG2("NXT_SET_ASYNC_CONFIG2", nicira(27).from(OF14, NONE),      FROM_CONTROLLER,  MAY,         0, (to, r) -> to.roles().setAsync(r)),
    NXT_RESUME        ("NXT_RESUME",               nicira(28),                       FROM_CONTROLLER,  MAY,         0, (to, r) -> to.flows().resume(r)),
    NXT_CT_FLUSH_ZONE ("NXT_CT_FLUSH_ZONE",        nicira(29),                       FROM_CONTROLLER,  MAY_NOT,     0, (to, r) -> to.nicira().flushZone(r)),
    NXT_PACKET_IN2    ("NXT_PACKET_IN2",           nicira(30)),
    NXT_GROUP_MOD     ("NXT_GROUP_MOD",            nicira(31).from(OF11, NONE), FROM_CONTROLLER,  MAY_NOT,     0, (to, r) -> to.groups().modify(r)),
    NXT_CT_FLUSH      ("NXT_CT_FLUSH",             nicira(32),                       FROM_CONTROLLER,  MAY_NOT,     0, (to, r) -> to.nicira().flush(r)),
    NXT_REQUESTFORWARD("NXT_REQUESTFORWARD",       nicira(132).from(OF13, NONE)),
    NXST_FLOW         ("NXST_FLOW",                niciraStatistics(0),              FROM_CONTROLLER,  MAY,         4, (to, r) -> to.flows().flowsOfNicira(r)),
    NXST_AGGREGATE    ("NXST_AGGREGATE",           niciraStatistics(1),              FROM_CONTROLLER,  MAY,         4, (to, r) -> to.flows().aggregateOfNicira(r)),
    NXST_FLOW_MONITOR ("NXST_FLOW_MONITOR",        niciraStatistics(2).from(OF11, 2).from(OF13, NONE), FROM_CONTROLLER, MAY, 0, (to, r) -> to.monitors().monitor(r)),
    NXST_GROUP        ("NXST_GROUP",               niciraStatistics(7),              FROM_CONTROLLER,  MAY,        12, (to, r) -> to.groups().groupStatisticsOfNicira(r)),
    NXST_GROUP_DESC   ("NXST_GROUP_DESC",          niciraStatistics(8),              FROM_CONTROLLER,  MAY,        12, (to, r) -> to.groups().groupDescriptionsOfNicira(r)),
    NXST_GROUP_FEATURES("NXST_GROUP_FEATURES",     niciraStatistics(9),              FROM_CONTROLLER,  MAY,         4, (to, r) -> to.groups().groupFeaturesOfNicira(r)),

    ONFST_FLOW_MONITOR("ONFST_FLOW_MONITOR",       onfStatistics(1870),              FROM_CONTROLLER,  MAY,         0, (to, r) -> to.monitors().monitor(r)),
    ONFT_FLOW_MONITOR_CANCEL("ONFT_FLOW_MONITOR_CANCEL", onf13(1870),                FROM_CONTROLLER,  MAY,         4, (to, r) -> to.monitors().cancel(r)),
    ONFT_FLOW_MONITOR_PAUSED("ONFT_FLOW_MONITOR_PAUSED", onf13(1871)),
    ONFT_FLOW_MONITOR_RESUMED("ONFT_FLOW_MONITOR_RESUMED", onf13(1872)),
    ONFT_ROLE_STATUS  ("ONFT_ROLE_STATUS",         onf13(1911)),
    ONFT_REQUESTFORWARD("ONFT_REQUESTFORWARD",     onf13(2350)),
    ONF_BUNDLE_CONTROL("ONFT_BUNDLE_CONTROL",      onf(2300),                        BOTH,             MAY_NOT,     8, (to, r) -> to.bundles().control(r)),
    ONF_BUNDLE_ADD    ("ONFT_BUNDLE_ADD_MESSAGE",  onf(2301),                        FROM_CONTROLLER,  MAY_NOT,    16, (to, r) -> to.bundles().add(r));
    // spotless:on

    /** Who sends a message. */
    enum Direction {
        FROM_CONTROLLER,
        TO_CONTROLLER,
        BOTH
    }

    /** Whether a slave may send a message: what changes the switch's state it may not. */
    enum Slave {
        MAY,
        MAY_NOT
    }

    /** Does what a request asks for. */
    @FunctionalInterface
    interface Handler {
        void handle(RequestDispatcher to, Request request) throws OfException;
    }

    /** A handler of a request that OpenFlowJ has read whole. */
    @FunctionalInterface
    interface ParsedHandler<T extends OFMessage> {
        void handle(RequestDispatcher to, Request request, T message) throws OfException;
    }

    private record Key(Space space, WireVersion version, int number) {}

    private static final Map<Key, MessageType> RECEIVED = new HashMap<>();

    static {
        for (MessageType type : values()) {
            for (WireVersion version : WireVersion.values()) {
                int number = type.number(version);
                if (number != MessageNumber.NONE
                        && type.direction != TO_CONTROLLER
                        && RECEIVED.put(new Key(type.space(), version, number), type) != null) {
                    throw new IllegalStateException("two messages under the number of " + type.label);
                }
            }
        }
    }

    private final String label;
    private final MessageNumber number;
    private final Direction direction;
    private final Slave slave;
    private final int minBodyBytes;
    /** Null in a message that is only sent. */
    private final @Nullable Handler handler;

    /** A message that is received, or received and sent. */
    MessageType(
            String label, MessageNumber number, Direction direction, Slave slave, int minBodyBytes, Handler handler) {
        checkReceived(label, direction, handler);
        this.label = label;
        this.number = number;
        this.direction = direction;
        this.slave = slave;
        this.minBodyBytes = minBodyBytes;
        this.handler = handler;
    }

    /** A message that is only sent. */
    MessageType(String label, MessageNumber number) {
        this.label = label;
        this.number = number;
        this.direction = TO_CONTROLLER;
        this.slave = MAY;
        this.minBodyBytes = 0;
        this.handler = null;
    }

    /**
     * A row that is received without a handler, or only sent with one, would be found out by its first message only.
     */
    static void checkReceived(String label, Direction direction, @Nullable Handler handler) {
        if (handler == null || direction == TO_CONTROLLER) {
            throw new IllegalStateException(label + ": what is received needs a handler, what is only sent has none");
        }
    }

    /** The message that a controller means by that number; null if there is none in this version. */
    static @Nullable MessageType received(Space space, WireVersion version, int number) {
        return RECEIVED.get(new Key(space, version, number));
    }

    /** A second hello changes nothing, an error is never answered by one, and an echo's answer needs only to arrive. */
    private static void ignore(RequestDispatcher to, Request request) {}

    private static <T extends OFMessage> Handler parsed(Class<T> kind, ParsedHandler<T> handler) {
        return (to, request) -> handler.handle(to, request, request.parse(kind));
    }

    /** What Open vSwitch calls it. */
    String label() {
        return label;
    }

    Space space() {
        return number.space();
    }

    /** The number in that version, {@link MessageNumber#NONE} if it does not have the message. */
    int number(WireVersion version) {
        return number.in(version);
    }

    Direction direction() {
        return direction;
    }

    Slave slave() {
        return slave;
    }

    /** Bytes that stand behind the message's head at least; 0 also where the codec checks the length itself. */
    int minBodyBytes() {
        return minBodyBytes;
    }

    /** Does what the request asks for, if its sender may ask and it is long enough. */
    void handle(RequestDispatcher to, Request request) throws OfException {
        if (slave == MAY_NOT && request.session().role == Role.SLAVE) {
            throw new OfException(OfErrorCode.OFPBRC_IS_SLAVE, "a slave may not send " + label);
        }
        if (request.body().readableBytes() < minBodyBytes) {
            throw new OfException(OfErrorCode.OFPBRC_BAD_LEN, label + " is truncated");
        }
        Objects.requireNonNull(handler, "a message that is received has a handler")
                .handle(to, request);
    }
}
