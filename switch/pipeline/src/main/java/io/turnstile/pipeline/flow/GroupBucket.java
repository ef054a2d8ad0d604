package io.turnstile.pipeline.flow;

import io.turnstile.pipeline.flow.OfAction.Ports;
import java.util.List;

/**
 * One bucket of a group (OpenFlow 1.5.1 §7.3.4.3.1).
 *
 * @param bucketId at most {@link #MAX_ID}; before OpenFlow 1.5 its place in the group
 * @param weight SELECT only: 0 gets no packets
 * @param watchPort the bucket is alive while that port's link is up; {@link Ports#NONE}: no port is watched
 * @param watchGroup the same with a group that has a live bucket; {@link GroupMod#ANY}: no group is watched
 * @param actions run as an action set
 */
public record GroupBucket(int bucketId, int weight, int watchPort, int watchGroup, List<OfAction> actions) {
    public static final int MAX_ID = 0xffffff00;
    /** Instead of an id in a command: the first, the last, all. */
    public static final int FIRST = 0xfffffffd;

    public static final int LAST = 0xfffffffe;
    public static final int ALL = 0xffffffff;

    /** The weight unless another one is given. */
    public static int defaultWeight(GroupType type) {
        return type == GroupType.SELECT ? 1 : 0;
    }

    /** Whether it is alive only while something else is. */
    public boolean watches() {
        return watchPort != Ports.NONE || watchGroup != GroupMod.ANY;
    }

    static boolean isId(int bucketId) {
        return Integer.compareUnsigned(bucketId, MAX_ID) <= 0;
    }
}
