package io.turnstile.offload;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.turnstile.conntrack.ConnectionListener;
import io.turnstile.conntrack.ConnectionListener.RemovalReason;
import io.turnstile.offload.conformance.IdleProvider;
import io.turnstile.offload.spi.Direction;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.PathEnd;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.ProviderContext;
import io.turnstile.offload.spi.TupleView;
import io.turnstile.offload.spi.Verdict;
import io.turnstile.time.ManualClock;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** What becomes of a path in the book, step by step, in a dispatcher without threads. */
class CarriedPathsTest {
    private static final long SECOND_NS = TimeUnit.SECONDS.toNanos(1);
    private static final TupleView TUPLE = new TupleView(false, 17, 0, 1, 0, 2, 1000, 53, 0, 0, 0);

    private final ManualClock clock = new ManualClock(Long.MAX_VALUE - SECOND_NS, 1_700_000_000_000L);
    private final FakeTracker tracker = new FakeTracker(64);
    private final OffloadDispatcher dispatcher =
            OffloadDispatcher.drainedByCaller(tracker, clock, PortDirectory.named(number -> "p" + number));
    private final PathBook book = dispatcher.paths();

    /** Whoever offers paths here. */
    private static final class User implements PathUser {
        boolean current = true;
        int asked;
        int ended;
        long packets;
        long bytes;
        long lastUsedNs;

        @Override
        public boolean isCurrent() {
            asked++;
            return current;
        }

        @Override
        public void carried(long morePackets, long moreBytes, long usedNs) {
            assertThat(ended).as("carried after the end").isZero();
            packets += morePackets;
            bytes += moreBytes;
            lastUsedNs = usedNs;
        }

        @Override
        public void ended() {
            ended++;
        }
    }

    /** A provider that carries and answers paths as it is told. */
    private static final class Carrier extends IdleProvider {
        final List<String> heard = new ArrayList<>();
        Function<OffloadOperation, OffloadResult> paths = operation -> operation instanceof OffloadOperation.PathPut
                ? OffloadResult.ACCEPT
                : new OffloadResult.Carried(0, 1, 100);
        ProviderContext context;
        boolean hearsAdds;

        Carrier(String name) {
            super(name);
        }

        @Override
        public void init(ProviderContext given) {
            context = given;
        }

        @Override
        public boolean carries() {
            return true;
        }

        @Override
        public List<OffloadResult> operate(List<OffloadOperation> operations) {
            return operations.stream().map(this::one).toList();
        }

        private OffloadResult one(OffloadOperation operation) {
            return switch (operation) {
                case OffloadOperation.PathPut put -> {
                    heard.add("put " + put.path().direction());
                    yield paths.apply(operation);
                }
                case OffloadOperation.PathDel del -> {
                    heard.add("del " + del.path().direction() + " " + del.reason());
                    yield paths.apply(operation);
                }
                case OffloadOperation.PathStats stats -> {
                    heard.add("stats " + stats.path().direction());
                    yield paths.apply(operation);
                }
                case OffloadOperation.Delete delete -> {
                    heard.add("connDel");
                    yield OffloadResult.DONE;
                }
                case OffloadOperation.Add add -> {
                    if (hearsAdds) {
                        heard.add("add");
                    }
                    yield OffloadResult.DONE;
                }
                default -> BulkProvider.agreeing(operation);
            };
        }
    }

    private long established(int number) {
        long id = tracker.commit(0, number, number, false, 1, clock.nowNs());
        tracker.reply(id, 2, clock.nowNs());
        dispatcher.drain();
        tracker.reply(id, 2, clock.nowNs());
        dispatcher.drain();
        return id;
    }

    private PathHandle offer(User user, Direction direction, Long... connections) {
        assertThat(book.wants(connections[0], direction == Direction.REPLY)).isTrue();
        assertThat(book.claim(connections[0], direction == Direction.REPLY)).isTrue();
        assertThat(book.claim(connections[0], direction == Direction.REPLY)).isFalse();
        return book.offer(new PathOffer(
                List.of(connections),
                direction,
                new PortRef(1, "p1"),
                TUPLE,
                List.of(),
                new PortRef(2, "p2"),
                TUPLE,
                List.of(),
                user));
    }

