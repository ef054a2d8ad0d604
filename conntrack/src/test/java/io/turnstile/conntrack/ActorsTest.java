package io.turnstile.conntrack;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ActorsTest {
    private final Actors actors = new Actors();

    @Test
    void aNameIsOneLineWhateverABridgeIsCalled() {
        int number = actors.number("openflow br\n0\u001b[31m\u2028\u0085x");
        assertThat(actors.name(number)).isEqualTo("openflow br?0?[31m??x");
        assertThat(actors.number("openflow br\n0\u001b[31m\u2028\u0085x"))
                .as("it is known again")
                .isEqualTo(number);
    }

    @Test
    void namesThatAreWrittenAlikeAreDifferentActors() {
        assertThat(actors.number("br\n")).isNotEqualTo(actors.number("br\t"));
    }
}
