package io.turnstile.bridge;

import io.turnstile.conntrack.ConntrackControl;
import io.turnstile.conntrack.Timeout;
import io.turnstile.conntrack.TimeoutPolicy;
import io.turnstile.conntrack.ZoneLimits;
import io.turnstile.ovsdb.data.DatabaseSnapshot;
import io.turnstile.ovsdb.data.Row;
import io.turnstile.pipeline.Pipeline;
import io.turnstile.pipeline.ZoneTimeouts;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;

/**
 * Zones as the Datapath rows have them ({@code ovs-vsctl add-zone-tp}, {@code set-zone-limit}), given to the tracker.
 * Of timeouts that the tracker has no state for (tcp_close_wait and others of the kernel's tracker) nothing comes.
 *
 * <p>Threads: the reconciler's.
 */
final class ZoneSettings {
    private static final Map<String, Timeout> TIMEOUTS = new HashMap<>();

    static {
        for (Timeout timeout : Timeout.values()) {
            TIMEOUTS.put(timeout.name().toLowerCase(Locale.ROOT), timeout);
        }
    }

    private final ConntrackControl tracker;
    private final ZoneTimeouts timeouts;
    private Map<Integer, Integer> limits = Map.of();
    private Integer defaultLimit;

    ZoneSettings(Pipeline pipeline, ConntrackControl tracker) {
        this.tracker = tracker;
        this.timeouts = new ZoneTimeouts(pipeline, tracker);
    }

    /** @param types those of the bridges there are: only their datapaths' rows count */
    void follow(DatabaseSnapshot snapshot, Row root, Set<String> types) {
        Map<Integer, TimeoutPolicy> wantedPolicies = new TreeMap<>();
        Map<Integer, Integer> wantedLimits = new TreeMap<>();
        Integer wantedDefault = null;
        for (Map.Entry<String, UUID> datapath : root.referenceMap("datapaths").entrySet()) {
            Row row = types.contains(datapath.getKey()) ? snapshot.row("Datapath", datapath.getValue()) : null;
            if (row != null) {
                row.integerReferenceMap("ct_zones")
                        .forEach((zone, uuid) -> read(
                                snapshot,
                                snapshot.row("CT_Zone", uuid),
                                zone.intValue(),
                                wantedPolicies,
                                wantedLimits));
                wantedDefault = limit(row, "ct_zone_default_limit").orElse(wantedDefault);
            }
        }
        timeouts.set(wantedPolicies);
        followLimits(wantedLimits, wantedDefault);
    }

    private static void read(
            DatabaseSnapshot snapshot,
            Row zoneOrNull,
            int zone,
            Map<Integer, TimeoutPolicy> policies,
            Map<Integer, Integer> limits) {
        if (zoneOrNull == null) {
            return;
        }
        limit(zoneOrNull, "limit").ifPresent(limit -> limits.put(zone, limit));
        Row policy = zoneOrNull
                .reference("timeout_policy")
                .map(uuid -> snapshot.row("CT_Timeout_Policy", uuid))
                .orElse(null);
        Map<Timeout, Long> seconds = new EnumMap<>(Timeout.class);
        if (policy != null) {
            policy.integerMap("timeouts").forEach((name, value) -> {
                if (TIMEOUTS.containsKey(name)) {
                    seconds.put(TIMEOUTS.get(name), value);
                }
            });
            policies.put(zone, new TimeoutPolicy(seconds));
        }
    }

    /** Unsigned. Older databases have no such column. */
    private static Optional<Integer> limit(Row row, String column) {
        return row.has(column) ? row.integer(column).map(Long::intValue) : Optional.empty();
    }

    private void followLimits(Map<Integer, Integer> wanted, Integer wantedDefault) {
        ZoneLimits present = tracker.zoneLimits();
        if (!wanted.equals(limits)) {
            limits.keySet().stream().filter(zone -> !wanted.containsKey(zone)).forEach(present::clear);
            wanted.forEach(present::set);
            limits = wanted;
        }
        if (!Objects.equals(wantedDefault, defaultLimit)) {
            present.setDefaultLimit(wantedDefault == null ? 0 : wantedDefault);
            defaultLimit = wantedDefault;
        }
        present.setFromDatabase(wantedDefault != null || !wanted.isEmpty());
    }
}
