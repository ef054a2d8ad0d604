package io.turnstile.pipeline;

import io.turnstile.datapath.DatapathFlow;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The addresses that NORMAL knows, by VLAN, each with the port behind which it is ({@code fdb/show}): learned from
 * packets, or static, put there by an operator. Learned ones age; when the table is full, the port that has most of
 * them loses its oldest one.
 *
 * <p>Threads: any; everything but the readers is guarded by the table itself, the readers by the flow cache's lock.
 */
final class MacTable {
    /** {@code other_config:mac-aging-time}, as Open vSwitch has it. */
    static final int DEFAULT_AGING_SECONDS = 300;
    /** {@code other_config:mac-table-size}, as Open vSwitch has it. */
    static final int DEFAULT_SIZE = 8192;

    private static final long NS_PER_SECOND = 1_000_000_000L;
    private static final int MIN_AGING_SECONDS = 15;
    private static final int MAX_AGING_SECONDS = 3600;
    private static final int MIN_SIZE = 10;
    private static final int MAX_SIZE = 1_000_000;
    /** How long a bond does not move an address that was announced elsewhere: the announcement may come back by it. */
    private static final long ANNOUNCEMENT_LOCK_NS = 5 * NS_PER_SECOND;

    /** An address in a VLAN. */
    record Station(int vlan, long macAddress) {}

    /**
     * One sight of a station.
     *
     * @param port the first of the bundle behind which it is
     * @param announced by a gratuitous ARP packet
     * @param fromBond where the packet may be one that was sent by another of its ports and has come back
     */
    record Sight(int port, boolean announced, boolean fromBond) {}

    private static final class Location {
        private final int port;
        private final boolean fixed;
        private final long lastSeenNs;
        private final long lockedUntilNs;
        private final boolean locked;

        Location(int port, boolean fixed, long lastSeenNs, boolean locked, long lockedUntilNs) {
            this.port = port;
            this.fixed = fixed;
            this.lastSeenNs = lastSeenNs;
            this.locked = locked;
            this.lockedUntilNs = lockedUntilNs;
        }

        boolean isLocked(long nowNs) {
            return locked && nowNs - lockedUntilNs < 0;
        }
    }

    /** Least recently seen first. */
    private final LinkedHashMap<Station, Location> stations = new LinkedHashMap<>();
    /** The same by port. */
    private final Map<Integer, LinkedHashSet<Station>> byPort = new HashMap<>();

    private long agingNs = DEFAULT_AGING_SECONDS * NS_PER_SECOND;
    private int capacity = DEFAULT_SIZE;
    private VlanSet floodVlans = VlanSet.NONE;
    private int fixed;
    private long learned;
    private long expired;
    private long evicted;
    private long moved;

    private final Map<Station, Dependents> readers = new HashMap<>();

    /** Seconds that an unused address stays (15–3600), and the largest number of addresses (10–1 000 000); clamped. */
    synchronized void configure(int agingSeconds, int maxEntries) {
        agingNs = Math.clamp(agingSeconds, MIN_AGING_SECONDS, MAX_AGING_SECONDS) * NS_PER_SECOND;
        capacity = Math.clamp(maxEntries, MIN_SIZE, MAX_SIZE);
    }

    /**
     * The VLANs in which nothing is learned and everything is flooded. Returns false if they are these already, else
     * forgets what was learned, adds it to {@code gone}, and returns true.
     */
    synchronized boolean setFloodVlans(VlanSet vlans, Collection<Station> gone) {
        if (vlans.equals(floodVlans)) {
            return false;
        }
        floodVlans = vlans;
        gone.addAll(clear());
        return true;
    }

    /** Returns the lines of {@code fdb/show}, the most recently seen last. */
    synchronized List<BridgePipeline.MacEntry> entries(long nowNs) {
        List<BridgePipeline.MacEntry> shown = new ArrayList<>(stations.size());
        stations.forEach((station, location) -> shown.add(new BridgePipeline.MacEntry(
                location.port,
                station.vlan,
                station.macAddress,
                Math.max(0, nowNs - location.lastSeenNs) / NS_PER_SECOND,
                location.fixed)));
        return shown;
    }

    synchronized BridgePipeline.MacStatistics statistics() {
        return new BridgePipeline.MacStatistics(stations.size(), capacity, fixed, learned, expired, evicted, moved);
    }

    synchronized void clearStatistics() {
        learned = 0;
        expired = 0;
        evicted = 0;
        moved = 0;
    }

    /**
     * The port behind which the station is, or null.
     *
     * @param sight of this very moment, not learned yet; null if there is none
     */
    synchronized @Nullable Integer find(Station station, @Nullable Sight sight, long nowNs) {
        if (floodVlans.contains(station.vlan)) {
            return null;
        }
        Location location = stations.get(station);
        if (sight != null && (location == null || isMovedBy(location, sight, nowNs))) {
            return sight.port;
        }
        return location == null ? null : location.port;
    }

    private static boolean isMovedBy(Location location, Sight sight, long nowNs) {
        boolean reflected = sight.announced && sight.fromBond && location.isLocked(nowNs);
        return !location.fixed && !reflected && location.port != sight.port;
    }

    /** Whether the sight would change where the station is. */
    synchronized boolean isNews(Station station, Sight sight, long nowNs) {
        Location location = stations.get(station);
        return !floodVlans.contains(station.vlan) && (location == null || isMovedBy(location, sight, nowNs));
    }

