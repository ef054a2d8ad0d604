package io.turnstile.openflow;

import io.netty.buffer.ByteBuf;
import io.turnstile.openflow.wire.GroupCodec;
import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.pipeline.OpenFlowSwitch;
import io.turnstile.pipeline.OpenFlowSwitch.GroupDescription;
import io.turnstile.pipeline.flow.GroupBucket;
import io.turnstile.pipeline.flow.GroupMod;
import io.turnstile.pipeline.flow.GroupMod.Command;
import java.util.List;

/**
 * A change of a group as other controllers are told of it, each in the words of its version: what becomes ADD or MODIFY
 * is told as which it was, and where there is no such command that buckets were inserted or removed, the group is told
 * as it is now.
 */
final class ForwardedGroupMod {
    private final GroupMod change;
    private final OpenFlowSwitch bridge;
    private final boolean existed;

    /** @param existed whether the group {@linkplain #exists existed} before the change */
    ForwardedGroupMod(GroupMod change, OpenFlowSwitch bridge, boolean existed) {
        this.change = change;
        this.bridge = bridge;
        this.existed = existed;
    }

    /** Whether the group is there, if that makes a difference. */
    static boolean exists(GroupMod change, OpenFlowSwitch bridge) {
        return change.command() == Command.ADD_OR_MODIFY
                && !bridge.groups(change.groupId()).isEmpty();
    }

    /** Tells the others, once the change has been made. */
    void tell(OpenFlowConnection source, int xid, BridgeAgent agent) {
        agent.forward(
                source,
                GroupRequests.FORWARDED_GROUP_MOD,
                WireVersion.OF10,
                (out, version) -> write(out, xid, version));
    }

    private void write(ByteBuf out, int xid, WireVersion version) {
        MessageType type = version == WireVersion.OF10 ? MessageType.NXT_GROUP_MOD : MessageType.GROUP_MOD;
        MessageFraming.write(out, type, version, xid, body -> GroupCodec.write(body, as(version), version));
    }

    private GroupMod as(WireVersion version) {
        return switch (change.command()) {
            case ADD, MODIFY, DELETE -> change;
            case ADD_OR_MODIFY -> with(existed ? Command.MODIFY : Command.ADD, change.buckets());
            case INSERT_BUCKET, REMOVE_BUCKET ->
                version.hasBucketIds()
                        ? change
                        : with(
                                Command.MODIFY,
                                bridge.groups(change.groupId()).stream()
                                        .map(GroupDescription::buckets)
                                        .findFirst()
                                        .orElse(change.buckets()));
        };
    }

    private GroupMod with(Command command, List<GroupBucket> buckets) {
        return new GroupMod(
                command, change.type(), change.groupId(), change.commandBucketId(), buckets, change.selection());
    }
}
