package io.turnstile.offload;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.ConnectionListener;
import io.turnstile.conntrack.ConnectionListener.RemovalReason;
import io.turnstile.offload.spi.OfferMoment;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.Verdict;
import io.turnstile.time.ManualClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a provider is told besides the connections' coming and going: changes, ports, settings; and what it tells. */
class ProviderNewsTest {
    private final ManualClock clock = new ManualClock(0, 1_700_000_000_000L);
    private final FakeTracker tracker = new FakeTracker(500);
    private final Ports ports = new Ports();
    private final OffloadDispatcher dispatcher = OffloadDispatcher.drainedByCaller(tracker, clock, ports);
    private final ScriptedProvider alpha = new ScriptedProvider("alpha");
    private final ScriptedProvider alphaPlus = new ScriptedProvider("alpha-plus");

    private static final class Ports implements PortDirectory {
        private final Map<Integer, PortRef> present = new TreeMap<>();

        @Override
        public PortRef port(int portNumber) {
            return present.getOrDefault(portNumber, PortRef.GONE);
        }

        @Override
        public List<PortRef> ports() {
            return List.copyOf(present.values());
        }

        private void put(long id, int number, String name, int mtu) {
            present.put(number, new PortRef(id, number, name, "br0", number, "dummy", 0, 0, mtu));
        }
    }

    @AfterEach
    void historiesWereLegal() {
        dispatcher.disable();
        assertThat(alpha.faults()).isEmpty();
        assertThat(tracker.faults).isEmpty();
        assertThat(tracker.heldSlots()).isZero();
    }

    /** The connection that a script tells of. */
    private volatile long held;

    private void enable() {
        ports.put(101, 1, "p1", 1500);
        ports.put(102, 2, "p2", 1500);
        dispatcher.enable(List.of(alpha));
        dispatcher.drain();
    }

    private long commit() {
        long id = tracker.commit(7, 1, clock.nowNs());
        dispatcher.drain();
        alpha.heard();
        return id;
    }

    private List<String> heard() {
        dispatcher.drain();
        return alpha.heard();
    }

    // ---- changes ----

    @Test
    void aMarkWrittenLaterIsTold() {
        enable();
        long id = commit();
        tracker.mark(id, 5, clock.nowNs());
        assertThat(heard()).containsExactly("changed 7 [mark] mark=5");
        tracker.mark(id, 5, clock.nowNs());
        assertThat(heard()).isEmpty();
    }

    @Test
    void changesCoalesceIntoTheNewest() {
        enable();
        long id = commit();
        tracker.mark(id, 5, clock.nowNs());
        tracker.mark(id, 6, clock.nowNs());
        dispatcher.onChanged(id, ConnectionListener.LABEL_CHANGED | ConnectionListener.TCP_CHANGED, clock.nowNs());
        assertThat(heard()).containsExactly("changed 7 [mark, label, tcp] mark=6");
    }

    @Test
    void changesBeforeTheAddAreInWhatTheAddShows() {
        enable();
        long id = tracker.commit(7, 1, clock.nowNs());
        tracker.mark(id, 5, clock.nowNs());
        assertThat(heard()).endsWith("query 7", "add 7 in=1");
    }

    @Test
    void whatChangesWhileTheProviderIsAskedIsInWhatTheAddShows() {
        List<Integer> marks = new ArrayList<>();
        alpha.verdict = c -> {
            tracker.mark(c.id(), 5, clock.nowNs());
            return Verdict.accept();
        };
        alpha.addVerdict = c -> {
            marks.add(c.mark());
            return Verdict.accept();
        };
        enable();
        commit();
        assertThat(marks).containsExactly(5);
    }

    @Test
    void aThrowAtAChangeTakesTheConnectionBack() {
        enable();
        long id = commit();
        alpha.fails("changed"::equals);
        tracker.mark(id, 5, clock.nowNs());
        assertThat(heard()).endsWith("changed 7 [mark] mark=5", "del 7 provider failed");
    }

    // ---- established only ----