    /** Renews the entry of a station; returns false if {@link #isNews}. */
    synchronized boolean refresh(Station station, Sight sight, long seenNs) {
        if (isNews(station, sight, seenNs)) {
            return false;
        }
        Location location = stations.get(station);
        if (location != null && !location.fixed && location.port == sight.port && seenNs - location.lastSeenNs > 0) {
            place(station, located(location, sight, seenNs));
        }
        return true;
    }

    /**
     * Learns the station; {@code changed} gets those whose place is another one now: this one, and any that made room.
     */
    synchronized void learn(Station station, Sight sight, long seenNs, Collection<Station> changed) {
        if (!isNews(station, sight, seenNs)) {
            return;
        }
        Location before = stations.get(station);
        if (before == null) {
            makeRoom(changed);
            learned++;
        } else {
            moved++;
        }
        place(station, located(before, sight, seenNs));
        changed.add(station);
    }

    private static Location located(@Nullable Location before, Sight sight, long seenNs) {
        boolean locks = sight.announced && !sight.fromBond;
        return new Location(
                sight.port,
                false,
                seenNs,
                locks || before != null && before.locked,
                locks ? seenNs + ANNOUNCEMENT_LOCK_NS : before == null ? 0 : before.lockedUntilNs);
    }

    /** Puts the station there for good ({@code fdb/add}); {@code changed} as for {@link #learn}. */
    synchronized void fix(Station station, int port, long nowNs, Collection<Station> changed) {
        if (!stations.containsKey(station)) {
            makeRoom(changed);
        }
        place(station, new Location(port, true, nowNs, false, 0));
        changed.add(station);
    }

    /** Removes a station that was {@linkplain #fix fixed}; returns whether it was. */
    synchronized boolean unfix(Station station) {
        Location location = stations.get(station);
        // Where all is flooded nothing is looked up, this neither, as in Open vSwitch.
        boolean found = location != null && location.fixed && !floodVlans.contains(station.vlan);
        if (found) {
            take(station);
        }
        return found;
    }

    /** Where the station is and whether it was fixed there, for who is about to fix it; null if nowhere. */
    synchronized BridgePipeline.@Nullable MacEntry entry(Station station) {
        Location location = floodVlans.contains(station.vlan) ? null : stations.get(station);
        return location == null
                ? null
                : new BridgePipeline.MacEntry(location.port, station.vlan, station.macAddress, 0, location.fixed);
    }

    /** Makes room for one station: a port that has most of them loses the one that was longest unseen. */
    private void makeRoom(Collection<Station> changed) {
        if (stations.size() < capacity) {
            return;
        }
        LinkedHashSet<Station> most = new LinkedHashSet<>();
        for (LinkedHashSet<Station> candidate : byPort.values()) {
            most = candidate.size() > most.size() ? candidate : most;
        }
        Station oldest = most.getFirst();
        take(oldest);
        evicted++;
        changed.add(oldest);
    }

    /** To the end of the order. */
    private void place(Station station, Location location) {
        take(station);
        stations.put(station, location);
        byPort.computeIfAbsent(location.port, _ -> new LinkedHashSet<>()).add(station);
        fixed += location.fixed ? 1 : 0;
    }

    private void take(Station station) {
        Location location = stations.remove(station);
        if (location != null) {
            fixed -= location.fixed ? 1 : 0;
            LinkedHashSet<Station> neighbours = byPort.getOrDefault(location.port, new LinkedHashSet<>());
            neighbours.remove(station);
            if (neighbours.isEmpty()) {
                byPort.remove(location.port);
            }
        }
    }

    /** Whether {@link #expire} has anything to do. */
    synchronized boolean hasAged(long nowNs) {
        return stations.size() - fixed > 0
                && (stations.size() > capacity
                        || stations.values().stream().anyMatch(location -> isAged(location, nowNs)));
    }

    private boolean isAged(Location location, long nowNs) {
        return !location.fixed && nowNs - location.lastSeenNs >= agingNs;
    }

    /**
     * Removes the stations that were not seen for the aging time, and beyond those what a table that has become smaller
     * has no room for; returns them.
     */
    synchronized List<Station> expire(long nowNs) {
        List<Station> gone = removeAll(location -> isAged(location, nowNs));
        if (stations.size() > capacity) {
            int[] surplus = {stations.size() - capacity};
            gone.addAll(removeAll(location -> !location.fixed && surplus[0]-- > 0));
        }
        expired += gone.size();
        return gone;
    }

    /** Removes all stations that were learned, and returns them. */
    synchronized List<Station> clear() {
        return removeAll(location -> !location.fixed);
    }

    /** Removes the stations behind the port, fixed ones too, and returns them. */
    synchronized List<Station> forgetPort(int port) {
        return removeAll(location -> location.port == port);
    }

    private List<Station> removeAll(Predicate<Location> condition) {
        List<Station> gone = new ArrayList<>();
        stations.forEach((station, location) -> {
            if (condition.test(location)) {
                gone.add(station);
            }
        });
        gone.forEach(this::take);
        return gone;
    }

    // ---- flows that looked a station up; under the flow cache's lock ----

    void addReader(Station station, DatapathFlow flow) {
        readers.computeIfAbsent(station, _ -> new Dependents()).add(flow);
    }

    void removeReader(Station station, DatapathFlow flow) {
        Dependents flows = readers.get(station);
        if (flows != null) {
            flows.remove(flow);
            if (flows.isEmpty()) {
                readers.remove(station);
            }
        }
    }

    void collectReaders(Station station, Collection<DatapathFlow> into) {
        Dependents flows = readers.get(station);
        if (flows != null) {
            flows.collectInto(into);
        }
    }
}
