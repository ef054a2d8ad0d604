package io.turnstile.pipeline.flow;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One change of the groups (OFPT_GROUP_MOD, NXT_GROUP_MOD, {@code ovs-ofctl add-group}), free of any version.
 *
 * @param groupId DELETE only: {@link #ALL} for all
 * @param commandBucketId INSERT_BUCKET: behind which bucket; REMOVE_BUCKET: which; {@link GroupBucket#ALL} elsewhere
 * @param selection null: what Open vSwitch does without a method
 */
public record GroupMod(
        Command command,
        GroupType type,
        int groupId,
        int commandBucketId,
        List<GroupBucket> buckets,
        @Nullable SelectionMethod selection)
        implements SwitchChange {
    /** The highest id that a group may have, unsigned (OFPG_MAX). */
    public static final int MAX_ID = 0xffffff00;
    /** All groups (OFPG_ALL). */
    public static final int ALL = 0xfffffffc;
    /** No particular group, or none at all (OFPG_ANY). */
    public static final int ANY = 0xffffffff;

    /** What is done. */
    public enum Command {
        ADD(0),
        MODIFY(1),
        DELETE(2),
        INSERT_BUCKET(3),
        REMOVE_BUCKET(5),
        /** Open vSwitch's: {@code mod-group --may-create}. */
        ADD_OR_MODIFY(0x8000);

        private final int number;

        Command(int number) {
            this.number = number;
        }

        /** The number on the wire. */
        public int number() {
            return number;
        }

        /** The command with that number; null if there is none. */
        public static @Nullable Command ofNumber(int number) {
            for (Command command : values()) {
                if (command.number == number) {
                    return command;
                }
            }
            return null;
        }

        /** Whether it changes single buckets of a group that is there. */
        public boolean isOfBuckets() {
            return this == INSERT_BUCKET || this == REMOVE_BUCKET;
        }

        /** Whether the group is described anew as a whole. */
        public boolean describesGroup() {
            return this == ADD || this == MODIFY || this == ADD_OR_MODIFY;
        }
    }

    /** Refuses what is wrong with the change by itself, whatever groups there are. */
    public void check() throws OfException {
        checkCommandBucket();
        checkDistinct(buckets, OfErrorCode.OFPGMFC_BAD_BUCKET);
        if (type == GroupType.INDIRECT && command != Command.DELETE && buckets.size() != 1) {
            throw new OfException(OfErrorCode.OFPGMFC_INVALID_GROUP, "an indirect group has one bucket");
        }
        if (command == Command.REMOVE_BUCKET && !buckets.isEmpty()) {
            throw new OfException(OfErrorCode.OFPGMFC_BAD_BUCKET, "a removal has no buckets");
        }
        for (GroupBucket bucket : buckets) {
            check(bucket);
        }
    }

    private void check(GroupBucket bucket) throws OfException {
        if (bucket.weight() != 0 && type != GroupType.SELECT && command != Command.INSERT_BUCKET) {
            throw new OfException(OfErrorCode.OFPGMFC_INVALID_GROUP, "a weight in a group that does not select");
        }
        switch (type) {
            case ALL, INDIRECT -> {
                if (bucket.watches()) {
                    throw new OfException(OfErrorCode.OFPGMFC_WATCH_UNSUPPORTED, "nobody asks whether it is alive");
                }
            }
            case SELECT -> {
                // May watch or not.
            }
            case FAST_FAILOVER -> {
                if (!bucket.watches()) {
                    throw new OfException(OfErrorCode.OFPGMFC_INVALID_GROUP, "a bucket that watches nothing");
                }
            }
        }
        ActionCheck.checkBucket(bucket.actions());
    }

    private void checkCommandBucket() throws OfException {
        boolean fits = switch (command) {
            case REMOVE_BUCKET -> isPlace() || commandBucketId == GroupBucket.ALL;
            case INSERT_BUCKET -> isPlace();
            case ADD, MODIFY, DELETE, ADD_OR_MODIFY -> commandBucketId == GroupBucket.ALL;
        };
        if (!fits) {
            throw new OfException(
                    OfErrorCode.OFPGMFC_BAD_BUCKET, "bucket " + Integer.toUnsignedString(commandBucketId));
        }
    }

    private boolean isPlace() {
        return GroupBucket.isId(commandBucketId)
                || commandBucketId == GroupBucket.FIRST
                || commandBucketId == GroupBucket.LAST;
    }

    /** Refuses two buckets of one id. */
    public static void checkDistinct(List<GroupBucket> buckets, OfErrorCode refusal) throws OfException {
        Set<Integer> ids = new HashSet<>();
        for (GroupBucket bucket : buckets) {
            if (!GroupBucket.isId(bucket.bucketId()) || !ids.add(bucket.bucketId())) {
                throw new OfException(refusal, "bucket " + Integer.toUnsignedString(bucket.bucketId()));
            }
        }
    }
}
