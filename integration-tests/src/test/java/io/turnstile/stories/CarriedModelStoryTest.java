package io.turnstile.stories;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.embedded.model.PathsModel;
import io.turnstile.lab.Lab;
import io.turnstile.offload.Hunt;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The model of paths with real frames: two daemons get the same random rules, conversations and changes, and of one of
 * them the kernel carries what it may. {@link Hunt} says how many seeds.
 */
@Tag("system")
class CarriedModelStoryTest {
    private static final int SEEDS = 2;
    private static final int ROUNDS = 12;

    private int carried;

    @Test
    void nobodyCanTellWhetherTheKernelCarries() {
        Hunt.over("paths in the kernel", SEEDS, this::play);
        assertThat(carried).as("connections that were carried").isPositive();
    }

    private void play(long seed) {
        try (Lab lab = new Lab("cm")) {
            WireWorld software = new WireWorld(lab, "s", false);
            WireWorld carrying = new WireWorld(lab, "c", true);
            new PathsModel(seed, software, carrying).play(ROUNDS);
            carried += carrying.mostCarried();
        }
    }
}
