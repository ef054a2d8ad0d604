package io.turnstile.offload;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class CircuitBreakerTest {
    private static final LaneLimits LIMITS = LaneLimits.DEFAULTS;
    private static final long START_NS = Long.MAX_VALUE - 5; // wraps on the way

    private final CircuitBreaker breaker = new CircuitBreaker(LIMITS);

    private static long after(long seconds) {
        return START_NS + TimeUnit.SECONDS.toNanos(seconds);
    }

    @Test
    void onlyFailuresInARowAreTooMuch() {
        for (int i = 1; i < LIMITS.failuresInARow(); i++) {
            assertThat(breaker.failed("add")).isNull();
        }
        breaker.succeeded();
        for (int i = 1; i < LIMITS.failuresInARow(); i++) {
            assertThat(breaker.failed("add")).isNull();
        }
        assertThat(breaker.failed("add: no room")).isEqualTo("16 failures in a row, the last: add: no room");
    }

    @Test
    void onlySlowCallsInARowAreTooMuch() {
        long slowNs = LIMITS.slowCallNs() + 1;
        assertThat(breaker.called(slowNs, START_NS)).isNull();
        assertThat(breaker.called(slowNs, START_NS)).isNull();
        assertThat(breaker.called(LIMITS.slowCallNs(), START_NS)).isNull();
        assertThat(breaker.called(slowNs, START_NS)).isNull();
        assertThat(breaker.called(slowNs, START_NS)).isNull();
        assertThat(breaker.called(slowNs, START_NS)).isEqualTo("3 slow calls in a row, the last took 500 ms");
    }

    @Test
    void eachFurtherOpeningLastsTwiceAsLongUpToAMinute() {
        long nowNs = START_NS;
        for (long seconds : new long[] {1, 2, 4, 8, 16, 32, 60, 60}) {
            breaker.open("cause", nowNs);
            assertThat(breaker.reading(nowNs).retryInNs()).isEqualTo(TimeUnit.SECONDS.toNanos(seconds));
            assertThat(breaker.isDue(nowNs + TimeUnit.SECONDS.toNanos(seconds) - 1))
                    .isFalse();
            nowNs += TimeUnit.SECONDS.toNanos(seconds);
            assertThat(breaker.isDue(nowNs)).isTrue();
            breaker.halfOpen();
            assertThat(breaker.failed("query")).isEqualTo("failed again: query");
        }
        assertThat(breaker.reading(nowNs).openings()).isEqualTo(8);
    }

    @Test
    void halfOpenClosesAfterEnoughSuccesses() {
        breaker.open("cause", START_NS);
        breaker.halfOpen();
        IntStream.range(1, LIMITS.probes()).forEach(i -> breaker.succeeded());
        assertThat(breaker.called(0, START_NS)).isNull();
        assertThat(breaker.reading(START_NS).position()).isEqualTo(CircuitBreaker.Position.HALF_OPEN);
        breaker.succeeded();
        assertThat(breaker.called(0, START_NS)).isNull();
        assertThat(breaker.reading(START_NS).position()).isEqualTo(CircuitBreaker.Position.CLOSED);
    }

    @Test
    void thePauseGrowsUntilTheProviderHasWorkedForAMinute() {
        openAndClose(START_NS);
        long shortOfAMinute = START_NS + LIMITS.provedNs() - 1;
        breaker.open("worked for a while only", shortOfAMinute);
        assertThat(breaker.reading(shortOfAMinute).retryInNs()).isEqualTo(2 * LIMITS.firstBackoffNs());
        closeAfterProbes(START_NS);
        long aMinuteLater = START_NS + LIMITS.provedNs();
        breaker.open("worked for a minute", aMinuteLater);
        assertThat(breaker.reading(aMinuteLater).retryInNs()).isEqualTo(LIMITS.firstBackoffNs());
    }

    private void openAndClose(long nowNs) {
        breaker.open("cause", nowNs);
        closeAfterProbes(nowNs);
    }

    private void closeAfterProbes(long nowNs) {
        breaker.halfOpen();
        IntStream.range(0, LIMITS.probes()).forEach(i -> breaker.succeeded());
        assertThat(breaker.called(0, nowNs)).isNull();
        assertThat(breaker.reading(nowNs).position()).isEqualTo(CircuitBreaker.Position.CLOSED);
    }

    @Test
    void successesBesideAFailureOrInASlowCallProveNothing() {
        breaker.open("cause", START_NS);
        breaker.halfOpen();
        assertThat(breaker.failed("add")).isEqualTo("failed again: add");
        IntStream.range(0, 100).forEach(i -> breaker.succeeded());
        breaker.open("failed again", START_NS);
        assertThat(breaker.reading(START_NS).retryInNs()).isEqualTo(2 * LIMITS.firstBackoffNs());
        breaker.halfOpen();
        IntStream.range(0, 100).forEach(i -> breaker.succeeded());
        assertThat(breaker.called(LIMITS.slowCallNs() + 1, START_NS)).isEqualTo("slow again: a call took 500 ms");
        breaker.open("slow again", START_NS);
        assertThat(breaker.reading(START_NS).retryInNs()).isEqualTo(4 * LIMITS.firstBackoffNs());
    }

    @Test
    void whatIsOpenStaysOpenWhateverComes() {
        breaker.open("first", START_NS);
        breaker.open("second", after(1));
        breaker.succeeded();
        assertThat(breaker.called(Long.MAX_VALUE, START_NS)).isNull();
        assertThat(breaker.failed("late")).isNull();
        assertThat(breaker.reading(START_NS))
                .isEqualTo(
                        new CircuitBreaker.Reading(CircuitBreaker.Position.OPEN, "first", LIMITS.firstBackoffNs(), 1));
    }
}
