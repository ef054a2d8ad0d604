package io.turnstile.offload;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.ConnectionListener.RemovalReason;
import io.turnstile.time.ManualClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** What the switch decides before a provider is asked, and live changes of who is asked. */
class OfferPolicyTest {
    private static final int QUEUE = 10;
    private static final LaneLimits SHORT_QUEUE = new LaneLimits(
            QUEUE,
            LaneLimits.DEFAULTS.slowCallNs(),
            3,
            LaneLimits.DEFAULTS.hungCallNs(),
            16,
            8,
            Duration.ofSeconds(1).toNanos(),
            Duration.ofSeconds(60).toNanos(),
            LaneLimits.DEFAULTS.provedNs(),
            LaneLimits.DEFAULTS.hungStartNs(),
            LaneLimits.DEFAULTS.deferredNs(),
            0);

    private final ManualClock clock = new ManualClock(0, 1_700_000_000_000L);
    private final FakeTracker tracker = new FakeTracker(500);
    private final OffloadDispatcher dispatcher = new OffloadDispatcher(
            new DispatcherContext(
                    tracker,
                    clock,
                    PortDirectory.named(port -> "p" + port),
                    false,
                    CountingLaneMetrics.factory(),
                    LoggerFactory.getLogger(OfferPolicyTest.class)),
            SHORT_QUEUE);
    private final ScriptedProvider alpha = new ScriptedProvider("alpha");
    private final ScriptedProvider beta = new ScriptedProvider("beta");

    @AfterEach
    void historiesWereLegalAndNothingIsHeld() {
        dispatcher.disable();
        assertThat(alpha.faults()).isEmpty();
        assertThat(beta.faults()).isEmpty();
        assertThat(tracker.heldSlots()).isZero();
    }

    private void enable(ScriptedProvider... providers) {
        dispatcher.enable(List.of(providers));
        dispatcher.drain();
        alpha.heard();
        beta.heard();
    }

    private long commit(int number, int port) {
        return tracker.commit(number, port, clock.nowNs());
    }

    private static Map<Long, PriorityList> port(int number, String list) {
        return Map.of(number + 1L, PriorityList.parse(list));
    }

    private void rule(Map<Long, PriorityList> lists) {
        dispatcher.setPortPriorities(lists);
        dispatcher.drain();
    }

    private String states(long id) {
        return dispatcher.offloadStates(id).toString();
    }

    @Test
    void aControlConnectionIsOfferedToNobody() {
        enable(alpha, beta);
        tracker.helperOfNext = true;
        long control = commit(21, 1);
        long data = commit(20, 1);
        tracker.reply(control, 2, clock.nowNs());
        dispatcher.drain();
        assertThat(states(control))
                .isEqualTo("[alpha:declined(alg control connection), beta:declined(alg control connection)]");
        assertThat(dispatcher.why(control)).isEqualTo("""
                declined by alpha: alg control connection
                declined by beta: alg control connection
                """);
        assertThat(alpha.held()).containsExactly(data);
        tracker.remove(control, RemovalReason.EXPIRED, clock.nowNs());
        dispatcher.drain();
        assertThat(tracker.heldSlots()).isZero();
    }

    @Test
    void anInterfaceMayKeepItsConnectionsFromAProvider() {
        enable(alpha, beta);
        rule(port(1, "beta,none"));
        long one = commit(7, 1);
        long other = commit(8, 2);
        dispatcher.drain();
        assertThat(states(one)).isEqualTo("[alpha:refused(port excluded), beta:added]");
        assertThat(dispatcher.why(one)).startsWith("not offered to alpha: port excluded\n");
        assertThat(alpha.held()).containsExactly(other);
        rule(Map.of());
        assertThat(alpha.held()).containsExactlyInAnyOrder(one, other);
    }

    @Test
    void theRepliesPortCountsToo() {
        enable(alpha);
        rule(port(2, "none"));
        long id = commit(7, 1);
        dispatcher.drain();
        assertThat(alpha.held()).containsExactly(id);
        tracker.reply(id, 2, clock.nowNs());
        dispatcher.drain();
        assertThat(alpha.heard()).containsExactly("query 7", "add 7 in=1", "del 7 port excluded");
        assertThat(states(id)).isEqualTo("[alpha:refused(port excluded)]");
        assertThat(tracker.unheld).contains(id);
    }

    @Test
    void aListThatChangesTakesBackAndOffersAgain() {
        enable(alpha, beta);
        long id = commit(7, 1);
        tracker.reply(id, 2, clock.nowNs());
        dispatcher.drain();
        alpha.heard();
        beta.heard();
        rule(port(1, "beta,none"));
        assertThat(alpha.heard()).containsExactly("del 7 port excluded");
        rule(port(1, "beta"));
        assertThat(beta.heard()).isEmpty();
        assertThat(states(id)).isEqualTo("[alpha:established, beta:established]");
    }

    @Test
    void whoComesWhileTooManyWaitIsRefusedAndOfferedWhenThereIsRoom() {
        enable(alpha);
        List<Long> ids = new ArrayList<>();
        for (int i = 1; i <= 30; i++) {
            ids.add(commit(i, 1));
        }
        tracker.reply(ids.getLast(), 2, clock.nowNs());
        assertThat(states(ids.getFirst())).isEqualTo("[alpha:none]");
        assertThat(states(ids.getLast())).matches("\\[alpha:refused\\(queue full at \\d\\d:\\d\\d:\\d\\d\\)]");
        assertThat(dispatcher.why(ids.getLast())).startsWith("not offered to alpha: queue full at ");
        assertThat(dispatcher.show()).contains("queue: 10 waiting").contains("20 refused as full");
        tracker.remove(ids.get(25), RemovalReason.FLUSHED, clock.nowNs());
        assertThat(tracker.heldSlots()).as("nobody was told of it").isZero();
        dispatcher.drain();
        assertThat(alpha.held()).isEqualTo(tracker.live()).hasSize(29);
        assertThat(states(ids.getLast())).isEqualTo("[alpha:established]");
    }

    @Test
    void aChangedChoiceTouchesOnlyThoseThatItIsAbout() {
        enable(alpha);
        long id = commit(7, 1);
        dispatcher.drain();
        alpha.heard();
        dispatcher.enable(List.of(beta, alpha));
        dispatcher.drain();
        assertThat(alpha.heard()).isEmpty();
        assertThat(beta.heard()).containsExactly("init", "query 7", "add 7 in=1");
        assertThat(states(id)).isEqualTo("[beta:added, alpha:added]");
        dispatcher.enable(List.of(beta));
        dispatcher.drain();
        assertThat(alpha.heard()).containsExactly("del 7 provider leaving", "close");
        assertThat(beta.heard()).isEmpty();
        assertThat(dispatcher.isInUse(alpha)).isFalse();
        assertThat(dispatcher.isInUse(beta)).isTrue();
        dispatcher.enable(List.of());
        assertThat(dispatcher.isEnabled()).isTrue();
        assertThat(dispatcher.why(id)).isEqualTo("there is no offload provider\n");
    }
}
