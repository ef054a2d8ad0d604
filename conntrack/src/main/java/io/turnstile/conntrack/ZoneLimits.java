package io.turnstile.conntrack;

import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.LongAdder;

/**
 * How many connections a zone may hold, and how many it holds ({@code dpctl/ct-set-limits}). The default limit goes for
 * every zone that has none of its own; there 0 is "no limit". Lowering a limit removes nothing.
 *
 * <p>Threads: {@link #tryAdd} and {@link #remove} any, without locks; the rest any.
 */
public final class ZoneLimits {
    public static final int ZONES = 1 << 16;
    /** "The zone has no limit of its own". */
    private static final int NONE = -1;

    private final AtomicIntegerArray counts = new AtomicIntegerArray(ZONES);
    private final LongAdder refusals = new LongAdder();
    private final SortedMap<Integer, Integer> configured = new TreeMap<>(); // guarded by this
    private final AtomicIntegerArray limits = new AtomicIntegerArray(ZONES);
    private volatile int defaultLimit;
    private volatile boolean fromDatabase;

    ZoneLimits() {
        for (int zone = 0; zone < ZONES; zone++) {
            limits.setPlain(zone, NONE);
        }
    }

    /**
     * Counts a connection in, unless the zone is full: then the refusal is counted. Exact, however many do so at once.
     */
    boolean tryAdd(int zone) {
        int zoneLimit = limits.getOpaque(zone);
        int limit = zoneLimit == NONE ? defaultLimit : zoneLimit;
        boolean unlimited = zoneLimit == NONE && limit == 0;
        if (unlimited) {
            counts.incrementAndGet(zone);
            return true;
        }
        int before = counts.get(zone);
        while (Integer.compareUnsigned(before, limit) < 0) {
            int witness = counts.compareAndExchange(zone, before, before + 1);
            if (witness == before) {
                return true;
            }
            before = witness;
        }
        refusals.increment();
        return false;
    }

    void remove(int zone) {
        counts.decrementAndGet(zone);
    }

    public int count(int zone) {
        return counts.get(zone);
    }

    /** How often a commit found its zone full. */
    public long refusals() {
        return refusals.sum();
    }

    /** Unsigned; 0 is "no limit". */
    public int defaultLimit() {
        return defaultLimit;
    }

    public void setDefaultLimit(int limit) {
        defaultLimit = limit;
    }

    /** Gives the zone a limit of its own, unsigned; with 0 it takes no connection at all. */
    public synchronized void set(int zone, int limit) {
        configured.put(zone, limit);
        limits.set(zone, limit == NONE ? NONE - 1 : limit);
    }

    /** The zone falls back to the default limit; false if it had no limit of its own. */
    public synchronized boolean clear(int zone) {
        limits.set(zone, NONE);
        return configured.remove(zone) != null;
    }

    /** Whether limits are the database's: {@code dpctl/ct-set-limits} is to keep out then. */
    public boolean isFromDatabase() {
        return fromDatabase;
    }

    public void setFromDatabase(boolean fromDatabase) {
        this.fromDatabase = fromDatabase;
    }

    /** The zones with limits of their own. */
    public synchronized SortedMap<Integer, Integer> configured() {
        return new TreeMap<>(configured);
    }
}
