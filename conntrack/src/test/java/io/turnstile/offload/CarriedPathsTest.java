package io.turnstile.offload;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.ConnectionListener;
import io.turnstile.conntrack.ConnectionListener.RemovalReason;
import io.turnstile.conntrack.Conntrack;
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
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
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
        Function<OffloadOperation, OffloadResult> paths = operation ->
                operation instanceof OffloadOperation.PathPut ? OffloadResult.ACCEPT : new OffloadResult.Carried(0, 1, 100);
        ProviderContext context;

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
}
