package io.turnstile.openflow;

import io.netty.buffer.ByteBuf;
import io.turnstile.openflow.wire.GroupCodec;
import io.turnstile.openflow.wire.MeterCodec;
import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.pipeline.ChangeOrigin;
import io.turnstile.pipeline.OpenFlowSwitch;
import io.turnstile.pipeline.flow.GroupMod;
import io.turnstile.pipeline.flow.MeterMod;
import io.turnstile.pipeline.flow.OfException;
import java.util.List;
import java.util.function.BiConsumer;

/** Changes, descriptions, statistics and features of groups and meters. */
final class GroupRequests {
    private static final int NICIRA_STATISTICS_PAD_BYTES = 4;

    /** OFPRFR_GROUP_MOD. */
    static final int FORWARDED_GROUP_MOD = 0;

    private static final int FORWARDED_METER_MOD = 1;

    private final OpenFlowSwitch bridge;
    private final BridgeAgent agent;

    GroupRequests(OpenFlowSwitch bridge, BridgeAgent agent) {
        this.bridge = bridge;
        this.agent = agent;
    }

    // ---- groups ----

    /** A deletion may take flows with it, as many as there are: then it is done off the event loop. */
    void modify(Request request) throws OfException {
        GroupMod change = GroupCodec.read(request.body(), request.version());
        ForwardedGroupMod forwarded = new ForwardedGroupMod(change, bridge, ForwardedGroupMod.exists(change, bridge));
        int xid = request.reply().xid();
        if (bridge.tryApply(change, request.origin())) {
            request.connection().keepPace();
            forwarded.tell(request.connection(), xid, agent);
        } else {
            ChangeOrigin origin = request.origin();
            request.changeElsewhere(
                    MessageType.GROUP_MOD,
                    () -> bridge.apply(change, origin),
                    () -> forwarded.tell(request.connection(), xid, agent));
        }
    }

    void groupStatistics(Request request) throws OfException {
        statistics(MessageType.GROUP_STATS, request);
    }

    void groupStatisticsOfNicira(Request request) throws OfException {
        request.body().skipBytes(NICIRA_STATISTICS_PAD_BYTES);
        statistics(MessageType.NXST_GROUP, request);
    }

    void groupDescriptions(Request request) throws OfException {
        descriptions(MessageType.GROUP_DESC, request);
    }

    void groupDescriptionsOfNicira(Request request) throws OfException {
        request.body().skipBytes(NICIRA_STATISTICS_PAD_BYTES);
        descriptions(MessageType.NXST_GROUP_DESC, request);
    }

    void groupFeatures(Request request) {
        features(MessageType.GROUP_FEATURES, request);
    }

    void groupFeaturesOfNicira(Request request) {
        features(MessageType.NXST_GROUP_FEATURES, request);
    }

    private void statistics(MessageType type, Request request) throws OfException {
        WireVersion version = request.version();
        dump(
                bridge.groupStatistics(GroupCodec.readRequest(request.body())),
                type,
                request.reply(),
                (out, group) -> GroupCodec.writeStatistics(out, group, version));
    }

    private void descriptions(MessageType type, Request request) throws OfException {
        WireVersion version = request.version();
        dump(
                bridge.groups(GroupCodec.readRequest(request.body())),
                type,
                request.reply(),
                (out, group) -> GroupCodec.writeDescription(out, group, version));
    }

    private static void features(MessageType type, Request request) {
        MultipartReply reply = new MultipartReply(request.reply(), type);
        reply.add(out -> GroupCodec.writeFeatures(out, request.version()));
        reply.finish();
    }

    // ---- meters ----

    /** A deletion waits for packets under way, like any change. */
    void modifyMeter(Request request) throws OfException {
        MeterMod change = MeterCodec.read(request.body());
        ChangeOrigin origin = request.origin();
        request.changeElsewhere(
                MessageType.METER_MOD, () -> bridge.apply(change, origin), () -> forward(change, request, origin));
    }

    /** Who speaks a version without meters is not told of them. */
    private void forward(MeterMod change, Request request, ChangeOrigin origin) {
        agent.forward(
                request.connection(),
                FORWARDED_METER_MOD,
                WireVersion.OF13,
                (out, version) -> MessageFraming.write(
                        out,
                        MessageType.METER_MOD,
                        version,
                        origin.xid().getAsInt(),
                        body -> MeterCodec.write(body, change)));
    }

    void meterStatistics(Request request) throws OfException {
        dump(
                bridge.meterStatistics(MeterCodec.readRequest(request.body())),
                MessageType.METER_STATS,
                request.reply(),
                MeterCodec::writeStatistics);
    }

    void meterConfigurations(Request request) throws OfException {
        dump(
                bridge.meters(MeterCodec.readRequest(request.body())),
                MessageType.METER_CONFIG,
                request.reply(),
                MeterCodec::writeConfiguration);
    }

    void meterFeatures(Request request) {
        MultipartReply reply = new MultipartReply(request.reply(), MessageType.METER_FEATURES);
        reply.add(MeterCodec::writeFeatures);
        reply.finish();
    }

    private static <T> void dump(List<T> entries, MessageType type, Reply reply, BiConsumer<ByteBuf, T> writer) {
        reply.sendGradually(new EntryDump<>(entries, new MultipartReply(reply, type), writer));
    }
}
