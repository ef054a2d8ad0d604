package io.turnstile.offload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.turnstile.conntrack.ConnectionListener;
import io.turnstile.conntrack.ConnectionListener.RemovalReason;
import io.turnstile.conntrack.Conntrack;
import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.Verdict;
import io.turnstile.time.ManualClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Each event's story, one by one, on the calling thread and by hand-driven time that wraps on the way. */
class OffloadDispatcherTest {
    private static final long EPOCH_MS = 1_700_000_000_000L;

    private final ManualClock clock =
            new ManualClock(Long.MAX_VALUE - Duration.ofSeconds(3).toNanos(), EPOCH_MS);
    private final FakeTracker tracker = new FakeTracker(5000);
    private final OffloadDispatcher dispatcher =
            OffloadDispatcher.drainedByCaller(tracker, clock, PortDirectory.named(port -> "p" + port));
    private final ScriptedProvider alpha = new ScriptedProvider("alpha");
    private final ScriptedProvider beta = new ScriptedProvider("beta");

    @AfterEach
    void historiesWereLegalAndNothingIsHeld() {
        dispatcher.disable();
        assertThat(alpha.faults()).isEmpty();
        assertThat(beta.faults()).isEmpty();
        assertThat(tracker.faults).isEmpty();
        assertThat(tracker.heldSlots()).isZero();
    }

    private void enable(OffloadProvider... providers) {
        dispatcher.enable(List.of(providers));
        dispatcher.drain();
        alpha.heard();
        beta.heard();
    }

    private long commit(int number) {
        return tracker.commit(number, 1, clock.nowNs());
    }

    private List<String> heard(ScriptedProvider provider) {
        dispatcher.drain();
        return provider.heard();
    }

    private void pass(Duration time) {
        clock.advance(time);
        tracker.sweep(clock.nowNs());
        dispatcher.drain();
    }

    private void expire() {
        for (int i = 0; i < 40; i++) {
            pass(Duration.ofSeconds(1));
        }
    }

    @Test
    void aLifeIsAddEstablishedUpdateDel() {
        enable(alpha);
        long id = commit(7);
        assertThat(heard(alpha)).containsExactly("query 7", "add 7 in=1");
        tracker.reply(id, 2, clock.nowNs());
        assertThat(heard(alpha)).containsExactly("established 7 in=1 reply=2");
        expire();
        assertThat(heard(alpha)).containsExactly("update 7", "del 7 expired");
        assertThat(tracker.heldSlots()).isZero();
    }

    @Test
    void nothingIsCalledBeforeDrain() {
        enable(alpha);
        long id = commit(7);
        tracker.reply(id, 2, clock.nowNs());
        assertThat(alpha.heard()).isEmpty();
    }

    @Test
    void establishedComesOnceHoweverManyRepliesThereAre() {
        enable(alpha);
        long id = commit(7);
        for (int i = 0; i < 5; i++) {
            tracker.reply(id, 2, clock.nowNs());
        }
        dispatcher.drain();
        for (int i = 0; i < 5; i++) {
            tracker.reply(id, 2, clock.nowNs());
            dispatcher.drain();
        }
        assertThat(alpha.heard()).containsExactly("query 7", "add 7 in=1", "established 7 in=1 reply=2");
    }

    @Test
    void establishedIsRepeatedOnLaterRepliesUntilTheProviderSaysTrue() {
        alpha.covers = connection -> false;
        enable(alpha);
        long id = commit(7);
        tracker.reply(id, 2, clock.nowNs());
        assertThat(heard(alpha)).contains("established 7 in=1 reply=2");
        assertThat(heard(alpha)).isEmpty();
        tracker.reply(id, 3, clock.nowNs());
        assertThat(heard(alpha)).containsExactly("established 7 in=1 reply=2");
        alpha.covers = connection -> true;
        tracker.reply(id, 2, clock.nowNs());
        assertThat(heard(alpha)).containsExactly("established 7 in=1 reply=2");
        tracker.reply(id, 2, clock.nowNs());
        assertThat(heard(alpha)).isEmpty();
        assertThat(dispatcher.offloadStates(id)).hasToString("[alpha:established]");
    }

