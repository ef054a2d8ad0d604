package io.turnstile.embedded.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.offload.Hunt;
import io.turnstile.offload.spi.PathEnd;
import java.util.EnumMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** {@link PathsModel} on embedded switches: no root, virtual time. {@link Hunt} says how many seeds. */
class PathsModelTest {
    private static final int SEEDS = 8;
    private static final int ROUNDS = 30;

    private final Map<PathEnd, Integer> ends = new EnumMap<>(PathEnd.class);
    private long carried;

    @Test
    void nobodyCanTellWhetherPacketsAreCarried() {
        Hunt.over("paths by hand", SEEDS, this::play);
        assertThat(carried).as("frames that were carried").isGreaterThan(1000);
        assertThat(ends)
                .containsKeys(
                        PathEnd.RULES_CHANGED, PathEnd.CONNECTION_CHANGED, PathEnd.CONNECTION_LEAVES, PathEnd.LOST);
    }

    private void play(long seed) {
        RandomCarrier carrier = new RandomCarrier(seed);
        try (EmbeddedWorld software = new EmbeddedWorld(null);
                EmbeddedWorld carrying = new EmbeddedWorld(carrier)) {
            new PathsModel(seed, software, carrying).play(ROUNDS);
        }
        carried += carrier.carried();
        carrier.ends().forEach((end, count) -> ends.merge(end, count, Integer::sum));
    }
}
