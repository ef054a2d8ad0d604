package io.turnstile.offload;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.ConnectionListener.RemovalReason;
import io.turnstile.conntrack.ConnectionSnapshot;
import io.turnstile.conntrack.Conntrack;
import io.turnstile.offload.spi.OfferMoment;
import io.turnstile.time.ManualClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.slf4j.helpers.NOPLogger;

/**
 * Random lives × random answers × devices of different manners × hw-offload on and off × live changes × Interfaces'
 * lists × ports that come and go × flush × overload, on one thread and on many: each provider sees a legal history of
 * every connection and every tuple (the providers check that themselves) and holds in the end exactly the living ones
 * that it accepted, did not fail on, may have, and has room for.
 *
 * <p>A connection's number decides how the providers treat it, so that the expectation needs little bookkeeping. See
 * {@link Hunt} for how long this goes on.
 */
class OffloadModelTest {
    /** Of removals before the deadline. */
    private static final RemovalReason[] REASONS = {RemovalReason.FLUSHED, RemovalReason.REPLACED};

    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(61);

    private static final long PATIENCE_NS = TimeUnit.SECONDS.toNanos(30);

    /** Everything of one history. */
    private static final class World {
        final ManualClock clock = new ManualClock(Long.MAX_VALUE - TimeUnit.SECONDS.toNanos(30), 1_700_000_000_000L);
        final Random random;
        final FakeTracker tracker;
        final ModelPorts ports;
        final OffloadDispatcher dispatcher;
        final List<ModelProvider> providers = new ArrayList<>();
        final ModelWalker walker;
        final int numbers;
        private final Map<String, CountingLaneMetrics> metrics = new ConcurrentHashMap<>();
        private final boolean threaded;
        volatile Map<Long, PriorityList> priorities = Map.of();
        private Map<String, String> otherConfig = Map.of();

        World(long seed, boolean threaded, int slots, LaneLimits limits, int hangs) {
            random = new Random(seed);
            this.threaded = threaded;
            tracker = new FakeTracker(slots);
            tracker.readableWhileRemoving = random.nextBoolean();
            ports = new ModelPorts(1 + random.nextInt(5));
            numbers = 10 + random.nextInt(random.nextBoolean() ? 40 : 4000);
            LaneMetrics.Factory counting = CountingLaneMetrics.factory();
            dispatcher = new OffloadDispatcher(
                    new DispatcherContext(
                            tracker,
                            clock,
                            ports,
                            threaded,
                            (name, lane) -> {
                                LaneMetrics made = counting.create(name, lane);
                                metrics.put(name, (CountingLaneMetrics) made);
                                return made;
                            },
                            NOPLogger.NOP_LOGGER),
                    limits);
            Map<String, ModelProvider> carriers = new ConcurrentHashMap<>();
            for (int i = 0; i < 3; i++) {
                String name = List.of("alpha", "beta", "gamma").get(i);
                ModelProvider.Manner manner = ModelProvider.Manner.random(random, hangs, 4 * limits.hungCallNs());
                ModelProvider provider =
                        new ModelProvider(name, 3 * i, manner, random.nextLong(), () -> givenUp(name), clock::wallMs);
                provider.checksExpiry = !threaded;
                provider.mustNotHold = tracker;
                provider.carriers = carriers;
                providers.add(provider);
            }
            walker = new ModelWalker(dispatcher.paths(), providers);
        }

        private long givenUp(String name) {
            CountingLaneMetrics ofLane = metrics.get(name);
            return ofLane == null ? 0 : ofLane.givenUpCount();
        }

