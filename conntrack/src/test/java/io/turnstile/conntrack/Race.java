package io.turnstile.conntrack;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Actors that are let go at the same moment, again and again: {@code prepare}, all actors at once, {@code judge}, and
 * anew, until the time is over. The actors meet at a barrier without locks before each round, so that their work
 * overlaps closely.
 *
 * <p>{@code -Drace.millis=…} sets how long each race is run (default {@value #DEFAULT_MILLIS}).
 */
final class Race {
    private static final int DEFAULT_MILLIS = 1500;
    private static final int SPINS_BEFORE_YIELD = 500;
    private static final long PATIENCE_S = 60;

    private final Runnable prepare;
    private final Runnable judge;
    private final Actor[] actors;
    private final AtomicInteger arrived = new AtomicInteger();
    private volatile int meeting;
    private volatile boolean failed; // set by actors
    private volatile boolean over; // set by who runs the race

    /** One of those who act at once. */
    interface Actor {
        void act(int round) throws Exception;
    }

    private Race(Runnable prepare, Runnable judge, Actor[] actors) {
        this.prepare = prepare;
        this.judge = judge;
        this.actors = actors;
    }

    /**
     * Runs the race; what an actor or the judge throws comes out here.
     *
     * @return how many rounds there were
     */
    static int run(Runnable prepare, Runnable judge, Actor... actors) throws Exception {
        return new Race(prepare, judge, actors).run();
    }

    private int run() throws Exception {
        long endNs =
                System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(Integer.getInteger("race.millis", DEFAULT_MILLIS));
        int rounds = 0;
        try (ExecutorService threads = Executors.newFixedThreadPool(actors.length)) {
            List<Future<?>> all = new ArrayList<>();
            for (Actor actor : actors) {
                all.add(threads.submit(() -> takePart(actor)));
            }
            try {
                do {
                    prepare.run();
                    meet();
                    meet();
                    if (!failed) {
                        judge.run();
                    }
                    rounds++;
                } while (!failed && System.nanoTime() - endNs < 0);
            } finally {
                over = true;
                meet();
            }
            for (Future<?> one : all) {
                one.get(PATIENCE_S, TimeUnit.SECONDS);
            }
        }
        return rounds;
    }

    private Void takePart(Actor actor) throws Exception {
        Exception failure = null;
        for (int round = 0; ; round++) {
            meet();
            if (failure != null) {
                throw failure;
            }
            if (over) {
                return null;
            }
            try {
                actor.act(round);
            } catch (Exception | AssertionError e) {
                failure = new IllegalStateException("in round " + round, e);
                failed = true;
            }
            meet();
        }
    }

    private void meet() {
        int before = meeting;
        if (arrived.incrementAndGet() == actors.length + 1) {
            arrived.set(0);
            meeting = before + 1;
            return;
        }
        for (int spins = 1; meeting == before; spins++) {
            if (spins % SPINS_BEFORE_YIELD == 0) {
                Thread.yield();
            } else {
                Thread.onSpinWait();
            }
        }
    }
}
