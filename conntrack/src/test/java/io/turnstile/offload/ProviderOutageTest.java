package io.turnstile.offload;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.offload.conformance.IdleProvider;
import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.offload.spi.Verdict;
import io.turnstile.time.ManualClock;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A provider in trouble is left alone, its connections go back to software, and it is tried again. */
class ProviderOutageTest {
    private static final int TOO_MANY = LaneLimits.DEFAULTS.failuresInARow();

    private final ManualClock clock =
            new ManualClock(Long.MAX_VALUE - Duration.ofSeconds(3).toNanos(), 1_700_000_000_000L);
    private final FakeTracker tracker = new FakeTracker(5000);
    private final OffloadDispatcher dispatcher =
            OffloadDispatcher.drainedByCaller(tracker, clock, PortDirectory.named(port -> "p" + port));
    private final ScriptedProvider alpha = new ScriptedProvider("alpha");
    private final ScriptedProvider beta = new ScriptedProvider("beta");
    private int made;

    @AfterEach
    void historiesWereLegalAndNothingIsHeld() {
        dispatcher.disable();
        assertThat(alpha.faults()).isEmpty();
        assertThat(beta.faults()).isEmpty();
        assertThat(tracker.heldSlots()).isZero();
    }

    private void commit(int connections) {
        for (int i = 0; i < connections; i++) {
            tracker.commit(++made, 1, clock.nowNs());
        }
        dispatcher.drain();
    }

    private void pass(Duration time) {
        clock.advance(time);
        dispatcher.drain();
    }

    private String state() {
        return dispatcher.providers().getFirst().state();
    }

    @Test
    void tooManyFailuresInARowGiveEverythingBackToSoftwareAndLeaveTheOtherAlone() {
        dispatcher.enable(List.of(alpha, beta));
        commit(5);
        long held = tracker.live().iterator().next();
        alpha.fails("add"::equals);
        commit(TOO_MANY);
        assertThat(state()).startsWith("breaker open: 16 failures in a row, the last: add: java.lang.IllegalState");
        assertThat(alpha.held()).isEmpty();
        assertThat(alpha.heard())
                .endsWith("close")
                .filteredOn(event -> event.startsWith("del"))
                .hasSize(5)
                .allMatch(event -> event.endsWith("provider failed"));
        assertThat(tracker.unheld).contains(held);
        assertThat(beta.held()).hasSize(5 + TOO_MANY);
        assertThat(dispatcher.offloadStates(held)).first().asString().startsWith("alpha:refused(breaker open: ");
        assertThat(dispatcher.why(held))
                .startsWith("alpha: breaker open: ")
                .contains("held by beta, not yet established");
        assertThat(dispatcher.show()).contains("breaker: open, next try in 1000 ms, opened 1 times, last: 16 failures");
        commit(3);
        assertThat(alpha.heard()).isEmpty();
    }

    @Test
    void itIsTriedAgainEachTimeLaterUntilItWorks() {
        alpha.fails("add"::equals);
        dispatcher.enable(List.of(alpha));
        commit(100);
        for (int seconds : new int[] {1, 2, 4, 8}) {
            alpha.heard();
            pass(Duration.ofSeconds(seconds).minusMillis(1));
            assertThat(alpha.heard()).isEmpty();
            pass(Duration.ofMillis(1));
            assertThat(alpha.heard())
                    .startsWith("init")
                    .endsWith("close")
                    .filteredOn(event -> event.startsWith("add"))
                    .as("a few connections were the probe")
                    .hasSizeBetween(1, 8);
        }
        alpha.fails(event -> false);
        pass(Duration.ofSeconds(16));
        assertThat(state()).isEqualTo("ready");
        assertThat(alpha.held()).hasSize(100);
        assertThat(dispatcher.show())
                .contains("breaker: closed, opened 5 times, last: failed again: add")
                .contains(
                        "1 x alpha: provider failed: failures in a row (first ",
                        "4 x alpha: provider failed: failed again: add");
    }

    @Test
    void aFailedInitIsTriedAgainToo() {
        alpha.fails("init"::equals);
        dispatcher.enable(List.of(alpha, beta));
        commit(1);
        assertThat(state()).isEqualTo("init failed: scripted failure of init");
        alpha.fails(event -> false);
        alpha.heard();
        pass(Duration.ofSeconds(1));
        assertThat(alpha.heard()).containsExactly("init", "query 1", "add 1 in=1");
    }