    @Test
    void whoWantsEstablishedOnesOnlyHearsOfNothingBefore() {
        alpha.offeredFrom = OfferMoment.ESTABLISHED;
        enable();
        alpha.heard();
        long id = tracker.commit(7, 1, clock.nowNs());
        tracker.commit(8, 1, clock.nowNs());
        assertThat(heard()).isEmpty();
        assertThat(dispatcher.offloadStates(id)).hasToString("[alpha:none]");
        tracker.reply(id, 2, clock.nowNs());
        assertThat(heard()).containsExactly("query 7", "add 7 in=1", "established 7 in=1 reply=2");
        tracker.reply(id, 2, clock.nowNs());
        assertThat(heard()).isEmpty();
    }

    @Test
    void whatWasEstablishedBeforeItCameUpIsOfferedAtOnce() {
        long id = tracker.commit(7, 1, clock.nowNs());
        tracker.commit(8, 1, clock.nowNs());
        tracker.reply(id, 2, clock.nowNs());
        alpha.offeredFrom = OfferMoment.ESTABLISHED;
        enable();
        assertThat(heard()).endsWith("query 7", "add 7 in=1", "established 7 in=1 reply=2");
    }

    @Test
    void whatEndsBeforeItIsEstablishedIsNeverAnnounced() {
        alpha.offeredFrom = OfferMoment.ESTABLISHED;
        enable();
        alpha.heard();
        long id = tracker.commit(7, 1, clock.nowNs());
        dispatcher.drain();
        tracker.remove(id, RemovalReason.EXPIRED, clock.nowNs());
        assertThat(heard()).isEmpty();
        assertThat(tracker.heldSlots()).isZero();
    }

    // ---- lasting only ----

    private static final Duration ROUND = Duration.ofMillis(100);

    private List<String> heardAfterARound() {
        clock.advance(ROUND);
        return heard();
    }

    private long establish() {
        long id = tracker.commit(7, 1, clock.nowNs());
        tracker.reply(id, 2, clock.nowNs());
        return id;
    }

    @Test
    void whoWantsLastingOnesOnlyHearsOfThemWhenTwoRoundsHaveMetThem() {
        alpha.offeredFrom = OfferMoment.LASTING;
        enable();
        alpha.heard();
        long id = establish();
        assertThat(heard()).isEmpty();
        assertThat(heardAfterARound()).isEmpty();
        assertThat(dispatcher.offloadStates(id)).hasToString("[alpha:none]");
        assertThat(heardAfterARound()).containsExactly("query 7", "add 7 in=1", "established 7 in=1 reply=2");
        assertThat(heardAfterARound()).isEmpty();
    }

    @Test
    void ofWhatDoesNotLastAProviderThatWantsLastingOnesNeverHears() {
        alpha.offeredFrom = OfferMoment.LASTING;
        enable();
        alpha.heard();
        long id = establish();
        assertThat(heardAfterARound()).isEmpty();
        tracker.remove(id, RemovalReason.EXPIRED, clock.nowNs());
        assertThat(heardAfterARound()).isEmpty();
        assertThat(tracker.heldSlots()).isZero();
        // Nor is the next one in its slot offered before its own time.
        establish();
        assertThat(heardAfterARound()).isEmpty();
        assertThat(heardAfterARound()).startsWith("query 7");
    }

    @Test
    void whatIsNotEstablishedIsNotLasting() {
        alpha.offeredFrom = OfferMoment.LASTING;
        enable();
        alpha.heard();
        tracker.commit(7, 1, clock.nowNs());
        assertThat(heardAfterARound()).isEmpty();
        assertThat(heardAfterARound()).isEmpty();
        assertThat(heardAfterARound()).isEmpty();
    }

    @Test
    void whatWasEstablishedBeforeItCameUpHasLasted() {
        establish();
        alpha.offeredFrom = OfferMoment.LASTING;
        enable();
        assertThat(heard()).endsWith("query 7", "add 7 in=1", "established 7 in=1 reply=2");
    }

