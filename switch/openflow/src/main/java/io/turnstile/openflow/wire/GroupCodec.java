package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.pipeline.OpenFlowSwitch.BucketStats;
import io.turnstile.pipeline.OpenFlowSwitch.GroupDescription;
import io.turnstile.pipeline.OpenFlowSwitch.GroupStats;
import io.turnstile.pipeline.flow.ActionForm;
import io.turnstile.pipeline.flow.ActionKind;
import io.turnstile.pipeline.flow.GroupBucket;
import io.turnstile.pipeline.flow.GroupMod;
import io.turnstile.pipeline.flow.GroupType;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import io.turnstile.pipeline.flow.SelectionMethod;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Changes, descriptions, statistics and features of groups (OpenFlow 1.3.5 §7.3.4.2, 1.5.1 §7.3.4.3). Under 1.0 they
 * are Open vSwitch's extension, which has them as 1.5 does.
 */
public final class GroupCodec {
    private static final int HEADER_BYTES = 8;
    private static final int HEADER_BYTES_15 = 16;
    private static final int STATS_BYTES = 40;
    private static final int STATS_BYTES_11 = 32;
    private static final int BUCKET_STATS_BYTES = 16;
    private static final int MAX_ENTRY_BYTES = 0xfff0;
    private static final long NS_PER_SECOND = 1_000_000_000L;
    private static final long NS_PER_MS = 1_000_000L;

    private static final int ALL_TYPES = (1 << GroupType.values().length) - 1;
    /** Weights, watched ports of groups that select, and groups of groups (OFPGFC_*). */
    private static final int CAPABILITIES = 1 | 1 << 1 | 1 << 2;

    private GroupCodec() {}

    // ---- changes; the reader stands behind the header ----

    /** Reads a change of the groups, which is in order by itself. */
    public static GroupMod read(ByteBuf in, WireVersion version) throws OfException {
        GroupMod mod = version.hasBucketIds() ? read15(in, version) : read11(in, version);
        mod.check();
        return mod;
    }

    /** command 16, type 8, pad 8, group_id 32, buckets. */
    private static GroupMod read11(ByteBuf in, WireVersion version) throws OfException {
        Wire.need(in, HEADER_BYTES, OfErrorCode.OFPBRC_BAD_LEN);
        int command = in.readUnsignedShort();
        int type = in.readUnsignedByte();
        int id = in.skipBytes(1).readInt();
        List<GroupBucket> buckets = BucketCodec.read(in, orAll(type), version);
        if (command == GroupMod.Command.DELETE.number() && !buckets.isEmpty() && version.refusesBucketsInDeletions()) {
            throw new OfException(OfErrorCode.OFPGMFC_INVALID_GROUP, "a deletion with buckets");
        }
        return new GroupMod(command(command, type), type(type), id, GroupBucket.ALL, buckets, null);
    }

    /**
     * command 16, type 8, pad 8, group_id 32, bucket_array_len 16, pad 16, command_bucket_id 32, buckets, properties.
     */
    private static GroupMod read15(ByteBuf in, WireVersion version) throws OfException {
        Wire.need(in, HEADER_BYTES_15, OfErrorCode.OFPBRC_BAD_LEN);
        int command = in.readUnsignedShort();
        int type = in.readUnsignedByte();
        int id = in.skipBytes(1).readInt();
        int bucketBytes = in.readUnsignedShort();
        int commandBucket = in.skipBytes(2).readInt();
        Wire.need(in, bucketBytes, OfErrorCode.OFPBRC_BAD_LEN);
        List<GroupBucket> buckets = BucketCodec.read(in.readSlice(bucketBytes), orAll(type), version);
        SelectionMethod selection =
                SelectionCodec.read(in, GroupMod.Command.ofNumber(command), GroupType.ofNumber(type));
        return new GroupMod(command(command, type), type(type), id, commandBucket, buckets, selection);
    }

    /** The type comes before the command where both are wrong. */
    private static GroupMod.Command command(int number, int type) throws OfException {
        type(type);
        GroupMod.Command command = GroupMod.Command.ofNumber(number);
        if (command == null) {
            throw new OfException(OfErrorCode.OFPGMFC_BAD_COMMAND, "command " + number);
        }
        return command;
    }

    private static GroupType type(int number) throws OfException {
        GroupType type = GroupType.ofNumber(number);
        if (type == null) {
            throw new OfException(OfErrorCode.OFPGMFC_BAD_TYPE, "type " + number);
        }
        return type;
    }