    private String state(long id, Direction direction) {
        return book.states(id).stream()
                .filter(state -> state.direction() == direction)
                .map(state -> (state.state() + " " + state.provider() + " " + state.reason()).strip())
                .findFirst()
                .orElse("nobody's");
    }

    @Test
    void nothingIsWantedUnlessSomebodyWhoCarriesHoldsBothDirections() {
        dispatcher.enable(List.of(new BulkProvider("idle", BulkProvider::agreeing)));
        long before = established(1);
        assertThat(book.isAsked()).isFalse();
        assertThat(book.wants(before, false)).isFalse();
        Carrier carrier = new Carrier("carrier");
        dispatcher.enable(List.of(carrier));
        dispatcher.drain();
        assertThat(book.isAsked()).isTrue();
        assertThat(book.wants(before, false)).isTrue();
        assertThat(book.wants(before, true)).isTrue();
        dispatcher.disable();
        assertThat(book.isAsked()).isFalse();
        assertThat(book.wants(before, false)).isFalse();
    }

    @Test
    void aPathIsPutCountedAndTakenBackOnce() {
        Carrier carrier = new Carrier("carrier");
        dispatcher.enable(List.of(carrier));
        long id = established(1);
        User user = new User();
        PathHandle path = offer(user, Direction.ORIGINAL, id);
        assertThat(tracker.holds(id)).isEqualTo(2);
        assertThat(state(id, Direction.ORIGINAL)).isEqualTo("offered carrier");
        dispatcher.drain();
        assertThat(carrier.heard).containsExactly("put original");
        assertThat(state(id, Direction.ORIGINAL)).isEqualTo("carried carrier");
        assertThat(state(id, Direction.REPLY)).isEqualTo("wanted");
        assertThat(book.totals().carried()).isEqualTo(1);
        assertThat(book.wants(id, false)).isFalse();

        path.withdraw(PathEnd.RULES_CHANGED);
        path.withdraw(PathEnd.GUARD_FAILED);
        assertThat(state(id, Direction.ORIGINAL)).isEqualTo("ending carrier rules changed");
        assertThat(book.awaitOver(List.of(path), 0)).isTrue();
        assertThat(carrier.heard).containsExactly("put original", "del original rules changed");
        assertThat(user.ended).isEqualTo(1);
        assertThat(user.packets).isEqualTo(1);
        assertThat(book.totals()).isEqualTo(new PathBook.Totals(0, 1, 100));
        assertThat(tracker.holds(id)).isEqualTo(1);
        assertThat(book.wants(id, false)).isTrue();
    }

    @Test
    void theFirstThatAcceptsCarriesInTheOrderOfPriority() {
        Carrier first = new Carrier("first");
        Carrier second = new Carrier("second");
        first.paths = operation -> Verdict.decline("no such guard");
        dispatcher.enable(List.of(first, second));
        long id = established(1);
        User user = new User();
        offer(user, Direction.ORIGINAL, id);
        dispatcher.drain();
        assertThat(first.heard).containsExactly("put original");
        assertThat(state(id, Direction.ORIGINAL)).isEqualTo("carried second");
    }

    @Test
    void whatAllDeclineIsWantedAgainWhenTheConnectionHasChanged() {
        Carrier carrier = new Carrier("carrier");
        carrier.paths = operation -> Verdict.decline("no such guard");
        dispatcher.enable(List.of(carrier));
        long id = established(1);
        User user = new User();
        PathHandle path = offer(user, Direction.REPLY, id);
        dispatcher.drain();
        assertThat(path.isOver()).isTrue();
        assertThat(user.ended).isEqualTo(1);
        assertThat(state(id, Direction.REPLY)).isEqualTo("not carried  no such guard");
        clock.advance(Duration.ofHours(1));
        dispatcher.drain();
        assertThat(book.wants(id, true)).isFalse();
        assertThat(tracker.holds(id)).isEqualTo(1);
        tracker.mark(id, 7, clock.nowNs());
        assertThat(book.wants(id, true)).isTrue();
        offer(user, Direction.REPLY, id);
        dispatcher.drain();
        assertThat(carrier.heard).containsExactly("put reply", "put reply");
    }

