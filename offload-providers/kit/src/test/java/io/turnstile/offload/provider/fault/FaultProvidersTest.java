package io.turnstile.offload.provider.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.turnstile.offload.provider.fault.DeferringProvider.Manner;
import io.turnstile.offload.provider.fault.ForgettingProvider.Lapse;
import io.turnstile.offload.provider.fault.RefusingProvider.Moment;
import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.ProviderContext;
import io.turnstile.offload.spi.TupleView;
import io.turnstile.offload.spi.Verdict;
import io.turnstile.time.ManualClock;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class FaultProvidersTest {
    private static final Duration SOON = Duration.ofSeconds(10);
    private static final PortRef REPLY = new PortRef(2, "p2");

    private static ConnView connection(long id) {
        return new ConnView(
                id,
                0,
                17,
                new TupleView(false, 17, 0, 0x0a000001, 0, 0x0a000002, 1234, 53, 0, 0, 0),
                new TupleView(false, 17, 0, 0x0a000002, 0, 0x0a000001, 53, 1234, 0, 0, 0),
                0,
                0,
                0,
                new PortRef(1, "p1"),
                REPLY);
    }

    private static ProviderContext at(LongSupplier wallMs) {
        return new Context(wallMs);
    }

    /** Writes down what a provider says unasked. */
    private static final class Context implements ProviderContext {
        final List<String> said = new ArrayList<>();
        private final LongSupplier wallMs;

        Context(LongSupplier wallMs) {
            this.wallMs = wallMs;
        }

        @Override
        public long wallMs() {
            return wallMs.getAsLong();
        }

        @Override
        public int threads() {
            return 1;
        }

        @Override
        public void lost(long connectionId, String reason) {
            said.add("lost " + connectionId + ": " + reason);
        }

        @Override
        public void room() {
            said.add("room");
        }
    }

    @Test
    void onlyTheChosenCallbacksThrow() {
        ThrowingProvider provider = new ThrowingProvider("throwing", EnumSet.of(Callback.ADD));
        assertThat(provider.operate(List.of(
                        new OffloadOperation.Query(null),
                        new OffloadOperation.Add(null),
                        new OffloadOperation.Update(null))))
                .satisfiesExactly(
                        query -> assertThat(query).isEqualTo(OffloadResult.ACCEPT),
                        add -> assertThat(add).isInstanceOf(OffloadResult.Failed.class),
                        update -> assertThat(update).isEqualTo(new OffloadResult.LastUsed(0)));
        provider.throwFrom(EnumSet.of(Callback.OPERATE, Callback.CLOSE));
        assertThatThrownBy(() -> provider.operate(List.of())).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(provider::close).isInstanceOf(IllegalStateException.class);
        assertThat(provider.describe()).isEmpty();
    }

    @Test
    void theFailingOneTellsWhetherItWasCalledInSpite() {
        InitFailingProvider provider = new InitFailingProvider("broken", "no such device");
        assertThatThrownBy(() -> provider.init(null))
                .isInstanceOf(IOException.class)
                .hasMessage("no such device");
        assertThat(provider.wasMisused()).isFalse();
        assertThatThrownBy(provider::close).isInstanceOf(AssertionError.class);
        assertThat(provider.wasMisused()).isTrue();
    }

    @Test
    void whatAThrowLeavesHeldIsWhatTheCallerAssumes() {
        ThrowingProvider provider = new ThrowingProvider("throwing", EnumSet.of(Callback.FLUSH, Callback.DEL));
        provider.connAdd(connection(1));
        assertThatThrownBy(() -> provider.connFlush(DelReason.PROVIDER_LEAVING))
                .isInstanceOf(IllegalStateException.class);
        assertThat(provider.held()).containsExactly(1L);
        assertThatThrownBy(() -> provider.connDel(connection(1), DelReason.EXPIRED))
                .isInstanceOf(IllegalStateException.class);
        assertThat(provider.held()).isEmpty();
        provider.throwFrom(EnumSet.of(Callback.ADD));
        assertThatThrownBy(() -> provider.connAdd(connection(2))).isInstanceOf(IllegalStateException.class);
        assertThat(provider.held()).isEmpty();
    }

    @Test
    void theRefusingOneDeclinesWhatWasChosen() {
        RefusingProvider all = new RefusingProvider("refusing", "no room");
        assertThat(all.canOffload(connection(1))).isEqualTo(Verdict.decline("no room"));
        RefusingProvider odd = new RefusingProvider("odd", Moment.QUERY, c -> c.id() % 2 == 1, "odd one");
        assertThat(odd.canOffload(connection(1))).isEqualTo(Verdict.decline("odd one"));
        assertThat(odd.canOffload(connection(2))).isEqualTo(Verdict.accept());
    }

    @Test
    void aLateRefusalIsAnAnswerByBothSides() {
        RefusingProvider full = new RefusingProvider("full", Moment.ADD, c -> c.id() != 1, "table full");
        assertThat(full.operate(List.of(
                        new OffloadOperation.Query(connection(2)),
                        new OffloadOperation.Add(connection(1)),
                        new OffloadOperation.Add(connection(2)))))
                .containsExactly(Verdict.accept(), Verdict.accept(), Verdict.decline("table full"));
        RefusingProvider busy = new RefusingProvider("busy", Moment.ADD, c -> true, Verdict.later("busy"));
        assertThat(busy.connAdd(connection(3))).isEqualTo(Verdict.later("busy"));
        assertThat(full.held()).containsExactly(1L);
    }

    @Test
    void theFullOneNeverHoldsMoreAndTellsWhenThereIsRoom() throws Exception {
        ManualClock clock = new ManualClock(0, 0);
        Context context = new Context(clock::wallMs);
        FullProvider provider = new FullProvider("full", 2);
        provider.init(context);
        for (int id = 1; id <= 3; id++) {
            assertThat(provider.canOffload(connection(id))).isEqualTo(Verdict.accept());
        }
        provider.connAdd(connection(1));
        provider.connAdd(connection(2));
        assertThat(provider.connAdd(connection(3))).isEqualTo(Verdict.later("table full"));
        assertThat(provider.canOffload(connection(4))).isEqualTo(Verdict.later("table full"));
        assertThat(provider.heldCount()).isEqualTo(2);
        provider.connDel(connection(1), DelReason.EXPIRED);
        provider.connDel(connection(2), DelReason.EXPIRED);
        assertThat(context.said).containsExactly("room");
    }

    @Test
    void theEvictingOneSaysWhatItHasLost() throws Exception {
        ManualClock clock = new ManualClock(0, 0);
        Context context = new Context(clock::wallMs);
        EvictingProvider provider = new EvictingProvider("evicting", c -> c.id() == 2);
        provider.init(context);
        for (int id = 1; id <= 3; id++) {
            provider.connAdd(connection(id));
            provider.connUpdate(connection(id));
        }
        assertThat(provider.evict(3, "parity error")).isTrue();
        assertThat(provider.evict(3, "parity error")).isFalse();
        assertThat(context.said).containsExactly("lost 2: evicted", "lost 3: parity error");
        provider.connDel(connection(2), DelReason.LOST);
        assertThat(provider.held()).containsExactly(1L);
    }

    @Test
    void theHalfwayOneHasDoneTheFirstHalf() {
        HalfwayProvider provider = new HalfwayProvider("halfway", 2);
        List<OffloadOperation> adds = List.of(
                new OffloadOperation.Add(connection(1)),
                new OffloadOperation.Add(connection(2)),
                new OffloadOperation.Add(connection(3)));
        List<OffloadOperation> deletes = adds.stream()
                .<OffloadOperation>map(add -> new OffloadOperation.Delete(
                        ((OffloadOperation.Add) add).connection(), DelReason.PROVIDER_FAILED))
                .toList();
        assertThat(provider.operate(adds)).hasSize(3);
        assertThatThrownBy(() -> provider.operate(deletes)).hasMessage("broke off after 1 of 3");
        assertThat(provider.held()).containsExactlyInAnyOrder(2L, 3L);
        for (OffloadOperation delete : deletes) {
            assertThat(provider.operate(List.of(delete))).containsExactly(OffloadResult.DONE);
        }
        assertThat(provider.held()).isEmpty();
        assertThatThrownBy(() -> new HalfwayProvider("never", 0)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void theDeferringOneDoesItWhenItIsToldTo() {
        DeferringProvider provider =
                new DeferringProvider("deferring", Manner.WHEN_TOLD, EnumSet.of(Callback.ADD, Callback.DEL));
        List<OffloadResult> results = provider.operate(
                List.of(new OffloadOperation.Query(connection(1)), new OffloadOperation.Add(connection(1))));
        assertThat(results.getFirst()).isEqualTo(Verdict.accept());
        CompletableFuture<? extends OffloadResult> added =
                ((OffloadResult.Deferred) results.getLast()).result().toCompletableFuture();
        assertThat(added).isNotDone();
        assertThat(provider.held()).isEmpty();
        assertThat(provider.waiting()).isEqualTo(1);
        assertThat(provider.complete()).isEqualTo(1);
        assertThat(added).isCompletedWithValueMatching(Verdict.accept()::equals);
        assertThat(provider.held()).containsExactly(1L);
        assertThat(provider.complete()).isZero();
    }

    @ParameterizedTest
    @EnumSource(
            value = Manner.class,
            names = {"WHEN_TOLD", "NO_STAGE"},
            mode = EnumSource.Mode.EXCLUDE)
    void whateverIsDeferredComes(Manner manner) {
        DeferringProvider provider = new DeferringProvider("deferring", manner, EnumSet.of(Callback.UPDATE));
        OffloadResult.Deferred deferred =
                (OffloadResult.Deferred) provider.operateOne(new OffloadOperation.Update(connection(1)));
        Queue<String> came = new ConcurrentLinkedQueue<>();
        CompletableFuture<Void> done = deferred.result()
                .whenComplete((result, thrown) -> came.add(result + " " + thrown))
                .handle((result, thrown) -> (Void) null)
                .toCompletableFuture();
        assertThat(done).succeedsWithin(SOON);
        assertThat(came).hasSize(manner == Manner.TWICE ? 2 : 1);
    }

    @Test
    void theInterruptingOneLeavesItsTraceInChosenCallbacksOnly() {
        InterruptingProvider provider = new InterruptingProvider("interrupting", EnumSet.of(Callback.ADD));
        provider.canOffload(connection(1));
        assertThat(Thread.interrupted()).isFalse();
        provider.connAdd(connection(1));
        assertThat(Thread.interrupted()).isTrue();
        assertThat(provider.held()).containsExactly(1L);
    }

    @Test
    void theLongWindedOneHasLongTexts() throws Exception {
        LongWindedProvider provider = new LongWindedProvider("long", 250);
        provider.init(at(() -> 0));
        assertThat(((Verdict.Decline) provider.canOffload(connection(1))).reason())
                .hasSize(250);
        assertThat(provider.describe().getFirst()).hasSize(250);
    }

    @Test
    void afterOperateHasThrownADeleteOfWhatIsNotHeldDoesNothing() {
        ThrowingProvider provider = new ThrowingProvider("throwing", EnumSet.of(Callback.OPERATE));
        assertThatThrownBy(() -> provider.operate(List.of())).isInstanceOf(IllegalStateException.class);
        provider.connDel(connection(2), DelReason.PROVIDER_FAILED);
        assertThat(provider.held()).isEmpty();
    }

    @Test
    void theSlowOneTakesTheTimeItWasToldTo() {
        ManualClock clock = new ManualClock(0, 1000);
        SlowProvider provider =
                new SlowProvider("slow", clock::advance).slowDown(Callback.UPDATE, Duration.ofMillis(700));
        provider.connAdd(connection(1));
        assertThat(clock.nowNs()).isZero();
        provider.connUpdate(connection(1));
        assertThat(Duration.ofNanos(clock.nowNs())).hasMillis(700);
        provider.slowDown(Callback.UPDATE, Duration.ZERO).connUpdate(connection(1));
        assertThat(Duration.ofNanos(clock.nowNs())).hasMillis(700);
    }

    @Test
    void withoutASleeperTheThreadReallyWaitsAndAnInterruptIsKept() {
        SlowProvider provider = new SlowProvider("slow").slowDown(Callback.ADD, Duration.ofMillis(30));
        Thread.currentThread().interrupt();
        long startNs = System.nanoTime();
        provider.connAdd(connection(1));
        assertThat(System.nanoTime() - startNs)
                .isGreaterThanOrEqualTo(Duration.ofMillis(30).toNanos());
        assertThat(Thread.interrupted()).isTrue();
        assertThat(provider.held()).containsExactly(1L);
    }

    @Test
    void theHangingOneKeepsItsCallersUntilItIsReleased() throws InterruptedException {
        HangingProvider provider = new HangingProvider("hanging", EnumSet.of(Callback.ADD));
        assertThat(provider.canOffload(connection(1))).isEqualTo(Verdict.accept());
        Thread caller = Thread.ofPlatform().daemon().start(() -> provider.connAdd(connection(1)));
        assertThat(provider.awaitStuck(SOON)).isTrue();
        assertThat(provider.stuck()).isEqualTo(1);
        caller.interrupt();
        provider.hangIn(EnumSet.of(Callback.DEL));
        assertThat(provider.held()).isEmpty();
        assertThat(provider.awaitFree(Duration.ofMillis(20))).isFalse();
        provider.release();
        assertThat(provider.awaitFree(SOON)).isTrue();
        assertThat(caller.join(SOON)).isTrue();
        assertThat(provider.held()).containsExactly(1L);
        provider.connDel(connection(1), DelReason.EXPIRED);
        assertThat(provider.awaitStuck(Duration.ZERO)).isFalse();
    }

    @ParameterizedTest
    @CsvSource({
        "FUTURE, 3605000",
        "END_OF_TIME, 9223372036854775807",
        "FAR_PAST, 1",
        "NEGATIVE, -1",
        "IN_SECONDS, 5",
        "FROZEN, 3000",
        "ALWAYS_NOW, 5000"
    })
    void theLyingOneSaysItsLie(LyingProvider.Lie lie, long expected) throws Exception {
        ManualClock clock = new ManualClock(0, 3000);
        LyingProvider provider = new LyingProvider("lying", lie);
        provider.init(at(clock::wallMs));
        clock.advance(Duration.ofSeconds(2));
        assertThat(provider.connUpdate(connection(1))).isEqualTo(expected);
    }

    @Test
    void aLieCanBeMadeUp() {
        assertThat(new LyingProvider("lying", ConnView::id).connUpdate(connection(7)))
                .isEqualTo(7);
    }

    @Test
    void everySecondConnectionIsForgottenWhenItIsTaken() {
        ForgettingProvider provider = new ForgettingProvider("forgetting", Lapse.TAKING, 2);
        for (int id = 1; id <= 4; id++) {
            provider.connAdd(connection(id));
        }
        assertThat(provider.held()).containsExactlyInAnyOrder(1L, 3L);
        provider.connDel(connection(2), DelReason.EXPIRED);
        provider.connDel(connection(3), DelReason.EXPIRED);
        assertThat(provider.held()).containsExactly(1L);
    }

    @Test
    void everySecondConnectionIsKeptForEver() {
        ForgettingProvider provider = new ForgettingProvider("leaking", Lapse.LETTING_GO, 2);
        for (int id = 1; id <= 4; id++) {
            provider.connAdd(connection(id));
        }
        for (int id = 1; id <= 4; id++) {
            provider.connDel(connection(id), DelReason.EXPIRED);
        }
        assertThat(provider.held()).containsExactlyInAnyOrder(2L, 4L);
        assertThat(provider.connFlush(DelReason.PROVIDER_LEAVING)).isTrue();
        assertThat(provider.held()).isEmpty();
        assertThatThrownBy(() -> new ForgettingProvider("never", Lapse.TAKING, 0))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void apartFromTheFaultTheLifeCycleIsWatched() {
        HoldingProvider provider = new ThrowingProvider("throwing", EnumSet.noneOf(Callback.class));
        provider.connAdd(connection(1));
        assertThatThrownBy(() -> provider.connAdd(connection(1))).hasMessage("added twice");
        assertThatThrownBy(() -> provider.connDel(connection(2), DelReason.EXPIRED))
                .hasMessage("deleted without being held");
        assertThat(provider.heldCount()).isEqualTo(1);
        provider.close();
        assertThat(provider.heldCount()).isZero();
    }
}
