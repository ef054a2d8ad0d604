package io.turnstile.offload;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.ConnectionListener.RemovalReason;
import io.turnstile.conntrack.ConnectionSnapshot;
import io.turnstile.conntrack.Conntrack;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.offload.spi.Verdict;
import io.turnstile.time.ManualClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;

/**
 * Random lives × random answers × hw-offload on and off × live changes × Interfaces' lists × flush × overload, on one
 * thread and on many: each provider sees a legal history of every connection (the providers check that themselves) and
 * holds exactly the living ones that it accepted, did not fail on, and may have.
 *
 * <p>A connection's number decides how the providers treat it, so that the expectation needs no bookkeeping.
 */
class OffloadModelTest {
    private static final int NUMBERS = 60_000;
    private static final RemovalReason[] REASONS = RemovalReason.values();

    private final ManualClock clock =
            new ManualClock(Long.MAX_VALUE - TimeUnit.SECONDS.toNanos(30), 1_700_000_000_000L);

    private ScriptedProvider provider(String name, int salt) {
        ScriptedProvider provider = new ScriptedProvider(name, false);
        provider.verdict =
                c -> declines(c.original().sourcePort() + salt) ? Verdict.decline("by number") : Verdict.accept();
        provider.failsFor = (event, number) -> number >= 0
                && switch (event) {
                    case "add" -> failsAdd(number + salt);
                    case "established" -> failsEstablished(number + salt);
                    case "update" -> failsUpdate(number + salt);
                    case "del" -> number % 19 == 0; // whatever the salt
                    default -> false;
                };
        // Asked twice before it covers both directions.
        provider.covers = c -> c.original().sourcePort() % 2 == 0
                || ThreadLocalRandom.current().nextBoolean();
        provider.lastUsed = c -> switch (c.original().sourcePort() % 4) {
            case 0 -> 0;
            case 1 -> clock.wallMs();
            case 2 -> clock.wallMs() + 1_000_000;
            default -> clock.wallMs() - 20_000;
        };
        return provider;
    }

    private static boolean declines(int number) {
        return number % 5 == 0;
    }

    private static boolean failsAdd(int number) {
        return number % 7 == 0;
    }

    private static boolean failsEstablished(int number) {
        return number % 11 == 0;
    }

    private static boolean failsUpdate(int number) {
        return number % 13 == 0;
    }

    private OffloadDispatcher drained(FakeTracker tracker, int queueLength) {
        LaneLimits usual = LaneLimits.DEFAULTS;
        return new OffloadDispatcher(
                new DispatcherContext(
                        tracker,
                        clock,
                        PortDirectory.named(port -> "p" + port),
                        false,
                        CountingLaneMetrics.factory(),
                        LoggerFactory.getLogger(OffloadModelTest.class)),
                new LaneLimits(
                        queueLength,
                        usual.slowCallNs(),
                        usual.slowInARow(),
                        usual.hungCallNs(),
                        usual.failuresInARow(),
                        usual.probes(),
                        usual.firstBackoffNs(),
                        usual.longestBackoffNs(),
                        usual.provedNs(),
                        usual.hungStartNs(),
                        usual.deferredNs(),
                        usual.startTimeoutNs()));
    }

    /** Only beta may have connections of this port. */
    private static Map<Long, PriorityList> keptFromAlpha(int portOrZero) {
        return portOrZero == 0 ? Map.of() : Map.of(portOrZero + 1L, PriorityList.parse("beta,none"));
    }

    /**
     * What must be held; connections on which a failure depends on what happened to them are checked to be at most
     * held.
     */
    private int number(FakeTracker tracker, long id) {
        ConnectionSnapshot data = new ConnectionSnapshot();
        tracker.read(id, data, clock.nowNs());
        return data.original.sourcePort;
    }

    private void assertHolds(
            OffloadDispatcher dispatcher, FakeTracker tracker, ScriptedProvider provider, int salt, int excludedPort) {
        Set<Long> sure = new TreeSet<>();
        Set<Long> possible = new TreeSet<>();
        ConnectionSnapshot data = new ConnectionSnapshot();
        for (long id : tracker.live()) {
            tracker.read(id, data, clock.nowNs());
            int number = data.original.sourcePort + salt;
            boolean excluded = excludedPort != 0
                    && (data.originalInPort == excludedPort || data.replySeen && data.replyInPort == excludedPort);
            if (!declines(number) && !failsAdd(number) && !excluded) {
                possible.add(id);
                boolean failsDel =
                        data.original.sourcePort % 19 == 0; // one that was taken back for its port is not offered again
                if (!(failsEstablished(number) && data.replySeen) && !failsUpdate(number) && !failsDel) {
                    sure.add(id);
                }
            }
        }
        assertThat(provider.faults()).isEmpty();
        assertThat(sure.stream()
                        .filter(id -> !provider.held().contains(id))
                        .map(id -> number(tracker, id) + " " + dispatcher.offloadStates(id)))
                .isEmpty();
        assertThat(possible).containsAll(provider.held());
    }

