package io.turnstile.offload;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.offload.conformance.IdleProvider;
import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.ProviderContext;
import io.turnstile.offload.spi.Verdict;
import io.turnstile.time.ManualClock;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The process's end: nothing stays in a device. */
class DispatcherCloseTest {
    private static final int CONNECTIONS = 20_000;

    private final ManualClock clock = new ManualClock(0, 1_700_000_000_000L);
    private final FakeTracker tracker = new FakeTracker(CONNECTIONS);
    private final OffloadDispatcher dispatcher =
            new OffloadDispatcher(tracker, clock, PortDirectory.named(port -> "p" + port));

    /** Lets go slowly: of all it holds in far more than the second that turning off waits. */
    private static final class Slow extends IdleProvider {
        private final Set<Long> held = ConcurrentHashMap.newKeySet();
        private volatile boolean closed;
        private volatile long deleteNs = 100_000;

        private Slow() {
            super("slow");
        }

        @Override
        public Verdict connAdd(ConnView connection) {
            held.add(connection.id());
            return Verdict.accept();
        }

        @Override
        public void connDel(ConnView connection, DelReason reason) {
            LockSupport.parkNanos(deleteNs);
            held.remove(connection.id());
        }

        @Override
        public void close() {
            closed = true;
        }
    }

    @Test
    @Timeout(60)
    void everythingIsTakenBackAndClosed() {
        Slow slow = new Slow();
        dispatcher.enable(List.of(slow));
        for (int i = 0; i < CONNECTIONS; i++) {
            tracker.commit(i, 1, clock.nowNs());
        }
        dispatcher.drain();
        dispatcher.drain();
        assertThat(slow.held).hasSizeGreaterThan(CONNECTIONS / 2);
        dispatcher.close();
        assertThat(slow.held).isEmpty();
        assertThat(slow.closed).isTrue();
        assertThat(dispatcher.isInUse(slow)).isFalse();
    }

    /** A batch that is as long as the adds allowed would be given up. */
    @Test
    @Timeout(60)
    void deletesThatTakeFarLongerThanAddsDoNotHang() {
        Slow slow = new Slow();
        slow.deleteNs = TimeUnit.MILLISECONDS.toNanos(40);
        dispatcher.enable(List.of(slow));
        for (int i = 0; i < 250; i++) {
            tracker.commit(i, 1, clock.nowNs());
        }
        dispatcher.drain();
        dispatcher.close();
        assertThat(slow.held).isEmpty();
        assertThat(slow.closed).isTrue();
    }

    /** A jar that was replaced: both are of one device. */
    @Test
    @Timeout(60)
    void oneThatTakesAnothersPlaceIsInitialisedWhenThatOneIsClosed() {
        Slow former = new Slow();
        dispatcher.enable(List.of(former));
        for (int i = 0; i < 3000; i++) {
            tracker.commit(i, 1, clock.nowNs());
        }
        dispatcher.drain();
        AtomicReference<String> atInit = new AtomicReference<>();
        IdleProvider next = new IdleProvider("slow") {
            @Override
            public void init(ProviderContext context) {
                atInit.set("held " + former.held.size() + ", closed " + former.closed);
            }
        };
        former.deleteNs = TimeUnit.MILLISECONDS.toNanos(1);
        dispatcher.enable(List.of(next));
        while (atInit.get() == null) {
            LockSupport.parkNanos(1_000_000);
        }
        assertThat(atInit.get()).isEqualTo("held 0, closed true");
        dispatcher.close();
    }

    /** Never comes back from its end. */
    private static final class Stuck extends IdleProvider {
        private final CountDownLatch never = new CountDownLatch(1);

        private Stuck() {
            super("stuck");
        }

        @Override
        public void connDel(ConnView connection, DelReason reason) {
            try {
                never.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Test
    @Timeout(60)
    void whoHangsIsWaitedForOnlyUntilItIsGivenUp() {
        Stuck stuck = new Stuck();
        dispatcher.enable(List.of(stuck));
        tracker.commit(1, 1, clock.nowNs());
        dispatcher.drain();
        dispatcher.close(TimeUnit.SECONDS.toNanos(30), TimeUnit.SECONDS.toNanos(3));
        assertThat(dispatcher.providers().getFirst().state()).contains("delete has not returned since");
        stuck.never.countDown();
    }
}
