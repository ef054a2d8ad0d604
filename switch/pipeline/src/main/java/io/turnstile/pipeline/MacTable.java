package io.turnstile.pipeline;

import io.turnstile.datapath.DatapathFlow;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The addresses that NORMAL has learned, by VLAN, each with the port behind which it was last seen ({@code fdb/show}).
 * Entries age; when the table is full, the least recently seen one makes room.
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

    /** An address in a VLAN. */
    record Station(int vlan, long macAddress) {}

    private static final class Location {
        private final int port;
        private final long lastSeenNs;

        Location(int port, long lastSeenNs) {
            this.port = port;
            this.lastSeenNs = lastSeenNs;
        }
    }

    /** Least recently seen first. */
    private final LinkedHashMap<Station, Location> stations = new LinkedHashMap<>();

    private long agingNs = DEFAULT_AGING_SECONDS * NS_PER_SECOND;
    private int capacity = DEFAULT_SIZE;

    private final Map<Station, Dependents> readers = new HashMap<>();

    /** Seconds that an unused address stays (15–3600), and the largest number of addresses (10–1 000 000); clamped. */
    synchronized void configure(int agingSeconds, int maxEntries) {
        agingNs = Math.clamp(agingSeconds, MIN_AGING_SECONDS, MAX_AGING_SECONDS) * NS_PER_SECOND;
        capacity = Math.clamp(maxEntries, MIN_SIZE, MAX_SIZE);
    }

    /** Returns the lines of {@code fdb/show}, the most recently seen last. */
    synchronized List<BridgePipeline.MacEntry> entries(long nowNs) {
        List<BridgePipeline.MacEntry> shown = new ArrayList<>(stations.size());
        stations.forEach((station, location) -> shown.add(new BridgePipeline.MacEntry(
                location.port,
                station.vlan,
                station.macAddress,
                Math.max(0, nowNs - location.lastSeenNs) / NS_PER_SECOND)));
        return shown;
    }

    /** The port behind which the station was seen, or null. */
    synchronized @Nullable Integer find(Station station) {
        Location location = stations.get(station);
        return location == null ? null : location.port;
    }

    /** Whether the table does not know the station at that port. */
    synchronized boolean isNews(Station station, int port) {
        Location location = stations.get(station);
        return location == null || location.port != port;
    }

    /**
     * Renews the entry of a station that is known at that port; returns false if it is known elsewhere or not at all.
     */
    synchronized boolean refresh(Station station, int port, long seenNs) {
        Location location = stations.get(station);
        if (location == null || location.port != port) {
            return false;
        }
        if (seenNs - location.lastSeenNs > 0) {
            place(station, port, seenNs);
        }
        return true;
    }

    /**
     * Learns the station; {@code changed} gets those whose place is another one now: this one, and any that made room.
     */
    synchronized void learn(Station station, int port, long seenNs, Collection<Station> changed) {
        place(station, port, seenNs);
        changed.add(station);
        while (stations.size() > capacity) {
            Station oldest = stations.firstEntry().getKey();
            stations.remove(oldest);
            changed.add(oldest);
        }
    }

    private void place(Station station, int port, long seenNs) {
        stations.remove(station); // To the end of the order.
        stations.put(station, new Location(port, seenNs));
    }

    /** Whether {@link #expire} has anything to do. */
    synchronized boolean hasAged(long nowNs) {
        return stations.values().stream().anyMatch(location -> nowNs - location.lastSeenNs >= agingNs);
    }

    /** Removes the stations that were not seen for the aging time, and returns them. */
    synchronized List<Station> expire(long nowNs) {
        List<Station> gone = new ArrayList<>();
        stations.forEach((station, location) -> {
            if (nowNs - location.lastSeenNs >= agingNs) {
                gone.add(station);
            }
        });
        gone.forEach(stations::remove);
        return gone;
    }

    /** Removes all stations, and returns them. */
    synchronized List<Station> clear() {
        List<Station> gone = List.copyOf(stations.keySet());
        stations.clear();
        return gone;
    }

    /** Removes the stations behind the port, and returns them. */
    synchronized List<Station> forgetPort(int port) {
        List<Station> gone = new ArrayList<>();
        stations.forEach((station, location) -> {
            if (location.port == port) {
                gone.add(station);
            }
        });
        gone.forEach(stations::remove);
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