    @Test
    void whatIsToldLaterIsWantedAgainAfterAPauseThatGrowsOrWhenThereIsRoom() {
        Carrier carrier = new Carrier("carrier");
        carrier.paths = operation -> Verdict.later("full");
        dispatcher.enable(List.of(carrier));
        long id = established(1);
        offer(new User(), Direction.ORIGINAL, id);
        dispatcher.drain();
        assertThat(state(id, Direction.ORIGINAL)).isEqualTo("not carried  full");
        assertThat(book.wants(id, false)).isFalse();
        clock.advance(Duration.ofSeconds(1));
        dispatcher.drain();
        assertThat(book.wants(id, false)).isTrue();
        offer(new User(), Direction.ORIGINAL, id);
        dispatcher.drain();
        clock.advance(Duration.ofSeconds(1));
        dispatcher.drain();
        assertThat(book.wants(id, false)).as("after the first pause again").isFalse();
        carrier.context.room();
        dispatcher.drain();
        assertThat(book.wants(id, false)).isTrue();
    }

    @Test
    void whatIsRefusedForNowIsWantedAgainAndWhatIsRefusedForGoodIsNot() {
        dispatcher.enable(List.of(new Carrier("carrier")));
        long id = established(1);
        assertThat(book.claim(id, false)).isTrue();
        assertThat(book.claim(id, true)).isTrue();
        book.refuse(id, Direction.ORIGINAL, "fragments", true);
        book.refuse(id, Direction.REPLY, "meter", false);
        assertThat(state(id, Direction.ORIGINAL)).isEqualTo("not carried  fragments");
        assertThat(state(id, Direction.REPLY)).isEqualTo("not carried  meter");
        clock.advance(Duration.ofSeconds(1));
        dispatcher.drain();
        assertThat(book.wants(id, false)).isTrue();
        assertThat(book.wants(id, true)).isFalse();
    }

    @Test
    void aPutThatFailsIsTakenBackAtOnceAndTheNextIsAsked() {
        Carrier first = new Carrier("first");
        Carrier second = new Carrier("second");
        first.paths = operation -> new OffloadResult.Failed("broken", null);
        dispatcher.enable(List.of(first, second));
        long id = established(1);
        offer(new User(), Direction.ORIGINAL, id);
        dispatcher.drain();
        assertThat(first.heard).containsExactly("put original", "del original provider failed");
        assertThat(state(id, Direction.ORIGINAL)).isEqualTo("carried second");
        assertThat(dispatcher.failures().toString()).contains("path put").contains("path del");
    }

    @Test
    void anythingThatChangesAboutAConnectionOfThePathEndsIt() {
        Carrier carrier = new Carrier("carrier");
        dispatcher.enable(List.of(carrier));
        long id = established(1);
        long rider = established(2);
        offer(new User(), Direction.ORIGINAL, id, rider);
        dispatcher.drain();
        tracker.mark(rider, 7, clock.nowNs());
        dispatcher.drain();
        assertThat(carrier.heard).containsExactly("put original", "del original connection changed");
        assertThat(book.wants(id, false)).isTrue();

        offer(new User(), Direction.ORIGINAL, id, rider);
        dispatcher.drain();
        dispatcher.onChanged(id, ConnectionListener.TCP_CHANGED, clock.nowNs());
        dispatcher.drain();
        assertThat(carrier.heard).endsWith("put original", "del original connection changed");
        assertThat(book.wants(id, false)).isFalse();
        assertThat(book.wants(id, true)).isFalse();
        assertThat(state(id, Direction.REPLY)).isEqualTo("not carried  tcp is closing");
        assertThat(tracker.holds(rider)).isEqualTo(1);
    }