        /** Something happens to some connection. */
        void traffic(List<Long> known, Random dice) {
            long nowNs = clock.nowNs();
            walker.packet(known, dice);
            int what = dice.nextInt(100);
            if (what < 40 || known.isEmpty()) {
                int number = 100 + dice.nextInt(numbers);
                int translated = dice.nextInt(6) == 0 ? 100 + dice.nextInt(numbers) : number;
                boolean turned = dice.nextInt(4) == 0;
                int zone = dice.nextInt(8) == 0 ? 1 : 0;
                long id = tracker.commit(zone, number, translated, turned, ports.any(dice), nowNs);
                if (id != Conntrack.NO_CONNECTION) {
                    known.add(id);
                }
                return;
            }
            int chosen = dice.nextInt(known.size());
            long id = known.get(chosen);
            boolean there = true;
            if (what < 65) {
                there = tracker.reply(id, ports.any(dice), nowNs);
            } else if (what < 80) {
                there = tracker.mark(id, dice.nextInt(1000), nowNs);
            } else if (what < 85) {
                tracker.movePort(id, ports.any(dice), nowNs);
            } else {
                there = tracker.remove(id, REASONS[dice.nextInt(REASONS.length)], nowNs) && dice.nextInt(4) == 0;
            }
            if (!there) {
                known.set(chosen, known.getLast());
                known.removeLast();
            }
        }

        /** Somebody changes the configuration, or the ports. */
        void configure() {
            switch (random.nextInt(8)) {
                case 6, 7 -> walker.changeRules(random);
                case 0 -> {
                    String only = providers.get(random.nextInt(3)).name();
                    priorities = ports.priorities(random, only);
                    dispatcher.setPortPriorities(priorities);
                }
                case 1 -> {
                    otherConfig = Map.of(
                            "offload-alpha-a", "" + random.nextInt(2),
                            "offload-gamma-b", "" + random.nextInt(100));
                    dispatcher.setProviderSettings(otherConfig);
                }
                case 2 -> dispatcher.setThreads(1 + random.nextInt(4));
                case 3 -> tracker.flush(null, clock.nowNs());
                default -> ports.change(random, tracker, dispatcher);
            }
        }

        void enableSome() {
            List<ModelProvider> some = new ArrayList<>(providers);
            Collections.shuffle(some, random);
            dispatcher.enable(some.subList(0, 1 + random.nextInt(3)));
        }

        boolean complete() {
            boolean any = false;
            for (ModelProvider provider : providers) {
                any |= provider.complete();
            }
            return any;
        }

        void completeAll() {
            while (complete()) {
                // until nothing is under way
            }
        }

        void beCalm() {
            providers.forEach(provider -> provider.isWild = false);
        }

        /** What is wrong with what is held, now that nothing happens any more; empty if all is as it has to be. */
        List<String> wrong() {
            List<String> wrong = new ArrayList<>(tracker.faults);
            wrong.addAll(walker.faults());
            for (ModelProvider provider : providers) {
                wrong.addAll(provider.faults());
                wrong.addAll(wrongOf(provider));
            }
            for (long id : tracker.live()) {
                long holders = providers.stream()
                                .filter(provider -> provider.held().contains(id))
                                .count()
                        + walker.holds(id);
                if (tracker.holds(id) != holders) {
                    wrong.add("%x: %d holds, %d holders".formatted(id, tracker.holds(id), holders));
                }
            }
            if (tracker.heldSlots() != 0) {
                wrong.add("slots that nobody gives back: " + tracker.heldSlots());
            }
            return wrong;
        }

        private List<String> wrongOf(ModelProvider provider) {
            List<String> wrong = new ArrayList<>();
            Set<Long> held = provider.held();
            Set<Long> live = tracker.live();
            ConnectionSnapshot data = new ConnectionSnapshot();
            for (long id : live) {
                tracker.read(id, data, clock.nowNs());
                int number = ModelProvider.number(data.zone, data.original.sourcePort, data.original.destinationPort);
                boolean mayHold = provider.takes(number) && mayHave(provider, data);
                String connection = provider.name() + ": " + number + " " + Long.toHexString(id) + " "
                        + dispatcher.offloadStates(id);
                if (held.contains(id)) {
                    if (!mayHold) {
                        wrong.add("may not have " + connection);
                    }
                    if (provider.mark(id) != tracker.mark(id)) {
                        wrong.add("old mark " + provider.mark(id) + ", not " + tracker.mark(id) + " of " + connection);
                    }
                } else if (mayHold && provider.keeps(number, id) && !provider.isFull()) {
                    wrong.add("lacks " + connection);
                }
            }
            held.removeAll(live);
            if (!held.isEmpty()) {
                wrong.add(provider.name() + " holds what is gone: " + held);
            }
            if (!provider.lostAndHeld().isEmpty()) {
                wrong.add(provider.name() + " was not told to let go of what it lost: " + provider.lostAndHeld());
            }
            Set<Long> present = ports.ports().stream().map(port -> port.id()).collect(Collectors.toSet());
            if (!provider.ports().equals(present)) {
                wrong.add(provider.name() + " knows ports " + provider.ports() + ", not " + present);
            }
            return wrong;
        }

