package io.turnstile.bridge;

import io.turnstile.conntrack.TimeoutPolicy;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;

/**
 * What the database wants of one datapath's connection tracker.
 *
 * @param zones by their numbers
 * @param defaultLimit {@code ct_zone_default_limit}, unsigned
 */
record DatapathConfig(UUID row, Map<Integer, Zone> zones, OptionalInt defaultLimit) {

    /**
     * What the database wants of one zone.
     *
     * @param limit how many connections it may hold, unsigned
     * @param timeouts what the tracker has no state for is left out
     */
    record Zone(OptionalInt limit, Optional<TimeoutPolicy> timeouts) {}
}