    @Test
    void aPathIsGivenBackBeforeItsConnectionIs() {
        Carrier carrier = new Carrier("carrier");
        dispatcher.enable(List.of(carrier));
        long id = established(1);
        User user = new User();
        User other = new User();
        offer(user, Direction.ORIGINAL, id);
        offer(other, Direction.REPLY, id);
        dispatcher.drain();
        tracker.remove(id, RemovalReason.FLUSHED, clock.nowNs());
        dispatcher.drain();
        assertThat(carrier.heard)
                .hasSize(5)
                .startsWith("put original", "put reply")
                .endsWith("connDel");
        assertThat(carrier.heard).contains("del original connection leaves", "del reply connection leaves");
        assertThat(user.ended).isEqualTo(1);
        assertThat(other.ended).isEqualTo(1);
        assertThat(tracker.heldSlots()).isZero();
        assertThat(book.states(id)).isEmpty();
    }

    @Test
    void theRemovalOfAConnectionThatMerelyRidesEndsThePath() {
        Carrier carrier = new Carrier("carrier");
        dispatcher.enable(List.of(carrier));
        long id = established(1);
        long rider = established(2);
        PathHandle path = offer(new User(), Direction.ORIGINAL, id, rider);
        dispatcher.drain();
        tracker.remove(rider, RemovalReason.FLUSHED, clock.nowNs());
        dispatcher.drain();
        assertThat(path.isOver()).isTrue();
        assertThat(carrier.heard).contains("del original connection changed");
        assertThat(tracker.heldSlots()).isZero();
    }

    @Test
    void whoCarriesIsAskedBeforeAConnectionThatRidesExpires() {
        Carrier carrier = new Carrier("carrier");
        dispatcher.enable(List.of(carrier));
        long rider = established(2);
        long id = established(1);
        User user = new User();
        offer(user, Direction.ORIGINAL, id, rider);
        dispatcher.drain();
        carrier.paths = operation -> new OffloadResult.Carried(clock.wallMs(), 5, 500);
        clock.advance(Duration.ofNanos(
                Math.max(tracker.timeLeftNs(rider, clock.nowNs()), tracker.timeLeftNs(id, clock.nowNs()))));
        tracker.sweep(clock.nowNs());
        assertThat(tracker.live()).contains(rider, id);
        dispatcher.drain();
        assertThat(carrier.heard).contains("stats original");
        tracker.sweep(clock.nowNs());
        assertThat(tracker.live()).contains(rider, id);
        assertThat(user.packets).isEqualTo(5);
        assertThat(user.lastUsedNs).isEqualTo(clock.nowNs());
        assertThat(tracker.timeLeftNs(rider, clock.nowNs())).isPositive();
    }

    @Test
    void whatAProviderSaysUnaskedCountsOnlyOfWhatItCarries() {
        Carrier carrier = new Carrier("carrier");
        Carrier other = new Carrier("other");
        dispatcher.enable(List.of(carrier, other));
        long id = established(1);
        User user = new User();
        CarriedPath path = (CarriedPath) offer(user, Direction.ORIGINAL, id);
        carrier.context.pathUsed(path.path.id(), clock.wallMs(), 1, 100);
        assertThat(user.packets).as("before the put").isZero();
        dispatcher.drain();
        other.context.pathUsed(path.path.id(), clock.wallMs(), 1, 100);
        assertThat(user.packets).as("from another provider").isZero();
        clock.advance(Duration.ofSeconds(5));
        carrier.context.pathUsed(path.path.id(), clock.wallMs() - 2000, 3, 300);
        assertThat(user.packets).isEqualTo(3);
        assertThat(user.bytes).isEqualTo(300);
        assertThat(user.lastUsedNs).isEqualTo(clock.nowNs() - 2 * SECOND_NS);
        assertThat(book.totals()).isEqualTo(new PathBook.Totals(1, 3, 300));
        carrier.context.pathLost(path.path.id(), "evicted");
        dispatcher.drain();
        assertThat(carrier.heard).containsExactly("put original", "del original lost");
        assertThat(state(id, Direction.ORIGINAL)).isEqualTo("not carried  evicted");
        clock.advance(Duration.ofSeconds(1));
        dispatcher.drain();
        assertThat(book.wants(id, false)).isTrue();
    }

