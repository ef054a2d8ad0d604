package io.turnstile.bridge;

import io.turnstile.conntrack.ConntrackControl;
import io.turnstile.conntrack.TimeoutPolicy;
import io.turnstile.conntrack.ZoneLimits;
import io.turnstile.pipeline.Pipeline;
import io.turnstile.pipeline.ZoneTimeouts;
import java.util.Collection;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;

/**
 * Gives the tracker the zones' limits and timeouts as the Datapath rows have them ({@code ovs-vsctl add-zone-tp},
 * {@code set-zone-limit}). Timeouts that the tracker has no state for (tcp_close_wait and others of the kernel's
 * tracker) have no effect.
 *
 * <p>Threads: the reconciler's.
 */
final class ZoneSettings {
    private final ConntrackControl tracker;
    private final ZoneTimeouts timeouts;
    private Map<Integer, Integer> limits = Map.of();
    private OptionalInt defaultLimit = OptionalInt.empty();

    ZoneSettings(Pipeline pipeline, ConntrackControl tracker) {
        this.tracker = tracker;
        this.timeouts = new ZoneTimeouts(pipeline, tracker);
    }

    /** @param datapaths those that bridges are on: only their rows count */
    void reconfigure(Collection<DatapathConfig> datapaths) {
        Map<Integer, TimeoutPolicy> wantedPolicies = new TreeMap<>();
        Map<Integer, Integer> wantedLimits = new TreeMap<>();
        OptionalInt wantedDefault = OptionalInt.empty();
        for (DatapathConfig datapath : datapaths) {
            datapath.zones().forEach((zone, config) -> {
                config.limit().ifPresent(limit -> wantedLimits.put(zone, limit));
                config.timeouts().ifPresent(policy -> wantedPolicies.put(zone, policy));
            });
            wantedDefault = datapath.defaultLimit().isPresent() ? datapath.defaultLimit() : wantedDefault;
        }
        timeouts.set(wantedPolicies);
        setLimits(wantedLimits, wantedDefault);
    }

    private void setLimits(Map<Integer, Integer> wanted, OptionalInt wantedDefault) {
        ZoneLimits present = tracker.zoneLimits();
        if (!wanted.equals(limits)) {
            limits.keySet().stream().filter(zone -> !wanted.containsKey(zone)).forEach(present::clear);
            wanted.forEach(present::set);
            limits = wanted;
        }
        if (!wantedDefault.equals(defaultLimit)) {
            present.setDefaultLimit(wantedDefault.orElse(0));
            defaultLimit = wantedDefault;
        }
        present.setFromDatabase(wantedDefault.isPresent() || !wanted.isEmpty());
    }
}