    @Test
    void failingAddsAreTooManyHoweverWillinglyItAccepts() {
        alpha.fails("add"::equals);
        dispatcher.enable(List.of(alpha));
        for (int i = 0; i < TOO_MANY; i++) {
            assertThat(state()).isEqualTo("ready");
            commit(1); // query and add in turns
        }
        assertThat(state()).startsWith("breaker open");
    }

    @Test
    void aSuccessBetweenFailuresKeepsItInService() {
        alpha.failsFor = (event, number) -> event.equals("add") && number % 16 != 0;
        dispatcher.enable(List.of(alpha));
        commit(200);
        assertThat(state()).isEqualTo("ready");
        assertThat(alpha.held()).hasSize(12);
    }

    @Test
    void slowCallsAreMadeShorterAndOnlyIfThatDoesNotHelpIsItLeftAlone() {
        alpha.journal = event -> clock.advance(Duration.ofMillis(event.endsWith("add") ? 40 : 0));
        dispatcher.enable(List.of(alpha));
        commit(200);
        assertThat(state()).as("8 x 40 ms is long, but not too long").isEqualTo("ready");
        assertThat(alpha.held()).hasSize(200);
        alpha.journal = event -> clock.advance(Duration.ofMillis(event.endsWith("add") ? 600 : 0));
        commit(1);
        commit(1);
        assertThat(state()).isEqualTo("ready");
        commit(1);
        assertThat(state()).startsWith("breaker open: 3 slow calls in a row");
        assertThat(alpha.held()).isEmpty();
    }

    @Test
    void whoIsSlowAgainIsLeftAloneForLonger() {
        alpha.journal = event -> clock.advance(Duration.ofMillis(event.endsWith("add") ? 600 : 0));
        dispatcher.enable(List.of(alpha));
        commit(100);
        assertThat(state()).startsWith("breaker open: 3 slow calls in a row");
        for (int seconds : new int[] {1, 2, 4}) {
            pass(Duration.ofSeconds(seconds).minusMillis(1));
            assertThat(state()).startsWith("breaker open");
            alpha.heard();
            pass(Duration.ofMillis(1));
            assertThat(state()).startsWith("breaker open: slow again: a call took ");
            assertThat(alpha.heard()).startsWith("init").endsWith("close");
        }
    }

    @Test
    void turningOffloadOffAndOnForgetsWhatWas() {
        alpha.fails("query"::equals);
        dispatcher.enable(List.of(alpha));
        commit(TOO_MANY);
        assertThat(state()).startsWith("breaker open");
        alpha.fails(event -> false);
        assertThat(dispatcher.disable()).isTrue();
        assertThat(state()).isEqualTo("closed");
        dispatcher.enable(List.of(alpha));
        dispatcher.drain();
        assertThat(state()).isEqualTo("ready");
        assertThat(alpha.held()).hasSize(TOO_MANY);
    }

    @Test
    void removedConnectionsDoNotWaitForWhoIsLeftAlone() {
        dispatcher.enable(List.of(alpha));
        commit(100);
        alpha.fails("update"::equals);
        clock.advance(FakeTracker.TIMEOUT);
        tracker.sweep(clock.nowNs());
        dispatcher.drain();
        assertThat(state()).startsWith("breaker open");
        tracker.flush(null, clock.nowNs());
        assertThat(tracker.heldSlots()).isZero();
    }

    @Test
    void aProviderThatFlushesIsToldOnce() {
        FlushingProvider flushing = new FlushingProvider();
        dispatcher.enable(List.<OffloadProvider>of(flushing));
        commit(300);
        assertThat(flushing.held).isEqualTo(300);
        long id = tracker.live().iterator().next();
        tracker.unheld.clear();
        assertThat(dispatcher.disable()).isTrue();
        assertThat(flushing.held).isZero();
        assertThat(flushing.deletes).isZero();
        assertThat(tracker.unheld).contains(id).hasSize(300);
    }

    /** Lets go of everything at once. */
    private static final class FlushingProvider extends IdleProvider {
        private int held;
        private int deletes;

        FlushingProvider() {
            super("flushing");
        }

        @Override
        public Verdict connAdd(ConnView connection) {
            held++;
            return Verdict.accept();
        }

        @Override
        public void connDel(ConnView connection, DelReason reason) {
            deletes++;
        }

        @Override
        public boolean connFlush(DelReason reason) {
            held = 0;
            return true;
        }
    }
}
