package io.turnstile.offload;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.offload.spi.Verdict;
import io.turnstile.time.ManualClock;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** "Later" at the question and at the add, and what brings the offer back. */
class WaitingOffersTest {
    private static final int ROOM = 100;

    private final ManualClock clock = new ManualClock(0, 1_700_000_000_000L);
    private final FakeTracker tracker = new FakeTracker(5000);
    private final OffloadDispatcher dispatcher =
            OffloadDispatcher.drainedByCaller(tracker, clock, PortDirectory.named(port -> "p" + port));
    private final ScriptedProvider card = new ScriptedProvider("card");

    @AfterEach
    void historiesWereLegal() {
        dispatcher.disable();
        assertThat(card.faults()).isEmpty();
        assertThat(tracker.faults).isEmpty();
        assertThat(tracker.heldSlots()).isZero();
    }

    private void enable() {
        dispatcher.enable(List.of(card));
        dispatcher.drain();
        card.heard();
    }

    private void commit(int count) {
        for (int i = 0; i < count; i++) {
            tracker.commit(committed++, 1, clock.nowNs());
        }
        dispatcher.drain();
    }

    private int committed;

    private void pass(Duration time) {
        clock.advance(time);
        dispatcher.drain();
    }

    /** A card that finds out only when it adds: 64 questions come before the first add. */
    private void fullAtAdd() {
        card.addVerdict = c -> card.held().size() < ROOM ? Verdict.accept() : Verdict.later("card is full");
    }

    private long countOf(String event) {
        return card.heard().stream().filter(heard -> heard.startsWith(event)).count();
    }

    @Test
    void aTableThatIsFullAtTheAddIsNeverOverfilledAndDoesNotFail() {
        fullAtAdd();
        enable();
        commit(1000);
        assertThat(card.held()).hasSize(ROOM);
        assertThat(dispatcher.failures()).isEmpty();
        assertThat(dispatcher.providers().getFirst().state()).isEqualTo("ready");
        assertThat(dispatcher.show()).contains("connections: 1000 followed, 100 held, 900 to be offered later");
        assertThat(dispatcher.offloadStates(
                        tracker.live().stream().skip(500).findFirst().orElseThrow()))
                .hasToString("[card:later(card is full)]");
    }

    @Test
    void roomBringsTheOfferBackAtOnce() {
        card.verdict = c -> Verdict.later("not yet");
        enable();
        commit(300);
        card.verdict = c -> Verdict.accept();
        dispatcher.drain();
        assertThat(card.held()).isEmpty();
        card.context.room();
        dispatcher.drain();
        assertThat(card.held()).isEqualTo(tracker.live()).hasSize(300);
    }

    @Test
    void withoutAWordTheOfferComesBackAfterAPauseThatGrows() {
        card.verdict = c -> Verdict.later("not yet");
        enable();
        commit(10);
        long asked = 0;
        int rounds = 0;
        card.heard();
        for (int second = 0; second < 300; second++) {
            pass(Duration.ofSeconds(1));
            long now = countOf("query");
            rounds += now > 0 ? 1 : 0;
            asked += now;
        }
        assertThat(rounds).isBetween(6, 12); // 1 + 2 + 4 + 8 + 16 + 32 + 60 + 60 …
        assertThat(asked).isEqualTo(rounds * 10L);
        card.verdict = c -> Verdict.accept();
        pass(Duration.ofSeconds(61));
        assertThat(card.held()).isEqualTo(tracker.live());
    }

    @Test
    void afterADeleteItComesBackSoonAndAFullCardIsAskedALittleOnly() {
        fullAtAdd();
        enable();
        commit(4000);
        card.heard();
        long gone = card.held().iterator().next();
        tracker.remove(gone, io.turnstile.conntrack.ConnectionListener.RemovalReason.FLUSHED, clock.nowNs());
        dispatcher.drain();
        assertThat(card.held()).hasSize(ROOM - 1);
        pass(Duration.ofMillis(200));
        assertThat(card.held()).hasSize(ROOM);
        assertThat(countOf("query")).isLessThan(1000);
    }

    @Test
    void whatWaitsAndEndsIsForgotten() {
        card.verdict = c -> Verdict.later("not yet");
        enable();
        commit(10);
        tracker.flush(null, clock.nowNs());
        dispatcher.drain();
        assertThat(tracker.heldSlots()).isZero();
        card.heard();
        card.verdict = c -> Verdict.accept();
        card.context.room();
        pass(Duration.ofSeconds(100));
        assertThat(card.heard()).isEmpty();
    }

    @Test
    void aDeclineIsForGood() {
        card.verdict = c -> Verdict.decline("never");
        enable();
        commit(10);
        card.heard();
        card.context.room();
        pass(Duration.ofSeconds(100));
        assertThat(card.heard()).isEmpty();
    }

    @Test
    void whatTheDeviceHasLostIsDeletedAndOfferedAgain() {
        enable();
        commit(1);
        long id = tracker.live().iterator().next();
        card.heard();
        card.context.lost(id, "evicted");
        dispatcher.drain();
        assertThat(card.heard()).containsExactly("del 0 lost");
        assertThat(dispatcher.offloadStates(id)).hasToString("[card:later(evicted)]");
        assertThat(tracker.holds(id)).isZero();
        pass(Duration.ofSeconds(2));
        assertThat(card.heard()).containsExactly("query 0", "add 0 in=1");
    }

    @Test
    void losingWhatIsNotHeldMeansNothing() {
        enable();
        commit(1);
        card.heard();
        card.context.lost(12345L << 32, "never had it");
        card.context.lost(tracker.live().iterator().next() + (1L << 32), "another generation");
        dispatcher.drain();
        assertThat(card.heard()).isEmpty();
    }

    @Test
    void whatAProviderSaysAfterItsEndMeansNothing() {
        enable();
        commit(1);
        dispatcher.disable();
        card.heard();
        card.context.room();
        card.context.lost(tracker.live().iterator().next(), "late");
        card.context.used(tracker.live().iterator().next(), clock.wallMs(), 1, 1);
        dispatcher.drain();
        assertThat(card.heard()).isEmpty();
    }
}
