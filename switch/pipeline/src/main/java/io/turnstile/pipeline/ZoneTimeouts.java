package io.turnstile.pipeline;

import io.turnstile.conntrack.ConntrackControl;
import io.turnstile.conntrack.TimeoutPolicy;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The timeout policies of the zones, under which connections are committed. Zones with equal policies share one in the
 * tracker.
 *
 * <p>A connection keeps its policy's id for life. Ids are therefore given out in turn: one that is free again is not
 * used before all others were, so that connections of a policy that is gone fall to the default one and not to somebody
 * else's.
 *
 * <p>Threads: one at a time.
 */
public final class ZoneTimeouts {
    private static final Logger LOG = LoggerFactory.getLogger(ZoneTimeouts.class);
    private static final int LARGEST_ID = 0xffff;

    private final ConntrackControl tracker;
    private final Pipeline pipeline;
    private final Map<TimeoutPolicy, Integer> ids = new HashMap<>();
    private final BitSet usedIds = new BitSet();
    private Map<Integer, TimeoutPolicy> policies = Map.of();
    private int lastId;

    public ZoneTimeouts(Pipeline pipeline, ConntrackControl tracker) {
        this.pipeline = pipeline;
        this.tracker = tracker;
    }

    /**
     * Gives the zones their policies.
     *
     * @param wanted by zone, 0 to 65535, in place of all that was set before; zones left out have the default policy
     */
    public void set(Map<Integer, TimeoutPolicy> wanted) {
        if (wanted.equals(policies)) {
            return;
        }
        policies = Map.copyOf(wanted);
        Set<Integer> freed = freeAllBut(new HashSet<>(wanted.values()));
        Map<Integer, Integer> idOfZone = new HashMap<>();
        // In order of zones, so that it can be said which had to do without.
        new TreeMap<>(wanted).forEach((zone, policy) -> idOfZone.put(zone, id(zone, policy)));
        pipeline.setZoneTimeouts(zone -> idOfZone.getOrDefault(zone, 0));
        // Only now: packets that were carried until then count under the policy that they met.
        Set<Integer> used = new HashSet<>(ids.values());
        freed.stream().filter(id -> !used.contains(id)).forEach(id -> tracker.setTimeoutPolicy(id, null));
    }

    private int id(int zone, TimeoutPolicy policy) {
        if (policy.equals(TimeoutPolicy.DEFAULT)) {
            return 0;
        }
        Integer known = ids.get(policy);
        if (known != null) {
            return known;
        }
        if (ids.size() == LARGEST_ID) {
            LOG.warn("zone {}: more than {} different timeout policies, taken as the default one", zone, LARGEST_ID);
            return 0;
        }
        int next = usedIds.nextClearBit(lastId + 1);
        lastId = next <= LARGEST_ID ? next : usedIds.nextClearBit(1);
        usedIds.set(lastId);
        ids.put(policy, lastId);
        tracker.setTimeoutPolicy(lastId, policy);
        return lastId;
    }

    /** Returns ids of policies that no zone has any more. */
    private Set<Integer> freeAllBut(Set<TimeoutPolicy> wanted) {
        Set<Integer> freed = new HashSet<>();
        ids.entrySet().removeIf(known -> {
            boolean gone = !wanted.contains(known.getKey());
            if (gone) {
                freed.add(known.getValue());
                usedIds.clear(known.getValue());
            }
            return gone;
        });
        return freed;
    }
}
