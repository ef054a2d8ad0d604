package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.pipeline.flow.GroupBucket;
import io.turnstile.pipeline.flow.GroupMod;
import io.turnstile.pipeline.flow.GroupType;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfAction.Ports;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import java.util.ArrayList;
import java.util.List;

/** Buckets of groups (OpenFlow 1.3.5 §7.3.4.2, 1.5.1 §7.3.4.3.1). */
final class BucketCodec {
    private static final int HEADER_BYTES = 16;
    private static final int HEADER_BYTES_15 = 8;
    private static final int WEIGHT = 0;
    private static final int WATCH_PORT = 1;
    private static final int WATCH_GROUP = 2;

    private BucketCodec() {}

    // ---- reading ----

    /** Reads until {@code in} is used up. */
    static List<GroupBucket> read(ByteBuf in, GroupType type, WireVersion version) throws OfException {
        List<GroupBucket> buckets = new ArrayList<>();
        while (in.isReadable()) {
            buckets.add(version.hasBucketIds() ? read15(in, type, version) : read11(in, buckets.size(), version));
        }
        return List.copyOf(buckets);
    }

    /** The bucket's bytes behind its length. */
    private static ByteBuf slice(ByteBuf in, int headerBytes) throws OfException {
        Wire.need(in, headerBytes, OfErrorCode.OFPGMFC_BAD_BUCKET);
        int length = in.readUnsignedShort();
        if (length < headerBytes || length - 2 > in.readableBytes()) {
            throw new OfException(OfErrorCode.OFPGMFC_BAD_BUCKET, "bucket of " + length + " bytes");
        }
        return in.readSlice(length - 2);
    }

    /** len 16, weight 16, watch_port 32, watch_group 32, pad 32, actions. */
    private static GroupBucket read11(ByteBuf in, int place, WireVersion version) throws OfException {
        ByteBuf bucket = slice(in, HEADER_BYTES);
        int weight = bucket.readUnsignedShort();
        int watchPort = watchedPort(bucket.readInt());
        int watchGroup = bucket.readInt();
        bucket.skipBytes(4);
        return new GroupBucket(place, weight, watchPort, watchGroup, ActionCodec.read(bucket, version));
    }

    /** len 16, action_array_len 16, bucket_id 32, actions, properties. */
    private static GroupBucket read15(ByteBuf in, GroupType type, WireVersion version) throws OfException {
        ByteBuf bucket = slice(in, HEADER_BYTES_15);
        int actionBytes = bucket.readUnsignedShort();
        int id = bucket.readInt();
        if (actionBytes > bucket.readableBytes()) {
            throw new OfException(OfErrorCode.OFPGMFC_BAD_BUCKET, "actions of " + actionBytes + " bytes");
        }
        List<OfAction> actions = ActionCodec.read(bucket.readSlice(actionBytes), version);
        int weight = GroupBucket.defaultWeight(type);
        int watchPort = Ports.NONE;
        int watchGroup = GroupMod.ANY;
        while (bucket.isReadable()) {
            Property property = Property.read(bucket);
            switch (property.type()) {
                case WEIGHT -> weight = property.value16();
                case WATCH_PORT -> watchPort = watchedPort(property.value32());
                case WATCH_GROUP -> watchGroup = property.value32();
                default -> throw property.unknown();
            }
        }
        return new GroupBucket(id, weight, watchPort, watchGroup, actions);
    }

    /** Open vSwitch has ports of 16 bits: below the reserved ones there are others than these. */
    private static int watchedPort(int port) throws OfException {
        boolean fits =
                Integer.compareUnsigned(port, Ports.MAX_16_BITS) < 0 || Integer.compareUnsigned(port, Ports.MAX) >= 0;
        if (!fits) {
            throw new OfException(OfErrorCode.OFPGMFC_BAD_WATCH, "port " + Integer.toUnsignedString(port));
        }
        return port;
    }

    // ---- writing ----

    /**
     * Writes as many of the buckets as there is room for: a group may have more than an entry of a reply can describe.
     *
     * @param limitBytes where the buffer may end
     */
    static void write(ByteBuf out, List<GroupBucket> buckets, GroupType type, WireVersion version, int limitBytes) {
        for (GroupBucket bucket : buckets) {
            int start = out.writerIndex();
            if (version.hasBucketIds()) {
                write15(out, bucket, type, version);
            } else {
                write11(out, bucket, version);
            }
            if (out.writerIndex() > limitBytes) {
                out.writerIndex(start);
                return;
            }
            out.setShort(start, out.writerIndex() - start);
        }
    }

    private static void write11(ByteBuf out, GroupBucket bucket, WireVersion version) {
        out.writeShort(0)
                .writeShort(bucket.weight())
                .writeInt(bucket.watchPort())
                .writeInt(bucket.watchGroup())
                .writeInt(0);
        ActionCodec.write(out, bucket.actions(), Match.ANY, version);
    }

    private static void write15(ByteBuf out, GroupBucket bucket, GroupType type, WireVersion version) {
        int lengthAt = out.writerIndex() + 2;
        out.writeShort(0).writeShort(0).writeInt(bucket.bucketId());
        int actionsAt = out.writerIndex();
        ActionCodec.write(out, bucket.actions(), Match.ANY, version);
        out.setShort(lengthAt, out.writerIndex() - actionsAt);
        if (type == GroupType.SELECT || bucket.weight() != 0) {
            int start = Wire.startProperty(out, WEIGHT);
            out.writeShort(bucket.weight()).writeShort(0);
            Wire.endProperty(out, start);
        }
        if (bucket.watchPort() != Ports.NONE) {
            property32(out, WATCH_PORT, bucket.watchPort());
        }
        if (bucket.watchGroup() != GroupMod.ANY) {
            property32(out, WATCH_GROUP, bucket.watchGroup());
        }
    }

    private static void property32(ByteBuf out, int type, int value) {
        int start = Wire.startProperty(out, type);
        out.writeInt(value);
        Wire.endProperty(out, start);
    }
}