    @Test
    void aProviderThatLeavesIsNotOfferedWhatHasYetToLast() {
        alpha.offeredFrom = OfferMoment.LASTING;
        enable();
        establish();
        assertThat(heardAfterARound()).doesNotContain("query 7");
        dispatcher.disable();
        assertThat(heardAfterARound()).doesNotContain("query 7");
    }

    // ---- ports ----

    @Test
    void portsAreToldAsTheyComeChangeAndGo() {
        enable();
        assertThat(heard()).containsExactly("init", "port+ p1(1)", "port+ p2(2)");
        ports.put(103, 3, "p3", 1500);
        ports.put(102, 2, "p2", 9000);
        dispatcher.portsChanged();
        assertThat(heard()).containsExactlyInAnyOrder("port+ p3(3)", "port= p2(2)");
        ports.put(104, 3, "q3", 1500); // the number is another port's now
        dispatcher.portsChanged();
        assertThat(heard()).containsExactly("port- p3(3)", "port+ q3(3)");
        dispatcher.portsChanged();
        assertThat(heard()).isEmpty();
    }

    @Test
    void aThrowAboutAPortIsContained() {
        alpha.fails(event -> event.startsWith("port"));
        enable();
        commit();
        assertThat(alpha.held()).hasSize(1);
        assertThat(dispatcher.failures()).singleElement().asString().contains("2 x alpha: portAdded failed: ");
    }

    @Test
    void connectionsWhosePortIsGoneAreTakenBackAndOfferedAgainWhenTheyHaveOne() {
        enable();
        long id = commit();
        ports.present.remove(1);
        tracker.forgetPorts(port -> port == 1);
        assertThat(heard()).containsExactly("del 7 port gone");
        assertThat(dispatcher.why(id)).isEqualTo("not offered to alpha: port gone\n");
        tracker.movePort(id, 2, clock.nowNs());
        assertThat(heard()).containsExactly("query 7", "add 7 in=2");
    }

    @Test
    void anExclusionFollowsThePortNotItsNumber() {
        enable();
        dispatcher.setPortPriorities(Map.of(101L, PriorityList.parse("none")));
        long excluded = tracker.commit(7, 1, clock.nowNs());
        dispatcher.drain();
        assertThat(dispatcher.offloadStates(excluded)).hasToString("[alpha:refused(port excluded)]");
        ports.put(105, 1, "q1", 1500);
        long other = tracker.commit(8, 1, clock.nowNs());
        dispatcher.drain();
        assertThat(dispatcher.offloadStates(other)).hasToString("[alpha:added]");
    }

    @Test
    void anExcludedConnectionIsReportedOnceHoweverManyRepliesThereAre() {
        enable();
        dispatcher.setPortPriorities(Map.of(101L, PriorityList.parse("none")));
        long id = tracker.commit(7, 1, clock.nowNs());
        dispatcher.drain();
        for (int i = 0; i < 5; i++) {
            tracker.reply(id, 2, clock.nowNs());
            dispatcher.drain();
        }
        assertThat(tracker.reports(id)).isOne();
        dispatcher.setPortPriorities(Map.of());
        assertThat(heard()).endsWith("query 7", "add 7 in=1", "established 7 in=1 reply=2");
    }

    // ---- settings, numbers, what was carried ----

    @Test
    void eachHasItsPartOfTheSettingsLive() {
        dispatcher.setProviderSettings(Map.of(
                "offload-alpha-depth", "64",
                "offload-alpha-plus-depth", "8",
                "offload-other-depth", "1",
                "hw-offload", "true"));
        dispatcher.enable(List.of(alpha, alphaPlus));
        dispatcher.drain();
        assertThat(alpha.context.settings()).isEqualTo(Map.of("depth", "64"));
        assertThat(alphaPlus.context.settings()).isEqualTo(Map.of("depth", "8"));
        alpha.heard();
        alphaPlus.heard();
        dispatcher.setProviderSettings(Map.of("offload-alpha-depth", "128", "offload-alpha-plus-depth", "8"));
        assertThat(heard()).containsExactly("settings {depth=128}");
        assertThat(alphaPlus.heard()).isEmpty();
        assertThat(alpha.context.settings()).isEqualTo(Map.of("depth", "128"));
    }