    @Test
    void aWalkThatIsNotCurrentIsNotPut() {
        Carrier carrier = new Carrier("carrier");
        dispatcher.enable(List.of(carrier));
        long id = established(1);
        User user = new User();
        user.current = false;
        assertThat(offer(user, Direction.ORIGINAL, id).isOver()).isTrue();
        user.current = true;
        PathHandle path = offer(user, Direction.ORIGINAL, id);
        user.current = false;
        dispatcher.drain();
        assertThat(path.isOver()).isTrue();
        assertThat(carrier.heard).isEmpty();
        assertThat(user.ended).isEqualTo(2);
        assertThat(book.wants(id, false)).isTrue();
        assertThat(tracker.holds(id)).isEqualTo(1);
    }

    @Test
    void aPathWhosePutIsDeferredIsTakenBackWhenThatIsDone() {
        Carrier carrier = new Carrier("carrier");
        CompletableFuture<OffloadResult> later = new CompletableFuture<>();
        carrier.paths = operation ->
                operation instanceof OffloadOperation.PathPut ? new OffloadResult.Deferred(later) : OffloadResult.DONE;
        dispatcher.enable(List.of(carrier));
        long id = established(1);
        PathHandle path = offer(new User(), Direction.ORIGINAL, id);
        dispatcher.drain();
        path.withdraw(PathEnd.GUARD_FAILED);
        assertThat(book.awaitOver(List.of(path), SECOND_NS)).isFalse();
        assertThat(carrier.heard).containsExactly("put original");
        later.complete(OffloadResult.ACCEPT);
        assertThat(book.awaitOver(List.of(path), SECOND_NS)).isTrue();
        assertThat(carrier.heard).containsExactly("put original", "del original guard failed");
    }

    @Test
    void aWithdrawalOvertakesWhatElseWaits() {
        Carrier carrier = new Carrier("carrier");
        dispatcher.enable(List.of(carrier));
        long id = established(1);
        PathHandle path = offer(new User(), Direction.ORIGINAL, id);
        dispatcher.drain();
        for (int number = 2; number < 60; number++) {
            tracker.commit(0, number, number, false, 1, clock.nowNs());
        }
        path.withdraw(PathEnd.RULES_CHANGED);
        carrier.heard.clear();
        carrier.hearsAdds = true;
        dispatcher.drain();
        assertThat(carrier.heard).first().isEqualTo("del original rules changed");
        assertThat(carrier.heard).contains("add");
    }

    @Test
    void waitingInACallbackOfTheProviderWaitsForNothing() {
        Carrier carrier = new Carrier("carrier");
        dispatcher.enable(List.of(carrier));
        long id = established(1);
        long other = established(2);
        PathHandle path = offer(new User(), Direction.ORIGINAL, id);
        dispatcher.drain();
        List<Boolean> waited = new ArrayList<>();
        carrier.paths = operation -> {
            path.withdraw(PathEnd.RULES_CHANGED);
            waited.add(book.awaitOver(List.of(path), SECOND_NS));
            return operation instanceof OffloadOperation.PathPut ? OffloadResult.ACCEPT : OffloadResult.DONE;
        };
        offer(new User(), Direction.ORIGINAL, other);
        dispatcher.drain();
        assertThat(waited.getFirst()).isFalse();
        assertThat(path.isOver()).isTrue();
    }