        private boolean mayHave(ModelProvider provider, ConnectionSnapshot data) {
            return hasPort(provider, data.originalInPort)
                    && (!data.replySeen || hasPort(provider, data.replyInPort))
                    && (data.established || provider.offered() == OfferMoment.COMMITTED);
        }

        private boolean hasPort(ModelProvider provider, int number) {
            PriorityList list = priorities.get(ports.port(number).id());
            return !ports.port(number).isGone() && (list == null || list.admits(provider.name()));
        }

        @Override
        public String toString() {
            return "%s, %d numbers, %s".formatted(threaded ? "threads" : "one thread", numbers, providers);
        }
    }

    private static LaneLimits limits(int queueLength, long hungCallNs, long backoffNs) {
        LaneLimits usual = LaneLimits.DEFAULTS;
        return new LaneLimits(
                queueLength,
                TimeUnit.SECONDS.toNanos(20),
                usual.slowInARow(),
                hungCallNs,
                usual.failuresInARow(),
                usual.probes(),
                backoffNs,
                Math.min(20 * backoffNs, usual.longestBackoffNs()),
                usual.provedNs(),
                usual.hungStartNs(),
                usual.deferredNs(),
                usual.startTimeoutNs());
    }

    // ---- virtual time ----

    @Test
    void anyHistoryOnOneThreadIsLegalAndEndsHoldingWhatLives() {
        Hunt.over("model, one thread", 60, OffloadModelTest::runOnOneThread);
    }

    private static void runOnOneThread(long seed) {
        Random sizes = new Random(~seed);
        LaneLimits limits =
                limits(1 + sizes.nextInt(200), LaneLimits.DEFAULTS.hungCallNs(), TimeUnit.SECONDS.toNanos(1));
        World world = new World(seed, false, 1 + sizes.nextInt(300), limits, 0);
        Random random = world.random;
        List<Long> known = new ArrayList<>();
        for (int i = 0; i < 3000; i++) {
            world.traffic(known, random);
            if (random.nextInt(10) == 0) {
                world.dispatcher.drain();
            }
            if (random.nextInt(6) == 0) {
                world.complete();
            }
            if (random.nextInt(50) == 0) {
                world.clock.advance(Duration.ofMillis(random.nextInt(6000)));
                world.tracker.sweep(world.clock.nowNs());
                if (random.nextInt(4) != 0) {
                    world.completeAll();
                }
            }
            if (random.nextInt(60) == 0) {
                world.configure();
            }
            if (random.nextInt(400) == 0) {
                turnOff(world);
            } else if (random.nextInt(200) == 0) {
                world.enableSome();
            }
        }
        world.beCalm();
        world.dispatcher.enable(world.providers);
        for (int round = 0; round < 6; round++) {
            settle(world);
            world.clock.advance(LONGEST_PAUSE);
            world.providers.forEach(ModelProvider::sayRoom);
        }
        settle(world);
        assertRight("the end", world, world.wrong());
        while (!world.walker.withdrawAll()) {
            world.completeAll();
            world.dispatcher.drain();
        }
        assertRight("no paths", world, world.wrong());
        turnOff(world);
        world.dispatcher.close();
        assertThat(world.providers).flatMap(ModelProvider::faults).isEmpty();
        assertThat(world.tracker.heldSlots()).isZero();
    }

    private static void settle(World world) {
        do {
            world.dispatcher.drain();
        } while (world.complete());
    }

    /** What is under way has to end before a provider can leave. */
    private static void turnOff(World world) {
        for (int turn = 0; !world.dispatcher.disable(); turn++) {
            assertThat(turn).as("turns to leave: %s", world.dispatcher.show()).isLessThan(1000);
            settle(world);
        }
        assertThat(world.providers)
                .allSatisfy(provider -> assertThat(provider.held()).isEmpty());
    }

