package io.turnstile.stories;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.embedded.model.PathsModel;
import io.turnstile.offload.Hunt;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * {@link PathsModel} with two processes, real tools and real frames: in one the kernel carries what it may.
 * {@link Hunt} says how long.
 */
@Tag("system")
class CarriedModelStoryTest {
    private static final int ROUNDS = 12;

    @Test
    void nobodyCanTellWhetherTheKernelCarries() {
        Hunt.over("paths in the kernel", 1, seed -> {
            try (KernelWorld software = new KernelWorld("ms", false);
                    KernelWorld carrying = new KernelWorld("mc", true)) {
                new PathsModel(seed, software, carrying).play(ROUNDS);
                assertThat(carrying.lookedUp()).as("looked up by software").isLessThan(software.lookedUp());
            }
        });
    }
}
