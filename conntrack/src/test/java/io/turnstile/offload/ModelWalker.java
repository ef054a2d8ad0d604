package io.turnstile.offload;

import io.turnstile.offload.spi.Direction;
import io.turnstile.offload.spi.PathEnd;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.TupleView;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A switch that sums up walks at random: offers paths of what is wanted, some of them over several connections, refuses
 * others, takes paths back, and checks what it is told of them. Threads: any.
 */
final class ModelWalker {
    private static final long PATIENCE_NS = TimeUnit.SECONDS.toNanos(10);
    private static final TupleView TUPLE = new TupleView(false, 17, 0, 1, 0, 2, 1000, 53, 0, 0, 0);
    private static final List<PathEnd> REASONS = List.of(PathEnd.RULES_CHANGED, PathEnd.GUARD_FAILED);

    private final PathBook book;
    private final List<ModelProvider> providers;
    private final Map<PathHandle, User> live = new ConcurrentHashMap<>();
    private final Queue<String> faults = new ConcurrentLinkedQueue<>();
    /** How many paths were offered, and have been over. */
    final AtomicLong offered = new AtomicLong();

    final AtomicLong carried = new AtomicLong();

    ModelWalker(PathBook book, List<ModelProvider> providers) {
        this.book = book;
        this.providers = providers;
    }

    private final class User implements PathUser {
        private final List<Long> connections;
        private final AtomicInteger ends = new AtomicInteger();
        private final boolean isCurrent;

        private User(List<Long> connections, boolean isCurrent) {
            this.connections = connections;
            this.isCurrent = isCurrent;
        }

        @Override
        public boolean isCurrent() {
            return isCurrent;
        }

        @Override
        public void carried(long packets, long bytes, long lastUsedNs) {
            carried.addAndGet(packets);
            if (ends.get() != 0) {
                faults.add("carried after the end");
            }
        }

        @Override
        public void ended() {
            if (ends.incrementAndGet() != 1) {
                faults.add("ended more than once");
            }
        }
    }

    /** A packet of one of these. */
    void packet(List<Long> known, Random dice) {
        if (known.isEmpty() || !book.isAsked()) {
            return;
        }
        for (int i = 0; i < 8; i++) {
            packet(known.get(dice.nextInt(known.size())), known, dice);
        }
    }

    private void packet(long id, List<Long> known, Random dice) {
        boolean reply = dice.nextBoolean();
        if (!book.wants(id, reply) || !book.claim(id, reply)) {
            return;
        }
        Direction direction = reply ? Direction.REPLY : Direction.ORIGINAL;
        if (dice.nextInt(8) == 0) {
            book.refuse(id, direction, "more than one output", dice.nextBoolean());
            return;
        }
        List<Long> connections = new ArrayList<>(List.of(id));
        for (int i = dice.nextInt(3); i > 0; i--) {
            long rider = known.get(dice.nextInt(known.size()));
            if (!connections.contains(rider)) {
                connections.add(rider);
            }
        }
        User user = new User(connections, dice.nextInt(10) != 0);
        PathHandle path = book.offer(new PathOffer(
                connections,
                direction,
                new PortRef(1, "p1"),
                TUPLE,
                List.of(),
                new PortRef(2, "p2"),
                TUPLE,
                List.of(),
                user));
        offered.incrementAndGet();
        live.put(path, user);
    }

    /** Rules have changed: some paths are taken back, and not always waited for. */
    void changeRules(Random dice) {
        forgetOver();
        List<PathHandle> some = new ArrayList<>(live.keySet());
        some.removeIf(path -> dice.nextInt(4) != 0);
        PathEnd why = REASONS.get(dice.nextInt(REASONS.size()));
        some.forEach(path -> path.withdraw(why));
        if (dice.nextBoolean()) {
            await(some);
        }
    }

    /** All are taken back; returns whether they are. */
    boolean withdrawAll() {
        List<PathHandle> all = new ArrayList<>(live.keySet());
        all.forEach(path -> path.withdraw(PathEnd.RULES_CHANGED));
        return await(all);
    }

    private boolean await(List<PathHandle> some) {
        if (!book.awaitOver(some, PATIENCE_NS)) {
            return false;
        }
        for (PathHandle path : some) {
            for (ModelProvider provider : providers) {
                if (provider.carries(path)) {
                    faults.add(provider.name() + " carries what is over: " + path);
                }
            }
        }
        forgetOver();
        return true;
    }

    private void forgetOver() {
        live.forEach((path, user) -> {
            if (path.isOver()) {
                if (user.ends.get() != 1) {
                    faults.add("over, and ended " + user.ends.get() + " times");
                }
                live.remove(path);
            }
        });
    }

    /** How many paths hold the connection. */
    long holds(long connectionId) {
        forgetOver();
        return live.values().stream()
                .filter(user -> user.connections.contains(connectionId))
                .count();
    }

    List<String> faults() {
        return List.copyOf(faults);
    }
}
