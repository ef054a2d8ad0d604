package io.turnstile.openflow;

import io.turnstile.time.Clock;
import io.turnstile.time.OncePerMinute;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;

/**
 * What the agents of all bridges share: the clock, who hears of failures, and how much memory peers may make them hold.
 *
 * <p>Threads: any.
 */
final class Shared {
    /** Bundles are kept for as long as their authors like, so most of this is for them. */
    private static final int BUNDLE_FRACTION = 4;

    private static final int UNSENT_FRACTION = 8;
    private static final int PACKET_IN_FRACTION = 32;

    private final Clock clock;
    private final Consumer<RuntimeException> failures;
    private final LongAdder droppedPacketIns = new LongAdder();
    private final OncePerMinute told = new OncePerMinute();
    private final ByteBudget bundles;
    private final UnsentBudget unsent;
    private final ByteBudget packetIns;
    private final Executor elsewhere;
    /** Those that are not closed. */
    private final Set<BridgeAgent> agents = ConcurrentHashMap.newKeySet();

    private volatile TlsEngines tls = TlsEngines.NONE;
    private volatile long bundleIdleNs = TimeUnit.SECONDS.toNanos(OpenFlowAgent.DEFAULT_BUNDLE_IDLE_SECONDS);

    /**
     * @param failures is told of requests that failed through no fault of who sent them
     * @param memoryBytes the heap, which is also how much Java machines let buffers outside of it have
     * @param elsewhere does what would hold up an event loop
     */
    Shared(Clock clock, Consumer<RuntimeException> failures, long memoryBytes, Executor elsewhere) {
        this.elsewhere = elsewhere;
        this.clock = clock;
        this.failures = failures;
        this.bundles = new ByteBudget(memoryBytes / BUNDLE_FRACTION);
        this.unsent = new UnsentBudget(memoryBytes / UNSENT_FRACTION);
        this.packetIns = new ByteBudget(memoryBytes / PACKET_IN_FRACTION);
    }

    Clock clock() {
        return clock;
    }

    Set<BridgeAgent> agents() {
        return agents;
    }

    Consumer<RuntimeException> failures() {
        return failures;
    }

    /** Counts packet-ins that no connection is quick enough to take. */
    LongAdder droppedPacketIns() {
        return droppedPacketIns;
    }

    /** What peers can bring about as often as they like is logged once a minute. */
    OncePerMinute told() {
        return told;
    }

    /** What bundles hold that are not committed. */
    ByteBudget bundles() {
        return bundles;
    }

    /** What connections hold that their peers have not taken. */
    UnsentBudget unsent() {
        return unsent;
    }

    /** Packets to the controllers on their way to the event loop. */
    ByteBudget packetIns() {
        return packetIns;
    }

    /** Does what would hold up an event loop. */
    Executor elsewhere() {
        return elsewhere;
    }

    TlsEngines tls() {
        return tls;
    }

    void setTls(TlsEngines engines) {
        tls = engines;
    }

    long bundleIdleNs() {
        return bundleIdleNs;
    }

    void setBundleIdleNs(long idleNs) {
        bundleIdleNs = idleNs;
    }
}
