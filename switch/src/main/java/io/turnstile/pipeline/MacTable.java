package io.turnstile.pipeline;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiPredicate;

/**
 * Which MAC address was last seen on which port (ovs-vswitchd.conf.db(5) mac-aging-time, mac-table-size).
 *
 * <p>Threads: learning and expiry under the pipeline's lock; {@link #refresh} by any thread.
 */
final class MacTable {
    private static final long NS_PER_SECOND = 1_000_000_000L;
    static final int DEFAULT_AGING_SECONDS = 300;
    static final int DEFAULT_MAX_ENTRIES = 8192;

    private final ConcurrentHashMap<Key, Entry> entries = new ConcurrentHashMap<>();
    private long agingNs = DEFAULT_AGING_SECONDS * NS_PER_SECOND;
    private int maxEntries = DEFAULT_MAX_ENTRIES;

    /** An address in a VLAN (0 without a tag). */
    record Key(int vlan, long mac) {
    }

    private static final class Entry {
        final int port;
        volatile long seenNs;

        Entry(int port, long seenNs) {
            this.port = port;
            this.seenNs = seenNs;
        }
    }

    /** Takes note of where an address is; true if that is news, so that translations that went by the old place are wrong. */
    boolean learn(Key key, int port, long nowNs) {
        Entry entry = entries.get(key);
        if (entry != null && entry.port == port) {
            entry.seenNs = nowNs;
            return false;
        }
        if (entry == null && entries.size() >= maxEntries) {
            entries.entrySet().stream().min(Comparator.comparingLong(e -> e.getValue().seenNs - nowNs))
                    .ifPresent(oldest -> entries.remove(oldest.getKey()));
        }
        entries.put(key, new Entry(port, nowNs));
        return true;
    }

    /** Packets with that source still come: the entry stays young. */
    void refresh(Key key, int port, long seenNs) {
        Entry entry = entries.get(key);
        if (entry != null && entry.port == port && seenNs - entry.seenNs > 0) {
            entry.seenNs = seenNs;
        }
    }

    /** The port of an address, null if it is not known. */
    Integer lookup(Key key) {
        Entry entry = entries.get(key);
        return entry == null ? null : entry.port;
    }

    /** Forgets what is too old; returns what was forgotten. */
    List<Key> expire(long nowNs) {
        return removeIf((key, entry) -> nowNs - entry.seenNs > agingNs);
    }

    List<Key> forgetPort(int port) {
        return removeIf((key, entry) -> entry.port == port);
    }

    List<Key> flush() {
        return removeIf((key, entry) -> true);
    }

    private List<Key> removeIf(BiPredicate<Key, Entry> selected) {
        List<Key> removed = new ArrayList<>();
        entries.forEach((key, entry) -> {
            if (selected.test(key, entry)) {
                entries.remove(key);
                removed.add(key);
            }
        });
        return removed;
    }

    void configure(int agingSeconds, int maxEntries) {
        this.agingNs = agingSeconds * NS_PER_SECOND;
        this.maxEntries = maxEntries;
    }

    /** Entries, longest unseen first, as fdb/show prints them. */
    List<BridgePipeline.MacEntry> entries(long nowNs) {
        List<BridgePipeline.MacEntry> all = new ArrayList<>();
        entries.forEach((key, entry) -> all.add(new BridgePipeline.MacEntry(entry.port, key.vlan(), key.mac(),
                (nowNs - entry.seenNs) / NS_PER_SECOND)));
        all.sort(Comparator.comparingLong(BridgePipeline.MacEntry::ageSeconds).reversed());
        return all;
    }
}