    /** What is wrong with the buckets is said before what is wrong with the type. */
    private static GroupType orAll(int number) {
        GroupType type = GroupType.ofNumber(number);
        return type == null ? GroupType.ALL : type;
    }

    /** The content of a change, as a client sends it. */
    public static void write(ByteBuf out, GroupMod mod, WireVersion version) {
        out.writeShort(mod.command().number())
                .writeByte(mod.type().number())
                .writeByte(0)
                .writeInt(mod.groupId());
        if (!version.hasBucketIds()) {
            BucketCodec.write(out, mod.buckets(), mod.type(), version, Integer.MAX_VALUE);
            return;
        }
        int lengthAt = out.writerIndex();
        out.writeShort(0).writeShort(0).writeInt(mod.commandBucketId());
        int bucketsAt = out.writerIndex();
        BucketCodec.write(out, mod.buckets(), mod.type(), version, Integer.MAX_VALUE);
        out.setShort(lengthAt, out.writerIndex() - bucketsAt);
        writeSelection(out, mod.selection(), version);
    }

    private static void writeSelection(ByteBuf out, @Nullable SelectionMethod selection, WireVersion version) {
        if (selection != null) {
            SelectionCodec.write(out, selection, version);
        }
    }

    // ---- requests ----

    /** The group that a request is about; all of them where versions have none in it. */
    public static int readRequest(ByteBuf in) throws OfException {
        if (!in.isReadable()) {
            return GroupMod.ALL;
        }
        Wire.need(in, 8, OfErrorCode.OFPBRC_BAD_LEN);
        return in.readInt();
    }

    // ---- replies: one entry each ----

    public static void writeDescription(ByteBuf out, GroupDescription group, WireVersion version) {
        int start = out.writerIndex();
        int limit = start + MAX_ENTRY_BYTES;
        out.writeShort(0).writeByte(group.type().number()).writeByte(0).writeInt(group.groupId());
        if (version.hasBucketIds()) {
            int lengthAt = out.writerIndex();
            out.writeShort(0).writeZero(6);
            int bucketsAt = out.writerIndex();
            BucketCodec.write(out, group.buckets(), group.type(), version, limit);
            out.setShort(lengthAt, out.writerIndex() - bucketsAt);
            int propertyAt = out.writerIndex();
            writeSelection(out, group.selection(), version);
            out.writerIndex(out.writerIndex() > limit ? propertyAt : out.writerIndex());
        } else {
            BucketCodec.write(out, group.buckets(), group.type(), version, limit);
        }
        out.setShort(start, out.writerIndex() - start);
    }

    /**
     * length 16, pad 16, group_id 32, ref_count 32, pad 32, packets 64, bytes 64, from 1.3 on duration 64; counters.
     */
    public static void writeStatistics(ByteBuf out, GroupStats group, WireVersion version) {
        boolean withDuration = version.hasGroupDurations();
        int fixed = withDuration ? STATS_BYTES : STATS_BYTES_11;
        int shown = Math.min(group.buckets().size(), (MAX_ENTRY_BYTES - fixed) / BUCKET_STATS_BYTES);
        out.writeShort(fixed + shown * BUCKET_STATS_BYTES)
                .writeShort(0)
                .writeInt(group.groupId())
                .writeInt(group.referenceCount())
                .writeInt(0)
                .writeLong(group.packets())
                .writeLong(group.bytes());
        if (withDuration) {
            out.writeInt((int) (group.durationNs() / NS_PER_SECOND))
                    .writeInt((int) (group.durationNs() % NS_PER_SECOND / NS_PER_MS * NS_PER_MS));
        }
        for (BucketStats bucket : group.buckets().subList(0, shown)) {
            out.writeLong(bucket.packets()).writeLong(bucket.bytes());
        }
    }

    /** The content of a reply that says what groups can do: the same for all types. */
    public static void writeFeatures(ByteBuf out, WireVersion version) {
        out.writeInt(ALL_TYPES).writeInt(CAPABILITIES);
        for (GroupType _ : GroupType.values()) {
            out.writeInt(GroupMod.MAX_ID);
        }
        int actions = actionBits(version);
        for (GroupType _ : GroupType.values()) {
            out.writeInt(actions);
        }
    }

    /** The standard actions that there are, a bit for each number. */
    private static int actionBits(WireVersion version) {
        int bits = 0;
        for (ActionKind kind : ActionKind.values()) {
            for (ActionForm form : kind.forms()) {
                if (form.vendor() == ActionForm.Vendor.STANDARD
                        && form.isIn(version.code())
                        && form.number() < Integer.SIZE) {
                    bits |= 1 << form.number();
                }
            }
        }
        return bits;
    }
}