    @Test
    void establishedOfAReplayedConnectionIsRepeatedOnLaterRepliesToo() {
        long id = commit(7);
        tracker.reply(id, 2, clock.nowNs());
        enable(beta);
        tracker.reply(id, 2, clock.nowNs()); // the tracker was told "no more replies" by now
        alpha.covers = connection -> false;
        enable(alpha, beta);
        for (int i = 0; i < 3; i++) {
            tracker.reply(id, 2, clock.nowNs());
            assertThat(heard(alpha)).containsExactly("established 7 in=1 reply=2");
        }
        alpha.covers = connection -> true;
        tracker.reply(id, 2, clock.nowNs());
        assertThat(heard(alpha)).containsExactly("established 7 in=1 reply=2");
    }

    @Test
    void onAHairpinTheReplyPortEqualsTheOriginalOne() {
        enable(alpha);
        long id = commit(7);
        tracker.reply(id, 1, clock.nowNs());
        assertThat(heard(alpha)).contains("established 7 in=1 reply=1");
    }

    @Test
    void aLaterUseExtendsTheDeadline() {
        enable(alpha);
        long id = commit(7);
        dispatcher.drain();
        alpha.lastUsed = connection -> clock.wallMs() - 1000;
        pass(FakeTracker.TIMEOUT);
        assertThat(tracker.timeLeftNs(id, clock.nowNs()))
                .isEqualTo(FakeTracker.TIMEOUT.minusSeconds(1).toNanos());
    }

    @Test
    void anUnknownOrOlderUseLeavesTheDeadlineAlone() {
        enable(alpha);
        alpha.lastUsed = c -> c.original().sourcePort() == 7 ? 0 : EPOCH_MS - 1;
        long unknown = commit(7);
        long older = commit(8);
        dispatcher.drain();
        pass(FakeTracker.TIMEOUT.minusMillis(1));
        assertThat(heard(alpha)).doesNotContain("update 7", "update 8");
        pass(Duration.ofMillis(1));
        assertThat(heard(alpha)).containsExactlyInAnyOrder("update 7", "update 8");
        assertThat(tracker.live()).contains(unknown, older); // the removal has waited for the answers
        pass(Duration.ZERO);
        assertThat(heard(alpha)).containsExactlyInAnyOrder("del 7 expired", "del 8 expired");
    }

    @Test
    void whatIsUsedAllTheTimeNeverExpires() {
        enable(alpha, beta);
        long id = commit(7);
        dispatcher.drain();
        long usedMs = clock.wallMs();
        for (int i = 0; i < 1000; i++) {
            long lastMs = usedMs;
            beta.lastUsed = connection -> lastMs;
            pass(Duration.ofSeconds(1));
            usedMs = i % 29 == 0 ? clock.wallMs() : usedMs;
        }
        assertThat(tracker.live()).contains(id);
        assertThat(alpha.heard()).filteredOn("update 7"::equals).hasSizeLessThan(100);
    }

    @Test
    void theRemovalWaitsForALaneThatIsBehindButNotForEver() {
        enable(alpha);
        long id = commit(7);
        dispatcher.drain();
        clock.advance(FakeTracker.TIMEOUT);
        tracker.sweep(clock.nowNs());
        alpha.lastUsed = connection -> EPOCH_MS + FakeTracker.TIMEOUT.toMillis();
        clock.advance(Duration.ofNanos(Conntrack.LONGEST_WAIT_NS - 1));
        tracker.sweep(clock.nowNs());
        assertThat(tracker.live()).contains(id);
        clock.advance(Duration.ofNanos(1));
        tracker.sweep(clock.nowNs());
        assertThat(tracker.live()).doesNotContain(id);
    }

