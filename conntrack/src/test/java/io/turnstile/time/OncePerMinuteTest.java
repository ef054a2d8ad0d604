package io.turnstile.time;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OncePerMinuteTest {
    @ParameterizedTest
    @ValueSource(longs = {0, Long.MAX_VALUE - 1_000_000_000L})
    void eachCauseIsDueOnceAMinute(long originNs) {
        ManualClock clock = new ManualClock(originNs, 0);
        OncePerMinute told = new OncePerMinute(clock);
        assertThat(told.isDue("one")).isTrue();
        assertThat(told.isDue("other")).isTrue();
        clock.advance(Duration.ofSeconds(59));
        assertThat(told.isDue("one")).isFalse();
        clock.advance(Duration.ofSeconds(1));
        assertThat(told.isDue("one")).isTrue();
        assertThat(told.isDue("one")).isFalse();
    }

    @Test
    void tooManyCausesCountAsOne() {
        OncePerMinute told = new OncePerMinute(new ManualClock(0, 0));
        int due = 0;
        for (int i = 0; i < 10_000; i++) {
            due += told.isDue("cause " + i) ? 1 : 0;
        }
        assertThat(due).isEqualTo(OncePerMinute.MAX_CAUSES + 1);
    }

    @Test
    void whatIsThrownIsToldApartByClassAndPlaceNotByWords() {
        OncePerMinute told = new OncePerMinute(new ManualClock(0, 0));
        int due = 0;
        for (int i = 0; i < 3; i++) {
            due += told.isDue("x", new IllegalStateException("words " + i)) ? 1 : 0;
        }
        assertThat(due).isEqualTo(1);
        assertThat(told.isDue("x", new IllegalStateException("from another line")))
                .isTrue();
        assertThat(told.isDue("y", new IllegalStateException("of something else")))
                .isTrue();
    }

    @Test
    void whatCannotSayItsCauseIsToldApartByItsClass() {
        class Mute extends RuntimeException {
            private static final long serialVersionUID = 1L;

            @Override
            public synchronized Throwable getCause() {
                throw new StackOverflowError();
            }
        }

        OncePerMinute told = new OncePerMinute(new ManualClock(0, 0));
        assertThat(told.isDue("x", new Mute())).isTrue();
        assertThat(told.isDue("x", new Mute())).isFalse();
    }
}