    private void step(FakeTracker tracker, List<Long> known, Random random) {
        long nowNs = clock.nowNs();
        int dice = random.nextInt(100);
        if (dice < 40 || known.isEmpty()) {
            long id = tracker.commit(random.nextInt(NUMBERS), 1 + random.nextInt(3), nowNs);
            if (id != Conntrack.NO_CONNECTION) {
                known.add(id);
            }
            return;
        }
        int chosen = random.nextInt(known.size());
        long id = known.get(chosen);
        boolean there = dice < 75
                ? tracker.reply(id, 1 + random.nextInt(3), nowNs)
                : tracker.remove(id, REASONS[random.nextInt(REASONS.length)], nowNs) && random.nextInt(4) == 0;
        if (!there) {
            known.set(chosen, known.getLast());
            known.removeLast();
        }
    }

    @Test
    void anyHistoryOnOneThreadIsLegalAndEndsHoldingWhatLives() {
        for (long seed = 1; seed <= 60; seed++) {
            Random random = new Random(seed);
            FakeTracker tracker = new FakeTracker(1 + random.nextInt(300));
            OffloadDispatcher dispatcher = drained(tracker, 1 + random.nextInt(200));
            int excludedPort = 0;
            ScriptedProvider alpha = provider("alpha", 0);
            ScriptedProvider beta = provider("beta", 3);
            List<Long> known = new ArrayList<>();
            for (int i = 0; i < 4000; i++) {
                step(tracker, known, random);
                if (random.nextInt(10) == 0) {
                    dispatcher.drain();
                }
                if (random.nextInt(50) == 0) {
                    clock.advance(Duration.ofSeconds(random.nextInt(6)));
                    tracker.sweep(clock.nowNs());
                }
                if (random.nextInt(400) == 0) {
                    dispatcher.disable();
                    assertThat(alpha.held()).as("seed %d", seed).isEmpty();
                } else if (random.nextInt(200) == 0) {
                    dispatcher.enable(random.nextBoolean() ? List.of(alpha, beta) : List.of(beta));
                } else if (random.nextInt(1000) == 0) {
                    tracker.flush(null, clock.nowNs());
                } else if (random.nextInt(300) == 0) {
                    excludedPort = random.nextInt(4);
                    dispatcher.setPortPriorities(keptFromAlpha(excludedPort));
                }
            }
            dispatcher.enable(List.of(alpha, beta));
            dispatcher.drain();
            assertHolds(dispatcher, tracker, alpha, 0, excludedPort);
            assertHolds(dispatcher, tracker, beta, 3, 0);
            assertThat(tracker.faults).as("seed %d", seed).isEmpty();
            assertThat(tracker.heldSlots()).as("seed %d", seed).isZero();
            dispatcher.close();
        }
    }

    @Test
    @Timeout(60)
    void turningOnAndOffUnderTrafficOnManyThreadsLoseAndDoubleNothing() throws InterruptedException {
        for (long seed = 1; seed <= 6; seed++) {
            runConcurrently(seed);
        }
    }

    private void runConcurrently(long seed) throws InterruptedException {
        FakeTracker tracker = new FakeTracker(seed % 3 == 0 ? 40 : 9000);
        tracker.readableWhileRemoving = seed % 2 == 0;
        OffloadDispatcher dispatcher = new OffloadDispatcher(tracker, clock, PortDirectory.named(port -> "p" + port));
        dispatcher.setThreads(1 + (int) (seed % 3));
        ScriptedProvider alpha = provider("alpha", 0);
        ScriptedProvider beta = provider("beta", 3);
        alpha.mustNotHold = tracker;
        AtomicReference<Throwable> failure = new AtomicReference<>();
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < 3; t++) {
            Random random = new Random(seed * 31 + t);
            threads.add(start(failure, () -> {
                List<Long> known = new ArrayList<>();
                for (int i = 0; i < 20_000; i++) {
                    step(tracker, known, random);
                }
            }));
        }
        threads.add(start(failure, () -> {
            for (int i = 0; i < 40; i++) {
                clock.advance(Duration.ofSeconds(1));
                tracker.sweep(clock.nowNs());
            }
        }));
        Random flips = new Random(seed);
        int spans = 0;
        while (threads.stream().anyMatch(Thread::isAlive) || spans < 3) {
            dispatcher.enable(flips.nextBoolean() ? List.of(alpha, beta) : List.<OffloadProvider>of(beta, alpha));
            Thread.sleep(flips.nextInt(5)); // any moment will do for the next flip
            while (!dispatcher.disable()) { // a busy machine may need more than one wait; the test's time limit ends it
                Thread.onSpinWait();
            }
            assertThat(alpha.held()).isEmpty();
            assertThat(beta.held()).isEmpty();
            spans++;
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(failure.get()).as("seed %d", seed).isNull();
        assertThat(tracker.heldSlots()).as("seed %d: %d spans", seed, spans).isZero();
        dispatcher.enable(List.of(alpha, beta));
        dispatcher.drain();
        assertHolds(dispatcher, tracker, alpha, 0, 0);
        assertHolds(dispatcher, tracker, beta, 3, 0);
        assertThat(tracker.faults).as("seed %d", seed).isEmpty();
        dispatcher.close();
        assertThat(alpha.faults()).isEmpty();
    }

    private static Thread start(AtomicReference<Throwable> failure, Runnable work) {
        Thread thread = new Thread(work);
        thread.setUncaughtExceptionHandler((t, e) -> failure.compareAndSet(null, e));
        thread.start();
        return thread;
    }
}