    @Test
    void aUseInTheFutureCountsAsNow() {
        enable(alpha);
        long id = commit(7);
        dispatcher.drain();
        alpha.lastUsed = connection -> Long.MAX_VALUE;
        pass(FakeTracker.TIMEOUT);
        assertThat(tracker.timeLeftNs(id, clock.nowNs())).isEqualTo(FakeTracker.TIMEOUT.toNanos());
        assertThat(dispatcher.show()).contains("implausible last-used answers: 1");
    }

    @Test
    void theLatestAnswerOfAllHoldersWins() {
        enable(alpha, beta);
        alpha.lastUsed = connection -> clock.wallMs() - 4000;
        beta.lastUsed = connection -> clock.wallMs() - 3000;
        long id = commit(7);
        dispatcher.drain();
        pass(FakeTracker.TIMEOUT);
        assertThat(tracker.timeLeftNs(id, clock.nowNs()))
                .isEqualTo(FakeTracker.TIMEOUT.minusSeconds(3).toNanos());
    }

    @Test
    void flushAndReplacementAreToldAsSuch() {
        enable(alpha);
        commit(7);
        dispatcher.drain();
        alpha.heard();
        tracker.flush(null, clock.nowNs());
        assertThat(heard(alpha)).containsExactly("del 7 flushed");
        long id = commit(8);
        dispatcher.drain();
        tracker.remove(id, RemovalReason.REPLACED, clock.nowNs());
        assertThat(heard(alpha)).endsWith("del 8 replaced");
    }

    @Test
    void turningOffTakesEverythingBackAndClosesInReverseOrder() {
        List<String> journal = new ArrayList<>();
        enable(alpha, beta);
        alpha.journal = journal::add;
        beta.journal = journal::add;
        long id = commit(7);
        dispatcher.drain();
        journal.clear();
        assertThat(dispatcher.disable()).isTrue();
        assertThat(alpha.heard()).endsWith("del 7 provider leaving", "close");
        assertThat(journal).containsExactly("beta del", "beta close", "alpha del", "alpha close");
        assertThat(dispatcher.offloadStates(id)).isEmpty();
        assertThat(tracker.live()).containsExactly(id);
        assertThat(tracker.unheld).contains(id);
    }

    @Test
    void afterTurningOffNothingIsToldAnyMore() {
        enable(alpha);
        long id = commit(7);
        dispatcher.disable();
        alpha.heard();
        tracker.reply(id, 2, clock.nowNs());
        commit(8);
        tracker.flush(null, clock.nowNs());
        assertThat(heard(alpha)).isEmpty();
        assertThat(tracker.heldSlots()).isZero();
    }

    @Test
    void turningOnReplaysWhatIsThereWithTheReplyPort() {
        long id = commit(7);
        tracker.reply(id, 2, clock.nowNs());
        commit(8);
        dispatcher.enable(List.of(alpha));
        assertThat(heard(alpha))
                .containsExactlyInAnyOrder(
                        "init", "query 7", "add 7 in=1", "established 7 in=1 reply=2", "query 8", "add 8 in=1");
    }

    @Test
    void replayGoesOverManySlicesAndMeetsEachConnectionOnce() {
        for (int i = 0; i < 4000; i++) {
            commit(i);
        }
        dispatcher.enable(List.of(alpha));
        for (int i = 4000; i < 4500; i++) {
            commit(i); // met by the replay and told live
        }
        dispatcher.drain();
        assertThat(alpha.held()).isEqualTo(tracker.live()).hasSize(4500);
    }

    @Test
    void aConnectionThatCameAndWentUnseenIsNeverAnnounced() {
        enable(alpha);
        long id = commit(7);
        tracker.reply(id, 2, clock.nowNs());
        tracker.remove(id, RemovalReason.FLUSHED, clock.nowNs());
        assertThat(tracker.heldSlots()).isZero();
        assertThat(heard(alpha)).isEmpty();
        assertThat(dispatcher.show()).contains("never announced: 1");
    }

