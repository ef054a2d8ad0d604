package io.turnstile.offload.conformance;

import io.turnstile.offload.spi.Counter;
import io.turnstile.offload.spi.Gauge;
import io.turnstile.offload.spi.ProviderContext;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.ResourceBundle;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What a provider tells unasked, by its context, and what of it cannot be. Threads: any.
 *
 * <p>A connection that ended may be told of for a while, by a device that reads its counters in sweeps; one that the
 * provider was never given since init may not.
 */
final class ProviderReports implements ProviderContext {
    /** What the switch shows, as in its ProviderNumbers. */
    private static final String WELL_FORMED_NAME = "[a-z][a-z0-9_]{0,63}";

    private static final int MOST_NAMES = 64;
    private static final int FINDINGS_KEPT = 20;
    private static final int SMALLEST_FRAME = 14; // an Ethernet header

    private final LongSupplier wallMs;
    private final int threads;
    private final Map<String, String> settings;
    private final long toleranceMs;
    private final Set<Long> given = ConcurrentHashMap.newKeySet();
    private final Set<Long> lost = ConcurrentHashMap.newKeySet();
    private final Set<Long> givenPaths = ConcurrentHashMap.newKeySet();
    private final Set<Long> lostPaths = ConcurrentHashMap.newKeySet();
    private final AtomicLong roomTold = new AtomicLong();
    private final Set<String> names = ConcurrentHashMap.newKeySet();
    private final Queue<String> findings = new ConcurrentLinkedQueue<>();
    private final Queue<String> namingFindings = new ConcurrentLinkedQueue<>();
    private volatile long initMs;

    ProviderReports(LongSupplier wallMs, int threads, Map<String, String> settings, Duration lastUseTolerance) {
        this.wallMs = wallMs;
        this.threads = threads;
        this.settings = Map.copyOf(settings);
        this.toleranceMs = lastUseTolerance.toMillis();
    }

    // ---- what the dispatcher says and asks ----

    /** Init is about to be called. */
    void begin() {
        initMs = wallMs();
        given.clear();
        lost.clear();
        givenPaths.clear();
        lostPaths.clear();
    }

    long initMs() {
        return initMs;
    }

    /** The provider is about to be given this connection. */
    void give(long connectionId) {
        lost.remove(connectionId);
        given.add(connectionId);
    }

    /** It was taken from the provider. */
    void takeBack(long connectionId) {
        lost.remove(connectionId);
    }

    /** The provider said that it has lost this one, which was not taken back yet. */
    boolean isLost(long connectionId) {
        return lost.contains(connectionId);
    }

    /** The provider is about to be offered this path. */
    void givePath(long pathId) {
        givenPaths.add(pathId);
    }

    /** The provider said that it has lost this path. */
    boolean isPathLost(long pathId) {
        return lostPaths.contains(pathId);
    }

    /** How often the provider said that there is room. */
    long roomTold() {
        return roomTold.get();
    }

    /** The first of the reports, and of the counts in answers, that cannot be. */
    List<String> findings() {
        return List.copyOf(findings);
    }

    /** What is wrong with the names of its counters and gauges. */
    List<String> namingFindings() {
        return List.copyOf(namingFindings);
    }

    /** Notes it if these counts cannot be; -1: unknown. */
    void judgeCounts(String how, long packets, long bytes) {
        if (packets < -1 || bytes < -1 || packets >= 0 && bytes >= 0 && bytes / SMALLEST_FRAME < packets) {
            find(how + ": " + packets + " packets of " + bytes + " bytes together");
        }
    }

    private void find(String finding) {
        if (findings.size() < FINDINGS_KEPT) {
            findings.add(finding);
        }
    }

    // ---- what the provider calls ----

    @Override
    public long wallMs() {
        return wallMs.getAsLong();
    }

    @Override
    public int threads() {
        return threads;
    }

    @Override
    public void used(long connectionId, long epochMs, long packets, long bytes) {
        if (!given.contains(connectionId)) {
            find("used: connection " + connectionId + " was not given to it since init");
        }
        if (epochMs != 0 && (epochMs < initMs - toleranceMs || epochMs > wallMs() + toleranceMs)) {
            find("used: last use " + epochMs + " is not between init, " + initMs + ", and now, " + wallMs());
        }
        judgeCounts("used", packets, bytes);
    }

    @Override
    public void lost(long connectionId, String reason) {
        if (!given.contains(connectionId)) {
            find("lost: connection " + connectionId + " was not given to it since init");
        } else {
            lost.add(connectionId);
        }
        if (reason == null || reason.isBlank()) {
            find("lost: no reason");
        }
    }

    @Override
    public void pathUsed(long pathId, long epochMs, long packets, long bytes) {
        if (!givenPaths.contains(pathId)) {
            find("pathUsed: path " + pathId + " was not given to it since init");
        }
        if (epochMs != 0 && (epochMs < initMs - toleranceMs || epochMs > wallMs() + toleranceMs)) {
            find("pathUsed: last use " + epochMs + " is not between init, " + initMs + ", and now, " + wallMs());
        }
        judgeCounts("pathUsed", packets, bytes);
    }

    @Override
    public void pathLost(long pathId, String reason) {
        if (!givenPaths.contains(pathId)) {
            find("pathLost: path " + pathId + " was not given to it since init");
        } else {
            lostPaths.add(pathId);
        }
        if (reason == null || reason.isBlank()) {
            find("pathLost: no reason");
        }
    }

    @Override
    public void room() {
        roomTold.incrementAndGet();
    }

    @Override
    public Map<String, String> settings() {
        return settings;
    }

    @Override
    public System.Logger logger() {
        return new SilentLogger();
    }

    @Override
    public Counter counter(String name, String description) {
        check("counter", name, description);
        return count -> {};
    }

    @Override
    public Gauge gauge(String name, String description) {
        check("gauge", name, description);
        return value -> {};
    }

    private void check(String kind, @Nullable String name, @Nullable String description) {
        if (names.size() > MOST_NAMES || !names.add(kind + " " + name)) {
            return;
        }
        if (name == null || !name.matches(WELL_FORMED_NAME)) {
            namingFindings.add("malformed: " + name);
        }
        if (description == null || description.isBlank()) {
            namingFindings.add("no description: " + name);
        }
        if (names.size() > MOST_NAMES) {
            namingFindings.add("more than " + MOST_NAMES + " names");
        }
    }

    /** What a provider writes to the log is not looked at. */
    private static final class SilentLogger implements System.Logger {
        @Override
        public String getName() {
            return "conformance";
        }

        @Override
        public boolean isLoggable(Level level) {
            return false;
        }

        @Override
        public void log(
                Level level, @Nullable ResourceBundle bundle, @Nullable String message, @Nullable Throwable thrown) {
            // Not looked at.
        }

        @Override
        public void log(
                Level level, @Nullable ResourceBundle bundle, @Nullable String format, @Nullable Object... values) {
            // Not looked at.
        }
    }
}