    @Test
    void aProviderThatLeavesGivesItsPathsToTheNext() {
        Carrier first = new Carrier("first");
        Carrier second = new Carrier("second");
        dispatcher.enable(List.of(first, second));
        long id = established(1);
        User user = new User();
        offer(user, Direction.ORIGINAL, id);
        dispatcher.drain();
        dispatcher.enable(List.of(second));
        assertThat(first.heard).containsExactly("put original", "del original connection leaves", "connDel");
        assertThat(user.ended).isEqualTo(1);
        assertThat(book.wants(id, false)).isTrue();
        User again = new User();
        offer(again, Direction.ORIGINAL, id);
        dispatcher.drain();
        assertThat(state(id, Direction.ORIGINAL)).isEqualTo("carried second");
        dispatcher.disable();
        assertThat(again.ended).isEqualTo(1);
        assertThat(tracker.holds(id)).isZero();
    }

    @Test
    void aPortIsFilteredByOneProviderUntilItIsClosed() {
        List<String> calls = new ArrayList<>();
        PortDirectory ports = new PortDirectory() {
            @Override
            public PortRef port(int portNumber) {
                return new PortRef(portNumber, "p" + portNumber);
            }

            @Override
            public List<PortRef> ports() {
                return List.of();
            }

            @Override
            public String filterReceived(long portId, int programFd) {
                calls.add("filter " + portId + " by " + programFd);
                return portId == 9 ? "it has gone" : null;
            }

            @Override
            public void stopFiltering(long portId) {
                calls.add("stop " + portId);
            }

            @Override
            public Map<String, String> offloadOptions(long portId) {
                return Map.of("attach", "way " + portId);
            }
        };
        OffloadDispatcher filtering = OffloadDispatcher.drainedByCaller(tracker, clock, ports);
        Carrier first = new Carrier("first");
        Carrier second = new Carrier("second");
        filtering.enable(List.of(first, second));
        assertThat(first.context.filterReceived(1, 10)).isNull();
        assertThat(first.context.filterReceived(9, 10)).isEqualTo("it has gone");
        assertThat(second.context.filterReceived(1, 11)).isEqualTo("provider first filters it");
        assertThat(second.context.portOptions(3)).isEqualTo(Map.of("attach", "way 3"));
        second.context.stopFiltering(1);
        assertThat(calls).containsExactly("filter 1 by 10", "filter 9 by 10");
        filtering.disable();
        assertThat(calls).endsWith("stop 1");
        assertThat(first.context.filterReceived(1, 10)).isEqualTo("the provider is closed");
    }

    @Test
    void whatForwardingThreadsDoAllocatesNothing() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        dispatcher.enable(List.of(new Carrier("carrier")));
        long[] ids = new long[20];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = established(i + 1);
        }
        long leastBytes = Long.MAX_VALUE;
        for (int round = 0; round < 10; round++) {
            for (long id : ids) {
                offer(new User(), Direction.ORIGINAL, id);
            }
            dispatcher.drain();
            boolean isRight = true;
            long before = threads.getCurrentThreadAllocatedBytes();
            for (long id : ids) {
                isRight &= book.wants(id, true) && book.claim(id, true) && !book.wants(id, true);
                isRight &= dispatcher.onDeadline(id, 0) && dispatcher.isAwaited(id);
                dispatcher.onChanged(id, ConnectionListener.MARK_CHANGED, 0);
            }
            leastBytes = Math.min(leastBytes, threads.getCurrentThreadAllocatedBytes() - before);
            assertThat(isRight).isTrue();
            dispatcher.drain();
            assertThat(book.totals().carried()).isZero();
            for (long id : ids) {
                book.refuse(id, Direction.REPLY, "not yet", true);
            }
            for (long id : ids) {
                dispatcher.onChanged(id, ConnectionListener.MARK_CHANGED, 0); // wanted again
            }
        }
        assertThat(leastBytes).isZero();
    }
}