    @Test
    void aSlotUsedAgainBeforeDrainAnnouncesTheNewConnectionOnly() {
        FakeTracker oneSlot = new FakeTracker(1);
        OffloadDispatcher ofOne =
                OffloadDispatcher.drainedByCaller(oneSlot, clock, PortDirectory.named(port -> "p" + port));
        ofOne.enable(List.of(alpha));
        oneSlot.remove(oneSlot.commit(7, 1, clock.nowNs()), RemovalReason.FLUSHED, clock.nowNs());
        oneSlot.commit(8, 1, clock.nowNs());
        ofOne.drain();
        assertThat(alpha.heard()).containsExactly("init", "query 8", "add 8 in=1");
        ofOne.disable();
    }

    @Test
    void aReportThatComesAfterItsSlotWasUsedAgainIsIgnored() {
        enable(alpha);
        long old = commit(7);
        dispatcher.drain();
        alpha.heard();
        long newer = old + (1L << 32);
        dispatcher.onEstablished(newer, clock.nowNs());
        dispatcher.onChanged(newer, ConnectionListener.MARK_CHANGED, clock.nowNs());
        assertThat(dispatcher.onRemoved(newer, RemovalReason.EXPIRED, clock.nowNs()))
                .isFalse();
        assertThat(dispatcher.onDeadline(newer, clock.nowNs())).isFalse();
        dispatcher.onCommitted(old - (1L << 32), 1, clock.nowNs());
        assertThat(heard(alpha)).isEmpty();
        assertThat(alpha.held()).containsExactly(old);
    }

    @Test
    void aCommitThatIsReportedOnlyAfterTheRemovalAnnouncesNothing() {
        enable(alpha);
        tracker.setListener(null);
        long id = commit(7);
        tracker.setListener(dispatcher);
        tracker.afterReport = removed -> {
            dispatcher.onCommitted(removed, 1, clock.nowNs());
            dispatcher.drain(); // while the tracker still has the entry
        };
        tracker.remove(id, RemovalReason.REPLACED, clock.nowNs());
        assertThat(heard(alpha)).isEmpty();
        assertThat(dispatcher.offloadStates(id)).hasToString("[alpha:none]");
    }

    @Test
    void aDeclinedConnectionIsLeftAloneAndShowsWhy() {
        alpha.verdict = connection -> Verdict.decline("alg control connection");
        enable(alpha, beta);
        long id = commit(7);
        tracker.reply(id, 2, clock.nowNs());
        assertThat(heard(alpha)).containsExactly("query 7");
        assertThat(beta.heard()).hasSize(3);
        assertThat(dispatcher.offloadStates(id))
                .hasToString("[alpha:declined(alg control connection), beta:established]");
        assertThat(dispatcher.why(id)).isEqualTo("""
            declined by alpha: alg control connection
            held by beta, both directions
            """);
        expire();
        assertThat(heard(alpha)).isEmpty();
    }

    @Test
    void providersAreToldInPriorityOrder() {
        List<String> order = new ArrayList<>();
        dispatcher.addEventTap(event -> order.add(event.provider() + " " + event.kind()));
        enable(beta, alpha);
        commit(7);
        dispatcher.drain();
        assertThat(order).containsExactly("beta query", "beta add", "alpha query", "alpha add");
    }

    @Test
    void aProviderWhoseInitFailsIsLeftOutAndShownAndNotClosed() {
        alpha.fails("init"::equals);
        dispatcher.enable(List.of(alpha, beta));
        commit(7);
        dispatcher.drain();
        assertThat(alpha.heard()).containsExactly("init");
        assertThat(beta.heard()).containsExactly("init", "query 7", "add 7 in=1");
        assertThat(dispatcher.providers())
                .extracting(ProviderStatus::state)
                .containsExactly("init failed: scripted failure of init", "ready");
        assertThat(dispatcher.show()).contains("provider alpha: priority 100, init failed: scripted failure of init");
        dispatcher.disable();
        assertThat(alpha.heard()).isEmpty();
    }

