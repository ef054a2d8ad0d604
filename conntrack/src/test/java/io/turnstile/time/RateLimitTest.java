package io.turnstile.time;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RateLimitTest {
    private static final int LINES = 60;

    private static long dueOf(RateLimit limit, int asked) {
        return IntStream.range(0, asked).filter(i -> limit.isDue()).count();
    }

    @ParameterizedTest
    @ValueSource(longs = {0, Long.MAX_VALUE - 1_000_000_000L})
    void aMinutesLinesMayComeAtOnceAndThenOneBySecond(long originNs) {
        ManualClock clock = new ManualClock(originNs, 0);
        RateLimit limit = new RateLimit("x", LINES, clock);
        assertThat(dueOf(limit, 1000)).isEqualTo(LINES);
        clock.advance(Duration.ofMillis(999));
        assertThat(limit.isDue()).isFalse();
        clock.advance(Duration.ofMillis(1));
        assertThat(dueOf(limit, 10)).isOne();
        clock.advance(Duration.ofSeconds(7));
        assertThat(dueOf(limit, 10)).isEqualTo(7);
        clock.advance(Duration.ofHours(1));
        assertThat(dueOf(limit, 1000)).as("no more than a minute's is saved up").isEqualTo(LINES);
    }

    @Test
    void theBoundsOfSomeLoggersAreLiftedAndComeBack() {
        RateLimit one = RateLimit.perMinute("io.turnstile.test.one", LINES);
        RateLimit other = RateLimit.perMinute("io.turnstile.test.other", LINES);
        RateLimit.setLifted(logger -> logger.endsWith(".one"), true);
        assertThat(dueOf(one, 1000)).isEqualTo(1000);
        assertThat(dueOf(other, 1000)).isLessThan(1000);
        RateLimit.setLifted(logger -> logger.endsWith(".one"), false);
        assertThat(dueOf(one, 1000)).isLessThan(1000);
    }
}
