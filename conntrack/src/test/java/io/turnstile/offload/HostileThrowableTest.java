package io.turnstile.offload;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.ProviderContext;
import io.turnstile.time.ManualClock;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiConsumer;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

/** What providers throw has code of its own, which is as foreign as theirs. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class HostileThrowableTest {
    private static final long PATIENCE_NS = TimeUnit.SECONDS.toNanos(20);
    private static final LaneLimits IMPATIENT = new LaneLimits(
            65_536,
            TimeUnit.SECONDS.toNanos(20),
            3,
            TimeUnit.MILLISECONDS.toNanos(150),
            16,
            1,
            TimeUnit.MILLISECONDS.toNanos(50),
            TimeUnit.MILLISECONDS.toNanos(200),
            LaneLimits.DEFAULTS.provedNs(),
            TimeUnit.MILLISECONDS.toNanos(150),
            TimeUnit.MILLISECONDS.toNanos(150),
            TimeUnit.MILLISECONDS.toNanos(300));

    /** What a throwable does when it is asked something. */
    enum Manner {
        THROWS {
            @Override
            <T> @Nullable T answer() {
                throw new StackOverflowError("scripted");
            }
        },
        GIVES_NULL {
            @Override
            <T> @Nullable T answer() {
                return null;
            }
        },
        HANGS {
            @Override
            <T> @Nullable T answer() {
                PluginGate.pass();
                return null;
            }
        };

        abstract <T> @Nullable T answer();
    }

    @SuppressWarnings("serial") // goes nowhere
    private static final class Hostile extends RuntimeException {
        private final Manner manner;

        private Hostile(Manner manner) {
            this.manner = manner;
        }

        @Override
        public String getMessage() {
            return manner.answer();
        }

        @Override
        public Throwable getCause() {
            return manner.answer();
        }

        @Override
        public StackTraceElement[] getStackTrace() {
            return manner.answer();
        }

        @Override
        public String toString() {
            return "hostile";
        }
    }

    private final ManualClock clock = new ManualClock(0, 1_700_000_000_000L);
    private final FakeTracker tracker = new FakeTracker(500);
    private final ScriptedProvider beta = new ScriptedProvider("beta");

    @BeforeEach
    void letCausesBeAskedFor() {
        HeapExhaustion.handleBy(error -> {});
        PluginGate.shut();
    }

    @AfterEach
    void letHangingOnesGo() {
        HeapExhaustion.handleBy(null);
        PluginGate.open();
        assertThat(beta.faults()).isEmpty();
    }

    private OffloadDispatcher dispatcher(boolean threaded) {
        return dispatcher(threaded, CountingLaneMetrics.factory());
    }

    private OffloadDispatcher dispatcher(boolean threaded, LaneMetrics.Factory metrics) {
        return new OffloadDispatcher(
                new DispatcherContext(
                        tracker,
                        clock,
                        PortDirectory.named(port -> "p" + port),
                        threaded,
                        metrics,
                        LoggerFactory.getLogger(HostileThrowableTest.class)),
                IMPATIENT);
    }

    private static void await(String what, BooleanSupplier condition) {
        long startNs = System.nanoTime();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime() - startNs).as(what).isLessThan(PATIENCE_NS);
            Thread.onSpinWait();
        }
    }

    // ---- each place where something is thrown ----

    private static ScriptedProvider throwing(String event, Manner manner) {
        return new ScriptedProvider("alpha") {
            {
                failsFor = (heard, number) -> {
                    if (heard.equals(event)) {
                        throw new Hostile(manner);
                    }
                    return false;
                };
            }
        };
    }

    @ParameterizedTest
    @ValueSource(strings = {"init", "close", "query", "add", "established", "update", "del", "settings"})
    void oneThatThrowsWhenItIsAskedIsItsClass(String event) {
        for (Manner manner : List.of(Manner.THROWS, Manner.GIVES_NULL)) {
            try (OffloadDispatcher dispatcher = dispatcher(false)) {
                dispatcher.enable(List.of(throwing(event, manner), beta));
                dispatcher.portsChanged();
                dispatcher.setProviderSettings(Map.of("offload-alpha-x", manner.name()));
                long id = tracker.commit(7, 1, clock.nowNs());
                dispatcher.drain();
                tracker.reply(id, 2, clock.nowNs());
                dispatcher.drain();
                clock.advance(FakeTracker.TIMEOUT);
                tracker.sweep(clock.nowNs());
                dispatcher.drain();
                tracker.flush(null, clock.nowNs());
                dispatcher.drain();
                assertThat(beta.heard()).anySatisfy(heard -> assertThat(heard).startsWith("del"));
                dispatcher.disable();
                assertThat(dispatcher.failures())
                        .anySatisfy(line -> assertThat(line)
                                .matches(
                                        ".*alpha: .*(" + Pattern.quote(Hostile.class.getSimpleName()) + "|hostile).*"));
                assertThat(tracker.heldSlots()).isZero();
            }
        }
    }

    @Test
    void aCauseOfAResultIsAskedLikeOneThatWasThrown() {
        for (Manner manner : List.of(Manner.THROWS, Manner.GIVES_NULL)) {
            BulkProvider device = new BulkProvider(
                    "device",
                    operations -> operations.stream()
                            .<OffloadResult>map(one -> new OffloadResult.Failed("no", new Hostile(manner)))
                            .toList());
            try (OffloadDispatcher dispatcher = dispatcher(false)) {
                dispatcher.enable(List.of(device));
                tracker.commit(7, 1, clock.nowNs());
                dispatcher.drain();
                assertThat(dispatcher.failures())
                        .anySatisfy(line -> assertThat(line).contains("device: query failed: no"));
            }
        }
    }

    @Test
    void thePlaceOfAWellBehavedOneIsNamed() {
        BulkProvider device = new BulkProvider("device", operations -> {
            throw new IllegalStateException("one");
        });
        try (OffloadDispatcher dispatcher = dispatcher(false)) {
            dispatcher.enable(List.of(device));
            tracker.commit(7, 1, clock.nowNs());
            dispatcher.drain();
            assertThat(dispatcher.failures())
                    .anySatisfy(line -> assertThat(line)
                            .contains("device: query failed: java.lang.IllegalStateException: one at "
                                    + HostileThrowableTest.class.getName()));
        }
    }

    // ---- one that never answers ----

    @ParameterizedTest
    @ValueSource(strings = {"init", "query", "add", "del"})
    void oneThatHangsWhenItIsAskedCostsItsProviderAlone(String event) {
        OffloadDispatcher dispatcher = dispatcher(true);
        ScriptedProvider alpha = throwing(event, Manner.HANGS);
        dispatcher.enable(List.of(alpha, beta));
        long id = tracker.commit(7, 1, clock.nowNs());
        await("beta's add", () -> beta.held().contains(id));
        BooleanSupplier isGivenUp =
                () -> dispatcher.providers().getFirst().state().matches("breaker open: .* has not returned since .*");
        await("alpha's call", event.equals("del") ? () -> alpha.held().contains(id) : isGivenUp);
        tracker.flush(null, clock.nowNs());
        await("beta's delete", () -> beta.held().isEmpty());
        await("given up", isGivenUp);
        assertThat(dispatcher.show()).contains("beta");
        assertThat(dispatcher.failures()).isNotEmpty();
        PluginGate.open();
        await("off", dispatcher::disable);
        assertThat(tracker.heldSlots()).isZero();
    }

    @Test
    void oneThatADescriptionThrowsDoesNotHoldUpWhoLooks() {
        ScriptedProvider alpha = new ScriptedProvider("alpha") {
            @Override
            public List<String> describe() {
                throw new Hostile(Manner.HANGS);
            }
        };
        assertThat(new ProviderDescription(alpha, "alpha").lines()).containsExactly("describe has not returned");
    }

    @Test
    void oneThatANameThrowsDoesNotHoldUpWhoAsks() {
        ScriptedProvider alpha = new ScriptedProvider("alpha") {
            @Override
            public String name() {
                throw new Hostile(Manner.HANGS);
            }
        };
        assertThat(ProviderNaming.askWithin(alpha, TimeUnit.MILLISECONDS.toNanos(50)))
                .isInstanceOfSatisfying(
                        ProviderNaming.Refused.class,
                        refused -> assertThat(refused.fault()).contains("its name has not returned"));
    }

    // ---- the search for the end of memory ----

    @ParameterizedTest
    @EnumSource(names = {"THROWS", "GIVES_NULL"})
    void theSearchForTheEndOfMemoryThrowsNothing(Manner manner) {
        HeapExhaustion.check(new Hostile(manner));
        assertThat(FailureText.of(new Hostile(manner)))
                .isEqualTo(new FailureText(
                        Hostile.class.getName(), "HostileThrowableTest$Hostile", Hostile.class.getName(), ""));
    }

    @Test
    void causesMayGoRound() {
        List<Throwable> told = new ArrayList<>();
        HeapExhaustion.handleBy(told::add);
        IllegalStateException first = new IllegalStateException("first");
        first.initCause(new IllegalStateException("second", first));
        HeapExhaustion.check(first);
        assertThat(told).isEmpty();
        OutOfMemoryError real = new OutOfMemoryError("Java heap space");
        HeapExhaustion.check(new RuntimeException("asked for its cause") {
            @Override
            public synchronized Throwable getCause() {
                throw real;
            }
        });
        assertThat(told).containsExactly(real);
    }

    @Test
    void whatIsDerivedFromTheMachinesErrorIsNotTheMachines() {
        assertThat(HeapExhaustion.is(new OutOfMemoryError() {
                    @Override
                    public String getMessage() {
                        throw new IllegalStateException("scripted");
                    }
                }))
                .isFalse();
    }

    @Test
    void aThreadThatCannotBeHadIsSaidAndAskedForAgain() {
        AtomicBoolean isFirst = new AtomicBoolean(true);
        ProviderDescription description = new ProviderDescription(
                new ScriptedProvider("alpha") {
                    @Override
                    public List<String> describe() {
                        return List.of("a line");
                    }
                },
                work -> new Thread(work) {
                    @Override
                    public void start() {
                        if (isFirst.getAndSet(false)) {
                            throw new OutOfMemoryError("unable to create native thread");
                        }
                        super.start();
                    }
                });
        assertThat(description.lines())
                .containsExactly("describe failed: java.lang.OutOfMemoryError: unable to create native thread");
        assertThat(description.lines()).containsExactly("a line");
    }

    // ---- deferred to nowhere ----

    private static List<OffloadResult> agreeingBut(
            List<OffloadOperation> operations, int odd, Function<OffloadOperation, OffloadResult> result) {
        return operations.stream()
                .map(one -> one instanceof OffloadOperation.Query query
                                && query.connection().original().sourcePort() == odd
                        ? result.apply(one)
                        : BulkProvider.agreeing(one))
                .toList();
    }

    private static CompletionStage<OffloadResult> stageThatThrows() {
        return new CompletableFuture<>() {
            @Override
            public CompletableFuture<OffloadResult> whenComplete(
                    BiConsumer<? super OffloadResult, ? super Throwable> action) {
                throw new IllegalStateException("scripted");
            }
        };
    }

    @Test
    void whatIsDeferredToNowhereFailsAloneInItsBatch() {
        for (CompletionStage<OffloadResult> stage : Arrays.asList(null, stageThatThrows())) {
            BulkProvider device = new BulkProvider(
                    "device", operations -> agreeingBut(operations, 7, one -> new OffloadResult.Deferred(stage)));
            try (OffloadDispatcher dispatcher = dispatcher(false)) {
                dispatcher.enable(List.of(device));
                long odd = tracker.commit(7, 1, clock.nowNs());
                long other = tracker.commit(8, 1, clock.nowNs());
                dispatcher.drain();
                assertThat(dispatcher.offloadStates(odd).toString()).startsWith("[device:failed");
                assertThat(dispatcher.offloadStates(other)).hasToString("[device:added]");
                tracker.flush(null, clock.nowNs());
                dispatcher.drain();
            }
        }
    }

    @Test
    void whatADeferredOneFailsWithIsAskedOnTheThreadThatSaysSo() {
        CompletableFuture<OffloadResult> later = new CompletableFuture<>();
        BulkProvider device = new BulkProvider(
                "device", operations -> agreeingBut(operations, 7, one -> new OffloadResult.Deferred(later)));
        try (OffloadDispatcher dispatcher = dispatcher(false)) {
            dispatcher.enable(List.of(device));
            long id = tracker.commit(7, 1, clock.nowNs());
            dispatcher.drain();
            later.completeExceptionally(new Hostile(Manner.THROWS));
            dispatcher.drain();
            assertThat(dispatcher.offloadStates(id).toString()).startsWith("[device:failed");
        }
    }

    // ---- the end of a lane's thread ----

    /** Metrics of which the first that is recorded fails, as a fault of the dispatcher's own. */
    private static LaneMetrics.Factory failingOnce(String recorded) {
        AtomicBoolean isFirst = new AtomicBoolean(true);
        LaneMetrics.Factory counting = CountingLaneMetrics.factory();
        return (provider, lane) -> {
            LaneMetrics metrics = counting.create(provider, lane);
            return (LaneMetrics) Proxy.newProxyInstance(
                    LaneMetrics.class.getClassLoader(), new Class<?>[] {LaneMetrics.class}, (proxy, method, given) -> {
                        if (method.getName().equals(recorded) && isFirst.getAndSet(false)) {
                            throw new Hostile(Manner.THROWS);
                        }
                        return method.invoke(metrics, given);
                    });
        };
    }

    @Test
    void aFaultOfOneLaneDoesNotEndTheWatchOverAll() {
        ScriptedProvider alpha = new ScriptedProvider("alpha") {
            @Override
            public void init(ProviderContext context) {
                PluginGate.pass();
            }
        };
        OffloadDispatcher dispatcher = dispatcher(true, failingOnce("givenUp"));
        dispatcher.enable(List.of(alpha));
        await("given up", () -> dispatcher.providers().getFirst().state().contains("init has not returned since "));
        assertThat(dispatcher.failures()).anySatisfy(line -> assertThat(line).contains("alpha: watch failed"));
        PluginGate.open();
        await("off", dispatcher::disable);
    }

    @Test
    void aLaneEndsThoughItsFaultCannotBeTold() {
        OffloadDispatcher dispatcher = dispatcher(true, failingOnce("waited"));
        dispatcher.enable(List.of(beta));
        long id = tracker.commit(7, 1, clock.nowNs());
        await("the fault", () -> dispatcher.failures().stream().anyMatch(line -> line.contains("beta: dispatcher")));
        await("up anew", () -> beta.held().contains(id));
        await("off", dispatcher::disable);
        assertThat(tracker.heldSlots()).isZero();
    }
}