    @Test
    void withoutAnyProviderTheTrackerHasNoListener() {
        alpha.fails("init"::equals);
        dispatcher.enable(List.of(alpha));
        long id = commit(7);
        tracker.remove(id, RemovalReason.EXPIRED, clock.nowNs());
        assertThat(dispatcher.isEnabled()).isTrue();
        assertThat(tracker.heldSlots()).isZero();
        assertThat(dispatcher.why(id)).isEqualTo("alpha: init failed: scripted failure of init\n");
    }

    @Test
    void twoProvidersOfOneNameOrABadNameAreRefusedInASentence() {
        dispatcher.enable(List.of(
                alpha,
                new ScriptedProvider("alpha"),
                new ScriptedProvider("Not a name"),
                new ScriptedProvider("none")));
        assertThat(dispatcher.providers())
                .extracting(ProviderStatus::state)
                .satisfiesExactly(
                        state -> assertThat(state).isEqualTo("ready"),
                        state -> assertThat(state).startsWith("not registered: there is another"),
                        state -> assertThat(state).startsWith("not registered: a name is"),
                        state -> assertThat(state).startsWith("not registered: a name is"));
    }

    @Test
    void aThrowInAddMeansFailedAndNoOtherCallback() {
        alpha.fails("add"::equals);
        enable(alpha, beta);
        long id = commit(7);
        tracker.reply(id, 2, clock.nowNs());
        assertThat(heard(alpha)).containsExactly("query 7", "add 7 in=1");
        assertThat(dispatcher.offloadStates(id))
                .first()
                .hasToString("alpha:failed(java.lang.IllegalStateException: scripted failure of add)");
        assertThat(beta.held()).containsExactly(id);
        expire();
        assertThat(heard(alpha)).isEmpty();
    }

    @Test
    void aThrowAfterAddTakesTheConnectionBackAtOnce() {
        for (String event : List.of("established", "update")) {
            alpha.fails(event::equals);
            enable(alpha, beta);
            long id = commit(7);
            tracker.reply(id, 2, clock.nowNs());
            dispatcher.drain();
            pass(FakeTracker.TIMEOUT);
            assertThat(alpha.heard())
                    .endsWith(event + " 7" + (event.equals("update") ? "" : " in=1 reply=2"), "del 7 provider failed");
            assertThat(dispatcher.offloadStates(id).getFirst().state()).isEqualTo(OffloadState.FAILED);
            assertThat(beta.held()).containsExactly(id);
            tracker.flush(null, clock.nowNs());
            assertThat(heard(alpha)).isEmpty();
        }
    }

    @Test
    void aThrowInDelStillFreesTheConnection() {
        alpha.fails("del"::equals);
        enable(alpha, beta);
        commit(7);
        dispatcher.drain();
        tracker.flush(null, clock.nowNs());
        dispatcher.drain();
        assertThat(tracker.heldSlots()).isZero();
        assertThat(beta.held()).isEmpty();
        assertThat(dispatcher.show()).contains("delete: 0 ok, 1 failed");
    }

    @Test
    void equalFailuresAreOneLineWithACount() {
        alpha.fails("add"::equals);
        enable(alpha);
        for (int i = 0; i < 10; i++) {
            commit(i);
        }
        dispatcher.drain();
        assertThat(dispatcher.show())
                .containsOnlyOnce("scripted failure of add")
                .contains("10 x alpha: add failed: java.lang.IllegalStateException: scripted failure of add at ");
    }

