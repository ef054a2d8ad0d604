package io.turnstile.offload;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.ConnectionListener.RemovalReason;
import io.turnstile.conntrack.Conntrack;
import io.turnstile.offload.conformance.IdleProvider;
import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.ProviderContext;
import io.turnstile.offload.spi.Verdict;
import io.turnstile.time.ManualClock;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;

/**
 * Calls that are given up and come back, again and again, under traffic on several threads: no slot stays held or is
 * given back twice, and what the provider holds is always taken from it once.
 */
class HangRaceTest {
    /** So often must it have come up, which is once more than it was given up. */
    private static final int SPANS = 12;

    private static final long PATIENCE_NS = TimeUnit.SECONDS.toNanos(40);
    private static final long HUNG_NS = TimeUnit.MILLISECONDS.toNanos(15);
    private static final LaneLimits IMPATIENT = new LaneLimits(
            1000,
            TimeUnit.SECONDS.toNanos(20),
            3,
            HUNG_NS,
            16,
            1,
            TimeUnit.MILLISECONDS.toNanos(1),
            TimeUnit.MILLISECONDS.toNanos(2),
            LaneLimits.DEFAULTS.provedNs(),
            LaneLimits.DEFAULTS.hungStartNs(),
            LaneLimits.DEFAULTS.deferredNs(),
            TimeUnit.SECONDS.toNanos(2));

    private final ManualClock clock = new ManualClock(0, 1_700_000_000_000L);
    private final FakeTracker tracker = new FakeTracker(3000);
    private final OffloadDispatcher dispatcher = new OffloadDispatcher(
            new DispatcherContext(
                    tracker,
                    clock,
                    PortDirectory.named(port -> "p" + port),
                    true,
                    CountingLaneMetrics.factory(),
                    LoggerFactory.getLogger(HangRaceTest.class)),
            IMPATIENT);

    /** Stays away for longer than it may, now and then. */
    private static final class Dawdler extends IdleProvider {
        private final Set<Long> held = ConcurrentHashMap.newKeySet();
        private final Queue<String> faults = new ConcurrentLinkedQueue<>();
        private final AtomicInteger inits = new AtomicInteger();
        private volatile boolean dawdles = true;

        Dawdler() {
            super("dawdler");
        }

        private void maybeDawdle() {
            if (dawdles && ThreadLocalRandom.current().nextInt(1500) == 0) {
                LockSupport.parkNanos(ThreadLocalRandom.current().nextLong(4 * HUNG_NS));
            }
        }

        @Override
        public void init(ProviderContext context) {
            inits.incrementAndGet();
            if (!held.isEmpty()) {
                faults.add("init while holding " + held.size());
            }
        }

        @Override
        public Verdict connAdd(ConnView connection) {
            maybeDawdle();
            if (!held.add(connection.id())) {
                faults.add("added twice: " + connection.id());
            }
            return Verdict.accept();
        }

        @Override
        public boolean connEstablished(ConnView connection, PortRef replyIngress) {
            maybeDawdle();
            return true;
        }

        @Override
        public void connDel(ConnView connection, DelReason reason) {
            maybeDawdle();
            if (!held.remove(connection.id())) {
                faults.add("deleted without being held: " + connection.id());
            }
        }

        @Override
        public boolean connFlush(DelReason reason) {
            maybeDawdle();
            return false;
        }
    }

    private void traffic(long seed, Dawdler until) {
        Random random = new Random(seed);
        List<Long> known = new ArrayList<>();
        while (until.inits.get() < SPANS) { // bounded by the test's time limit
            if (known.size() < 800 && random.nextBoolean()) {
                long id = tracker.commit(1 + random.nextInt(60_000), 1, clock.nowNs());
                if (id != Conntrack.NO_CONNECTION) {
                    known.add(id);
                }
            } else if (!known.isEmpty()) {
                int chosen = random.nextInt(known.size());
                long id = known.get(chosen);
                if (random.nextBoolean()) {
                    tracker.reply(id, 2, clock.nowNs());
                } else {
                    tracker.remove(id, RemovalReason.FLUSHED, clock.nowNs());
                    known.set(chosen, known.getLast());
                    known.removeLast();
                }
            }
        }
    }

    private void await(String what, BooleanSupplier condition) {
        long startNs = System.nanoTime();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime() - startNs)
                    .as("%s: %s", what, dispatcher.show())
                    .isLessThan(PATIENCE_NS);
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
        }
    }

    @Test
    @Timeout(180)
    void nothingIsLostOrDoubledHoweverOftenItIsGivenUp() throws InterruptedException {
        for (int threads = 1; threads <= 3; threads++) {
            Dawdler dawdler = new Dawdler();
            ScriptedProvider beta = new ScriptedProvider("beta", false);
            dispatcher.setThreads(threads);
            dispatcher.enable(List.of(dawdler, beta));
            List<Thread> traffic = new ArrayList<>();
            for (int t = 0; t < 3; t++) {
                long seed = threads * 10L + t;
                traffic.add(Thread.ofPlatform().start(() -> traffic(seed, dawdler)));
            }
            for (Thread one : traffic) {
                one.join();
            }
            dawdler.dawdles = false;
            await("the dawdler holds what lives", () -> dawdler.held.equals(tracker.live()));
            await("beta holds what lives", () -> beta.held().equals(tracker.live()));
            await("no slot is held", () -> tracker.heldSlots() == 0);
            assertThat(dawdler.faults).isEmpty();
            assertThat(beta.faults()).isEmpty();
            tracker.flush(null, clock.nowNs());
            await("off", dispatcher::disable);
            assertThat(dawdler.held).isEmpty();
            assertThat(dawdler.faults).isEmpty();
            assertThat(tracker.faults).isEmpty();
        }
    }
}
