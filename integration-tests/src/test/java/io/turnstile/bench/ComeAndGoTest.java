package io.turnstile.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Short lives with two providers that have threads of their own, as in {@code ./turnstile bench offload lives}. */
class ComeAndGoTest {
    private static final int LIVES = 100_000;
    /** Of every second block the providers must hold all. */
    private static final int AWAITED = LIVES / 2;
    /** The first of each four is awaited and expires. */
    private static final int ASKED = 3 * ComeAndGo.BLOCK;

    private final CountingProvider alpha = new CountingProvider("alpha");
    private final CountingProvider beta = new CountingProvider("beta");

    @Test
    void nothingIsHeldAfterAHundredThousandLives() {
        try (ComeAndGo world = new ComeAndGo(List.of(alpha, beta))) {
            world.live(LIVES);
            assertThat(world.connections()).isZero();
            assertThat(world.longestQueue())
                    .as("at most one place for each entry in use")
                    .isBetween(1L, (long) ComeAndGo.AT_ONCE);
            for (CountingProvider provider : List.of(alpha, beta)) {
                assertThat(provider.faults()).isZero();
                assertThat(provider.held()).isZero();
                assertThat(provider.adds()).isBetween((long) AWAITED, (long) LIVES);
                assertThat(provider.deletes()).isEqualTo(provider.adds());
                assertThat(provider.established()).isBetween((long) AWAITED, provider.adds());
                assertThat(provider.updates()).as("asked before they expired").isGreaterThanOrEqualTo(ASKED);
            }
        }
    }
}