    @Test
    void aBulkThatThrowsOrAnswersNonsenseFailsItsOperationsOnly() {
        for (Bulk bulk : List.<Bulk>of(
                operations -> {
                    throw new StackOverflowError();
                },
                operations -> null,
                operations -> List.of(),
                operations -> {
                    List<OffloadResult> nulls = new ArrayList<>();
                    operations.forEach(operation -> nulls.add(null));
                    return nulls;
                },
                operations -> operations.stream()
                        .<OffloadResult>map(o -> new OffloadResult.LastUsed(1))
                        .toList())) {
            enable(new BulkProvider(bulk), beta);
            long id = commit(7);
            dispatcher.drain();
            assertThat(dispatcher.offloadStates(id).getFirst().state()).isEqualTo(OffloadState.FAILED);
            assertThat(beta.held()).containsExactly(id);
            tracker.flush(null, clock.nowNs());
            dispatcher.drain();
        }
    }

    @Test
    void aBatchHasAtMostOneOperationPerConnectionAndIsBounded() {
        List<Integer> lengths = new ArrayList<>();
        enable(new BulkProvider(operations -> {
            lengths.add(operations.size());
            assertThat(operations.stream()
                            .map(o -> ((OffloadOperation.OfConnection) o)
                                    .connection()
                                    .id())
                            .distinct()
                            .count())
                    .isEqualTo(operations.size());
            return new ScriptedBulk().operate(operations);
        }));
        for (int i = 0; i < 1000; i++) {
            tracker.reply(commit(i), 2, clock.nowNs());
        }
        dispatcher.drain();
        assertThat(lengths).isNotEmpty().allMatch(length -> length <= Shard.BATCH_LENGTH);
        assertThat(dispatcher.show()).contains("established: 1000 ok");
    }

    @Test
    void aProviderMayDeclineAtTheAddToo() {
        enable(new BulkProvider(operations -> operations.stream()
                .<OffloadResult>map(
                        o -> o instanceof OffloadOperation.Query ? OffloadResult.ACCEPT : Verdict.decline("table full"))
                .toList()));
        long id = commit(7);
        dispatcher.drain();
        assertThat(dispatcher.offloadStates(id)).hasToString("[bulk:declined(table full)]");
    }

    @Test
    void aTapSeesEveryEventWithPortsAndResult() {
        List<String> seen = new ArrayList<>();
        dispatcher.addEventTap(event -> seen.add(event.toString()));
        dispatcher.addEventTap(event -> {
            throw new IllegalStateException("a bad tap");
        });
        enable(alpha);
        tracker.reply(commit(7), 2, clock.nowNs());
        dispatcher.drain();
        String tuples = " udp,orig=(src=10.0.0.1,dst=10.0.0.2,sport=7,dport=53),"
                + "reply=(src=10.0.0.2,dst=10.0.0.1,sport=53,dport=7) -> ";
        assertThat(seen)
                .containsExactly(
                        "alpha query in=p1(1)" + tuples + "accepted",
                        "alpha add in=p1(1)" + tuples + "ok",
                        "alpha established in=p1(1) reply=p2(2)" + tuples + "ok");
    }

    @Test
    void onOffOnAnnouncesAnewEachTime() {
        long id = commit(7);
        for (int i = 0; i < 5; i++) {
            dispatcher.enable(List.of(alpha));
            dispatcher.drain();
            assertThat(alpha.held()).containsExactly(id);
            dispatcher.disable();
            assertThat(alpha.heard())
                    .containsExactly("init", "query 7", "add 7 in=1", "del 7 provider leaving", "close");
        }
    }

    private String connectionLines() {
        StringBuilder text = new StringBuilder();
        ConnectionLines lines = dispatcher.connectionLines();
        while (lines.next(text, 1)) {
            assertThat(text).isNotNull();
        }
        return text.toString();
    }

