package io.turnstile.offload.provider.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
import java.util.EnumSet;
import java.util.List;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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
        return new ProviderContext() {
            @Override
            public long wallMs() {
                return wallMs.getAsLong();
            }

            @Override
            public int threads() {
                return 1;
            }
        };
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
    void aLateRefusalIsADeclineInBulkAndAThrowFromTheSingleCallback() {
        RefusingProvider full = new RefusingProvider("full", Moment.ADD, c -> c.id() != 1, "table full");
        assertThat(full.operate(List.of(
                        new OffloadOperation.Query(connection(2)),
                        new OffloadOperation.Add(connection(1)),
                        new OffloadOperation.Add(connection(2)))))
                .containsExactly(Verdict.accept(), OffloadResult.DONE, Verdict.decline("table full"));
        assertThatThrownBy(() -> full.connAdd(connection(3))).hasMessage("table full");
        assertThat(full.held()).containsExactly(1L);
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