    // ---- threads ----

    @Test
    void anyHistoryOnManyThreadsIsLegalAndEndsHoldingWhatLives() {
        Hunt.over("model, threads", 6, OffloadModelTest::runOnManyThreads);
    }

    private static void runOnManyThreads(long seed) throws InterruptedException {
        Random sizes = new Random(~seed);
        LaneLimits limits = limits(
                sizes.nextBoolean() ? 20 : 10_000, TimeUnit.MILLISECONDS.toNanos(30), TimeUnit.MILLISECONDS.toNanos(1));
        World world = new World(seed, true, sizes.nextInt(3) == 0 ? 40 : 3000, limits, 300);
        world.dispatcher.setThreads(1 + sizes.nextInt(3));
        AtomicReference<Throwable> failure = new AtomicReference<>();
        AtomicBoolean over = new AtomicBoolean();
        List<Thread> traffic = new ArrayList<>();
        for (int t = 0; t < 3; t++) {
            Random random = new Random(seed * 31 + t);
            traffic.add(start(failure, () -> {
                List<Long> known = new ArrayList<>();
                for (int i = 0; i < 10_000; i++) {
                    world.traffic(known, random);
                }
            }));
        }
        Thread sweeper = start(failure, () -> {
            while (!over.get()) {
                world.clock.advance(Duration.ofMillis(300));
                world.tracker.sweep(world.clock.nowNs());
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(2));
            }
        });
        AtomicBoolean stopped = new AtomicBoolean();
        Thread device = start(failure, () -> {
            while (!stopped.get()) {
                if (!world.complete()) {
                    LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(100));
                }
            }
        });
        try {
            while (traffic.stream().anyMatch(Thread::isAlive)) {
                world.enableSome();
                for (int i = world.random.nextInt(6); i > 0; i--) {
                    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(world.random.nextInt(5)));
                    world.configure();
                }
                if (world.random.nextInt(4) == 0) {
                    turnOffConcurrently(world);
                }
            }
            over.set(true);
            sweeper.join();
            world.beCalm();
            world.dispatcher.enable(world.providers);
            await("all to be as it has to be", world, () -> {
                world.providers.forEach(ModelProvider::sayRoom);
                return world.wrong();
            });
            await("paths to be over", world, () -> world.walker.withdrawAll() ? List.of() : List.of("paths"));
            assertRight("no paths", world, world.wrong());
            turnOffConcurrently(world);
            assertThat(world.walker.faults()).isEmpty();
            assertThat(world.providers).flatMap(ModelProvider::faults).isEmpty();
            assertThat(world.tracker.faults).isEmpty();
            assertThat(world.tracker.heldSlots()).isZero();
            assertThat(failure.get()).isNull();
        } finally {
            over.set(true);
            world.dispatcher.close();
            stopped.set(true);
        }
    }

    private static void assertRight(String when, World world, List<String> wrong) {
        assertThat(wrong.isEmpty())
                .as("%s: %s%n%s%n%s", when, wrong, world, world.dispatcher.show())
                .isTrue();
    }

    private interface Findings {
        List<String> wrong();
    }

    private static void await(String what, World world, Findings findings) {
        long startNs = System.nanoTime();
        for (List<String> wrong = findings.wrong(); !wrong.isEmpty(); wrong = findings.wrong()) {
            if (System.nanoTime() - startNs > PATIENCE_NS) {
                assertRight(what, world, wrong);
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
        }
    }

    private static void turnOffConcurrently(World world) {
        await("all to leave", world, () -> world.dispatcher.disable() ? List.of() : List.of("not left"));
        assertThat(world.providers)
                .allSatisfy(provider -> assertThat(provider.held()).isEmpty());
    }

    private static Thread start(AtomicReference<Throwable> failure, Runnable work) {
        Thread thread = new Thread(work);
        thread.setUncaughtExceptionHandler((t, e) -> failure.compareAndSet(null, e));
        thread.start();
        return thread;
    }
}
