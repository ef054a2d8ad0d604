package io.turnstile.offload;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Beside an oracle that remembers every reading of both clocks. */
class WallClockHistoryTest {
    private static final long EPOCH_MS = 1_700_000_000_000L;
    private static final long START_NS = Long.MAX_VALUE - TimeUnit.MINUTES.toNanos(1); // wraps on the way
    private static final long STEP_MS = 20;

    private long nowNs = START_NS;
    private long wallMs = EPOCH_MS;
    private final WallClockHistory wallClock = new WallClockHistory(nowNs, wallMs);

    private void pass(long ms) {
        for (long passed = 0; passed < ms; passed += STEP_MS) {
            nowNs += TimeUnit.MILLISECONDS.toNanos(STEP_MS);
            wallMs += STEP_MS;
            wallClock.observe(nowNs, wallMs);
        }
    }

    private void jump(long ms) {
        wallMs += ms;
        wallClock.observe(nowNs, wallMs);
    }

    @Test
    void withoutAJumpAgeIsTheDifference() {
        pass(10_000);
        assertThat(wallClock.ageMs(EPOCH_MS + 4_000, nowNs)).isEqualTo(6_000);
        assertThat(wallClock.ageMs(EPOCH_MS - 1_000, nowNs))
                .as("before the wallClock began")
                .isEqualTo(11_000);
        assertThat(wallClock.ageMs(wallMs + 500, nowNs)).as("not yet").isEqualTo(-500);
    }

    @Test
    void aUseBeforeAJumpForwardsIsNoOlderThanItWas() {
        pass(10_000);
        long usedMs = wallMs;
        pass(1_000);
        jump(TimeUnit.HOURS.toMillis(1));
        pass(2_000);
        assertThat(wallClock.ageMs(usedMs, nowNs)).isEqualTo(3_000);
        assertThat(wallClock.ageMs(wallMs - 1_000, nowNs)).isEqualTo(1_000);
        assertThat(wallClock.ageMs(usedMs + 600_000, nowNs))
                .as("a time that never was")
                .isEqualTo(2_000);
    }

    @Test
    void aUseBeforeAJumpBackwardsIsNotInTheFuture() {
        pass(10_000);
        long usedMs = wallMs;
        pass(1_000);
        jump(-TimeUnit.HOURS.toMillis(1));
        pass(2_000);
        assertThat(wallClock.ageMs(usedMs, nowNs)).isEqualTo(3_000);
        assertThat(wallClock.ageMs(wallMs - 1_000, nowNs)).isEqualTo(1_000);
    }

    @Test
    void aClockThatIsSlewedDoesNotJump() {
        long usedMs = 0;
        for (int i = 0; i < 100_000; i++) { // 500 ppm
            pass(STEP_MS);
            jump(i % 100 == 0 ? 1 : 0);
            usedMs = i == 99_000 ? wallMs : usedMs;
        }
        assertThat(wallClock.ageMs(usedMs, nowNs)).isBetween(999L * STEP_MS, 999L * STEP_MS + 20);
    }

    /** Any reading of the last spans is dated to one of the moments at which the clock showed it. */
    @Test
    void anyReadingIsDatedToAMomentAtWhichTheClockShowedIt() {
        for (long seed = 1; seed <= 30; seed++) {
            Random random = new Random(seed);
            List<long[]> shown = new ArrayList<>();
            for (int i = 0; i < WallClockHistory.CAPACITY - 1; i++) {
                for (int step = random.nextInt(500); step >= 0; step--) {
                    pass(STEP_MS);
                    shown.add(new long[] {nowNs, wallMs});
                }
                long distanceMs = 600 + random.nextInt(5_000_000);
                jump(random.nextBoolean() ? distanceMs : -distanceMs);
                shown.add(new long[] {nowNs, wallMs});
            }
            for (int i = 0; i < 200; i++) {
                long reading = shown.get(shown.size() - 1 - random.nextInt(Math.min(shown.size(), 400)))[1];
                long ageMs = wallClock.ageMs(reading, nowNs);
                assertThat(shown)
                        .as("seed %d, reading %d", seed, reading)
                        .anyMatch(moment -> moment[1] == reading
                                && Math.abs(TimeUnit.NANOSECONDS.toMillis(nowNs - moment[0]) - ageMs) <= STEP_MS);
            }
        }
    }
}