    @Test
    void numbersOfItsOwnAreShownAndOutliveASession() {
        enable();
        alpha.context.counter("evictions", "rules that the card threw out").add(3);
        alpha.context.counter("evictions", "said again").add(-5);
        alpha.context.gauge("fill", "part of the table in use").set(0.25);
        dispatcher.disable();
        enable();
        alpha.context.counter("evictions", "again").add(1);
        assertThat(dispatcher.show()).contains("  evictions: 4\n", "  fill: 0.25\n");
    }

    @Test
    void numbersAreBoundedAndMalformedNamesAreNotShown() {
        enable();
        alpha.context.counter("Bad name\n", "x").add(1);
        for (int i = 0; i < 2 * ProviderNumbers.CAPACITY; i++) {
            alpha.context.counter("n" + i, "x").add(1);
        }
        assertThat(dispatcher.show())
                .doesNotContain("Bad name")
                .contains("  n63: 1\n", "  (some are not shown: a malformed name, or more than 64)\n")
                .doesNotContain("n64");
    }

    @Test
    void aGaugeMayHaveACountersName() {
        enable();
        alpha.context.counter("fill", "rules put in").add(3);
        alpha.context.gauge("fill", "part of the table in use").set(0.25);
        assertThat(dispatcher.show()).contains("  fill: 3\n", "  fill (gauge): 0.25\n");
    }

    @Test
    void whatItSaysItCarriedExtendsTheDeadlineAndIsCounted() {
        enable();
        long id = commit();
        clock.advance(Duration.ofSeconds(20));
        alpha.context.used(id, clock.wallMs() - 1000, 10, 1500);
        alpha.context.used(id, 0, -1, -1);
        assertThat(tracker.timeLeftNs(id, clock.nowNs()))
                .isEqualTo(FakeTracker.TIMEOUT.minusSeconds(1).toNanos());
        assertThat(dispatcher.show()).contains("carried: 10 packets, 1500 bytes");
    }

    @Test
    void whatItDoesNotHoldItCannotKeepAlive() {
        alpha.verdict = c -> Verdict.decline("no");
        enable();
        long id = commit();
        clock.advance(Duration.ofSeconds(20));
        alpha.context.used(id, clock.wallMs(), 1, 1);
        assertThat(tracker.timeLeftNs(id, clock.nowNs()))
                .isEqualTo(FakeTracker.TIMEOUT.minusSeconds(20).toNanos());
    }

    @Test
    void whatItDoesNotHoldItHasNotCarried() {
        alpha.verdict = c -> Verdict.decline("no");
        enable();
        long declined = commit();
        alpha.context.used(declined, clock.wallMs(), 10, 1500);
        alpha.context.used(declined + 1, clock.wallMs(), 10, 1500);
        alpha.context.used(-1, 0, 10, 1500);
        assertThat(dispatcher.show()).doesNotContain("1500 bytes");
    }

    @Test
    void whatItTellsOfWhileItLetsGoStillCounts() {
        alpha.journal = event -> {
            if (event.equals("alpha del")) {
                alpha.context.used(held, 0, 10, 1500);
            }
        };
        enable();
        held = commit();
        tracker.flush(null, clock.nowNs());
        dispatcher.drain();
        alpha.context.used(held, 0, 1, 1);
        assertThat(dispatcher.show()).contains("carried: 10 packets, 1500 bytes");
    }

    @Test
    void holdsAtTheTrackerAreAsManyAsProvidersThatHoldIt() {
        enable();
        dispatcher.enable(List.of(alpha, alphaPlus));
        long id = commit();
        assertThat(tracker.holds(id)).isEqualTo(2);
        dispatcher.enable(List.of(alphaPlus));
        dispatcher.drain();
        assertThat(tracker.holds(id)).isOne();
        assertThat(tracker.unheld).containsExactly(id);
        dispatcher.disable();
        assertThat(tracker.holds(id)).isZero();
    }
}
