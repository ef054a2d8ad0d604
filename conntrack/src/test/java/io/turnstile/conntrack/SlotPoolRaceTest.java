package io.turnstile.conntrack;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.OffHeap.Region;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;

/**
 * Threads that take and give the same few slots as fast as they can, in changing order, and scribble over the links of
 * those that they hold, as connections do: no slot is ever two threads', and none gets lost.
 */
class SlotPoolRaceTest {
    private static final int STRIDE_BYTES = 64;
    private static final int SLOTS = 4;
    private static final int STEPS = 400;

    private final Region memory = OffHeap.reserve(SLOTS * STRIDE_BYTES, false);
    private final AtomicIntegerArray holders = new AtomicIntegerArray(SLOTS);
    private SlotPool pool;

    @Test
    void noSlotIsEverTwoThreads() throws Exception {
        int rounds = Race.run(
                () -> pool = new SlotPool(memory.address(), STRIDE_BYTES, SLOTS),
                this::allSlotsCameBack,
                round -> takeAndGive(1, round),
                round -> takeAndGive(2, round),
                round -> takeAndGive(3, round));
        assertThat(rounds).isPositive();
    }

    private void takeAndGive(int holder, int round) {
        Random random = new Random(round * 31L + holder);
        int[] held = new int[SLOTS];
        int count = 0;
        for (int step = 0; step < STEPS; step++) {
            if (count < SLOTS && (count == 0 || random.nextBoolean())) {
                int slot = pool.take();
                if (slot != SlotPool.NO_SLOT) {
                    assertThat(holders.compareAndSet(slot, 0, holder))
                            .as("slot %d is free", slot)
                            .isTrue();
                    OffHeap.putInt(memory.address() + (long) slot * STRIDE_BYTES, 1 + random.nextInt(SLOTS));
                    held[count++] = slot;
                }
            } else {
                int which = random.nextInt(count);
                give(held[which], holder);
                held[which] = held[--count];
            }
        }
        while (count > 0) {
            give(held[--count], holder);
        }
    }

    private void give(int slot, int holder) {
        assertThat(holders.compareAndSet(slot, holder, 0))
                .as("slot %d is still mine", slot)
                .isTrue();
        pool.give(slot);
    }

    private void allSlotsCameBack() {
        assertThat(pool.taken()).isZero();
        Set<Integer> taken = new HashSet<>();
        for (int i = 0; i < SLOTS; i++) {
            taken.add(pool.take());
        }
        assertThat(taken).containsExactlyInAnyOrder(0, 1, 2, 3);
        assertThat(pool.take()).isEqualTo(SlotPool.NO_SLOT);
        assertThat(pool.taken()).isEqualTo(SLOTS);
    }
}
