package io.turnstile.offload.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.turnstile.offload.conformance.ProviderCalls.Way;
import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.OfferMoment;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.offload.spi.ProviderContext;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * What the kit has to be told of a provider: how to make one, and whatever is not as usual with it. A vendor's test
 * extends {@link OffloadProviderConformance} and overrides of these what it needs to.
 */
public abstract class ProviderUnderTest {

    /**
     * A provider as {@link java.util.ServiceLoader} would make it; not initialised. Called at least once in each test.
     */
    protected abstract OffloadProvider newProvider();

    /**
     * How many connections the provider, or better its device, holds at this moment. Asked at any time, also after
     * close. Empty, as it is by default: nobody can say; the tests that live by it are then reported as aborted.
     */
    protected OptionalLong heldBy(OffloadProvider provider) {
        return OptionalLong.empty();
    }

    /** Whether the provider is expected to accept this connection. By default it is expected to accept each. */
    protected boolean shouldAccept(ConnView connection) {
        return true;
    }

    /**
     * How long a callback, or a batch of up to 32 operations, may take: the switch's own budget unless overridden. Init
     * and close have no budget, they only have to come back.
     */
    protected Duration callbackLimit() {
        return Duration.ofMillis(500);
    }

    /**
     * How long a callback may take until it is taken not to return at all: as the switch does unless overridden. Real
     * time.
     */
    protected Duration hangLimit() {
        return Duration.ofSeconds(2);
    }

    /**
     * How long a result that was deferred may take: as the switch lets it unless overridden. Real time; that no other
     * call comes meanwhile is no excuse.
     */
    protected Duration deferredLimit() {
        return Duration.ofSeconds(10);
    }

    /** How long one test may take. Real time. */
    protected Duration testLimit() {
        return Duration.ofMinutes(1);
    }

    /** How much an answer about last use may be wrong: clocks of devices are coarse. */
    protected Duration lastUseTolerance() {
        return Duration.ofSeconds(1);
    }

    /** How many threads call the provider at once in the tests about threads. */
    protected int threads() {
        return 4;
    }

    /**
     * How many connections the device has room for, all of which {@link #shouldAccept} lets pass. Empty, as it is by
     * default: more than anybody would want to try; the tests that fill it are then reported as aborted. They go a
     * little beyond it, whatever {@link #heldAtOnce} says.
     */
    protected OptionalInt room() {
        return OptionalInt.empty();
    }

    /**
     * Whether the provider's single callbacks work too. The switch makes all its calls by {@code operate}: one that
     * overrides it, or {@code operateOne}, for everything says no, and the tests that compare the two sides are
     * reported as aborted.
     */
    protected boolean worksSingly() {
        return true;
    }

    /** The provider's part of the switch's settings, as {@link ProviderContext#settings} gives it. By default none. */
    protected Map<String, String> settings() {
        return Map.of();
    }

    /**
     * How many connections the tests have held at once at most. A device with a small table says less, or its refusals
     * for want of room look like differences. Some tests hold 170 and those about threads 200 for each thread whatever
     * this says.
     */
    protected int heldAtOnce() {
        return 4_000;
    }

    /** How many connections come and go in the leak checks. */
    protected int lives() {
        return 100_000;
    }

    /** How many views of connections that are no longer held a provider may keep in memory: logs and caches. */
    protected int rememberedConnections() {
        return 5_000;
    }

    /** The clock by which callbacks are timed, ns; differences only. To be overridden where time is simulated. */
    protected long nowNs() {
        return System.nanoTime();
    }

    /** The switch's wall clock, ms since the epoch. To be overridden where time is simulated. */
    protected long wallMs() {
        return System.currentTimeMillis();
    }

    // ---- how the tests get at it ----

    /** What a test does with a provider that is up. */
    interface Check {
        void with(LegalDispatcher dispatcher) throws Exception;
    }

    interface WatchedCheck {
        void with(CallWatch watch) throws Exception;
    }

    final void watched(WatchedCheck check) throws Exception {
        CallWatch watch = new CallWatch(this::nowNs, hangLimit(), testLimit());
        watch.run(() -> check.with(watch));
    }

    final void check(Check check) throws Exception {
        check(Way.BULK, check);
    }

    final void check(Way way, Check check) throws Exception {
        watched(watch -> {
            LegalDispatcher dispatcher = dispatcher(way, watch);
            dispatcher.init();
            try {
                check.with(dispatcher);
            } finally {
                dispatcher.leave();
            }
        });
    }

    /** The sides of the SPI by which the provider may be called. */
    final List<Way> ways() {
        return worksSingly() ? List.of(Way.values()) : List.of(Way.BULK);
    }

    final void assumeItWorksSingly() {
        assumeTrue(worksSingly(), "the provider works in bulk only");
    }

    final LegalDispatcher dispatcher(Way way, CallWatch watch) throws Exception {
        OffloadProvider provider = create(watch);
        return new LegalDispatcher(
                provider,
                watch,
                new ProviderCalls(provider, watch, way, deferredLimit()),
                new ProviderReports(this::wallMs, threads(), settings(), lastUseTolerance()),
                watch.call("offeredFrom", () -> momentOf(provider)));
    }

    /** A provider that does not say properly is taken for one that says nothing: there is a test about that. */
    private static OfferMoment momentOf(OffloadProvider provider) {
        try {
            OfferMoment moment = provider.offeredFrom();
            return moment == null ? OfferMoment.COMMITTED : moment;
        } catch (Throwable e) { // whatever it is
            return OfferMoment.COMMITTED;
        }
    }

    final OffloadProvider create(CallWatch watch) throws Exception {
        return watch.call("the constructor", this::newProvider);
    }

    static void assertThatNothingFailed(LegalDispatcher dispatcher, Class<? extends OffloadOperation> kind) {
        assertThat(dispatcher.calls().failures(kind)).isEmpty();
    }

    /** The provider holds as many connections as it said it takes, if it can be known. */
    final void assertHoldings(LegalDispatcher dispatcher) throws Exception {
        dispatcher.takeLostBack();
        heldBy(dispatcher.provider())
                .ifPresent(held -> assertThat(held).as("connections held").isEqualTo(dispatcher.heldCount()));
    }

    /** How many more connections the provider holds than it said it takes. */
    final OptionalLong deviation(LegalDispatcher dispatcher) throws Exception {
        dispatcher.takeLostBack();
        OptionalLong held = heldBy(dispatcher.provider());
        return held.isPresent() ? OptionalLong.of(held.getAsLong() - dispatcher.heldCount()) : held;
    }

    final void assumeHoldingsAreKnown(LegalDispatcher dispatcher) {
        assumeTrue(heldBy(dispatcher.provider()).isPresent(), "heldBy(provider) is to be overridden for this test");
    }

    final void assertInTime(CallWatch watch, String... callbacks) {
        for (String callback : callbacks) {
            Duration slowest = Duration.ofNanos(watch.slowestNs().getOrDefault(callback, 0L));
            assertThat(slowest).as(callback).isLessThanOrEqualTo(callbackLimit());
        }
    }
}
