package io.turnstile.conntrack;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The wheel, taken in pieces, beside a list of who wants attention when. */
class ExpiryWheelTest {
    private static final int SLOTS = 200;
    private static final int ROUNDS = 400;
    private static final long TICK_NS = 1L << ExpiryWheel.TICK_SHIFT;
    /** How far the wheel reaches, and further. */
    private static final long[] DISTANCES = {2, 70, 5000, 300_000, 3_000_000};

    /** So many are told apart by the wheel. */
    private static final int NEAR_TICKS = 60;

    private final EntryTable entries = new EntryTable(SLOTS, false);
    private final Map<Integer, Long> wanted = new HashMap<>();
    private final Set<Integer> again = new HashSet<>();
    private long nowNs;

    /** The origin, and how many slots are taken at once. */
    @ParameterizedTest
    @CsvSource({"0, 1", "0, 7", "0, 1000", "9223372036854775807, 3", "-5000000000, 64"})
    void whatIsDueIsHandedOutAndNothingElseIsLost(long originNs, int piece) {
        ExpiryWheel wheel = new ExpiryWheel(entries, originNs);
        Random random = new Random(piece);
        nowNs = originNs;
        for (int slot = 0; slot < SLOTS; slot++) {
            entries.take();
        }
        for (int round = 0; round < ROUNDS; round++) {
            for (int i = random.nextInt(30); i > 0; i--) {
                schedule(wheel, random.nextInt(SLOTS), random);
            }
            if (random.nextInt(4) > 0) {
                nowNs += random.nextLong(DISTANCES[random.nextInt(DISTANCES.length)] * TICK_NS);
            }
            sweep(wheel, piece, random);
        }
        assertThat(wanted).as("the wheel was in use").isNotEmpty();
    }

    private void schedule(ExpiryWheel wheel, int slot, long attentionNs) {
        OffHeap.putLong(entries.entry(slot) + EntryLayout.DEADLINE, attentionNs);
        wheel.schedule(slot);
    }

    /** Each thread has slots of its own; what others do meanwhile does not lose one, nor bring it to another place. */
    @Test
    void whatManyQueueAtOnceIsWhereItWasPutLast() throws Exception {
        ExpiryWheel wheel = new ExpiryWheel(entries, 0);
        for (int slot = 0; slot < SLOTS; slot++) {
            entries.take();
        }
        int threads = 4;
        AtomicInteger running = new AtomicInteger(threads);
        try (ExecutorService executor = Executors.newFixedThreadPool(threads + 1)) {
            List<Future<?>> all = new ArrayList<>();
            for (int thread = 0; thread < threads; thread++) {
                int first = thread;
                all.add(executor.submit(() -> {
                    Random random = new Random(first);
                    for (int i = 0; i < 100_000; i++) {
                        int slot = first + threads * random.nextInt(SLOTS / threads);
                        schedule(wheel, slot, (1 + random.nextInt(NEAR_TICKS)) * TICK_NS);
                    }
                    running.decrementAndGet();
                }));
            }
            all.add(executor.submit(() -> {
                int[] taken = new int[7];
                while (running.get() > 0) {
                    wheel.advance(0);
                    assertThat(wheel.poll(taken)).isZero();
                    wheel.idleTicks(NEAR_TICKS);
                }
            }));
            for (Future<?> one : all) {
                one.get();
            }
        }
        int[] taken = new int[SLOTS + 1];
        int sum = 0;
        for (int tick = 1; tick <= NEAR_TICKS; tick++) {
            wheel.advance(tick * TICK_NS);
            int count = wheel.poll(taken);
            for (int i = 0; i < count; i++) {
                assertThat(OffHeap.getLong(entries.entry(taken[i]) + EntryLayout.DEADLINE))
                        .isEqualTo(tick * TICK_NS);
            }
            sum += count;
        }
        assertThat(sum).isEqualTo(SLOTS);
    }

    private void schedule(ExpiryWheel wheel, int slot, Random random) {
        long attentionNs = nowNs + random.nextLong(-TICK_NS, DISTANCES[random.nextInt(DISTANCES.length)] * TICK_NS);
        schedule(wheel, slot, attentionNs);
        wanted.put(slot, attentionNs);
        again.remove(slot);
    }

    private void sweep(ExpiryWheel wheel, int piece, Random random) {
        Set<Integer> asked = new HashSet<>(again);
        Set<Integer> queuedAgain = new HashSet<>();
        again.clear();
        int[] taken = new int[piece];
        wheel.advance(nowNs);
        for (int count = wheel.poll(taken); count > 0; count = wheel.poll(taken)) {
            for (int i = 0; i < count; i++) {
                int slot = taken[i];
                assertThat(queuedAgain).as("not twice in one sweep").doesNotContain(slot);
                long attentionNs = wanted.get(slot);
                if (attentionNs - nowNs > 0) {
                    schedule(wheel, slot, attentionNs);
                } else if (random.nextInt(3) == 0) {
                    wheel.scheduleAgain(slot);
                    queuedAgain.add(slot);
                } else {
                    wanted.remove(slot);
                }
                asked.remove(slot);
            }
            if (random.nextInt(5) == 0) {
                int slot = random.nextInt(SLOTS);
                // Not one that is in hand: whoever uses its slot anew has queued it, too.
                if (!queuedAgain.contains(slot)) {
                    schedule(wheel, slot, random);
                    asked.remove(slot);
                }
            }
        }
        again.addAll(queuedAgain);
        assertThat(asked).as("queued for this sweep").isEmpty();
        wanted.forEach((slot, attentionNs) -> {
            if (attentionNs - nowNs <= 0 && !again.contains(slot)) {
                // Queued while the sweep was under way, behind its back: of the running tick.
                assertThat(nowNs - attentionNs).isLessThanOrEqualTo(2 * TICK_NS);
            }
        });
    }

    /** However far the time jumps, and with one slot waiting at the wheel's far end. */
    @ParameterizedTest
    @ValueSource(longs = {1, 63, 64, 65, 4095, 4096, 4097, 262_143, 262_144, 262_145, 100_000_000})
    void aJumpTakesStepsAndNotTicks(long ticks) {
        ExpiryWheel wheel = new ExpiryWheel(entries, 0);
        int slot = entries.take();
        schedule(wheel, slot, ticks * TICK_NS);
        int[] taken = new int[4];
        wheel.advance(ticks * TICK_NS - 1);
        int looks = 0;
        for (int count = wheel.poll(taken); count > 0; count = wheel.poll(taken)) {
            assertThat(count).isOne();
            schedule(wheel, slot, ticks * TICK_NS);
            looks++;
        }
        assertThat(looks).as("once for each level, and once a round").isLessThanOrEqualTo(4 + (int) (ticks / 250_000));
        wheel.advance(ticks * TICK_NS);
        assertThat(wheel.poll(taken)).isOne();
        assertThat(wheel.poll(taken)).isZero();
    }
}