    @Test
    void showTellsProvidersCountsAndConnections() {
        alpha.verdict = connection -> Verdict.decline("alg");
        enable(alpha, beta);
        tracker.reply(commit(7), 2, clock.nowNs());
        dispatcher.drain();
        assertThat(connectionLines()).isEqualTo("""
            hw-offload: enabled
            implausible last-used answers: 0
            provider alpha: priority 100, ready
              breaker: closed
              connections: 1 followed, 0 held
              queue: 0 waiting, the first for 0.000 ms, 0 refused as full
              never announced: 0
              calls: 1, 0 given up
              call length: p50 1, p99 1, max 1
              call time: p50 0.000 ms, p99 0.000 ms, max 0.000 ms
              waiting time: p50 0.000 ms, p99 0.000 ms, max 0.000 ms
              query: 0 ok, 1 declined
              add: 0 ok
              established: 0 ok
              changed: 0 ok
              update: 0 ok
              delete: 0 ok
              flush: 0 ok
            provider beta: priority 100, ready
              breaker: closed
              connections: 1 followed, 1 held
              queue: 0 waiting, the first for 0.000 ms, 0 refused as full
              never announced: 0
              calls: 3, 0 given up
              call length: p50 1, p99 1, max 1
              call time: p50 0.000 ms, p99 0.000 ms, max 0.000 ms
              waiting time: p50 0.000 ms, p99 0.000 ms, max 0.000 ms
              query: 1 ok
              add: 1 ok
              established: 1 ok
              changed: 0 ok
              update: 0 ok
              delete: 0 ok
              flush: 0 ok
            connections:
              udp,orig=(src=10.0.0.1,dst=10.0.0.2,sport=7,dport=53),reply=(src=10.0.0.2,dst=10.0.0.1,sport=53,dport=7) \
            alpha:declined(alg) beta:established
            """);
        dispatcher.disable();
        assertThat(dispatcher.show()).isEqualTo("""
            hw-offload: disabled
            provider alpha: priority 100, closed
            provider beta: priority 100, closed
            """);
    }

    @Test
    void threadsAreOneToTen() {
        assertThatThrownBy(() -> dispatcher.setThreads(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> dispatcher.setThreads(11)).isInstanceOf(IllegalArgumentException.class);
    }

    private interface Bulk {
        List<OffloadResult> operate(List<OffloadOperation> operations);
    }

    private static final class ScriptedBulk implements Bulk {
        @Override
        public List<OffloadResult> operate(List<OffloadOperation> operations) {
            return operations.stream()
                    .<OffloadResult>map(operation -> switch (operation) {
                        case OffloadOperation.Query q -> OffloadResult.ACCEPT;
                        case OffloadOperation.Add a -> OffloadResult.DONE;
                        case OffloadOperation.Established e -> new OffloadResult.Covered(true);
                        case OffloadOperation.Changed c -> OffloadResult.DONE;
                        case OffloadOperation.Update u -> new OffloadResult.LastUsed(0);
                        case OffloadOperation.Delete d -> OffloadResult.DONE;
                        case OffloadOperation.PathPut p -> OffloadResult.ACCEPT;
                        case OffloadOperation.PathDel p -> OffloadResult.Carried.UNKNOWN;
                        case OffloadOperation.PathStats p -> OffloadResult.Carried.UNKNOWN;
                        case OffloadOperation.Flush f -> OffloadResult.ONE_BY_ONE;
                    })
                    .toList();
        }
    }

    /** Overrides the bulk interface, so that the single callbacks must never come. */
    private record BulkProvider(Bulk bulk) implements OffloadProvider {
        @Override
        public String name() {
            return "bulk";
        }

        @Override
        public List<OffloadResult> operate(List<OffloadOperation> operations) {
            return bulk.operate(operations);
        }

        @Override
        public Verdict connAdd(ConnView connection) {
            throw new AssertionError("single callback");
        }

        @Override
        public boolean connEstablished(ConnView connection, PortRef reply) {
            throw new AssertionError("single callback");
        }

        @Override
        public long connUpdate(ConnView connection) {
            throw new AssertionError("single callback");
        }

        @Override
        public void connDel(ConnView connection, DelReason reason) {
            throw new AssertionError("single callback");
        }
    }
}
