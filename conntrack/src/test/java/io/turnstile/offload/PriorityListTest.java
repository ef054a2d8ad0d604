package io.turnstile.offload;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.offload.spi.OffloadProvider;
import java.util.List;
import org.junit.jupiter.api.Test;

class PriorityListTest {
    private final List<NamedProvider> three = List.of(named("gamma"), named("alpha"), named("beta"));

    private static NamedProvider named(String name) {
        return new NamedProvider(name, OffloadProvider.DEFAULT_PRIORITY, new ScriptedProvider(name));
    }

    private List<String> order(String list) {
        return PriorityList.parse(list).order(three).stream()
                .map(NamedProvider::name)
                .toList();
    }

    @Test
    void namesComeFirstAndTheOthersFollow() {
        assertThat(order("gamma,alpha")).containsExactly("gamma", "alpha", "beta");
        assertThat(order("  beta \t gamma,,beta ")).containsExactly("beta", "gamma", "alpha");
        assertThat(order("")).containsExactly("alpha", "beta", "gamma");
        assertThat(PriorityList.parse(null)).isSameAs(PriorityList.EMPTY);
    }

    @Test
    void noneEndsTheListForEverybodyElse() {
        assertThat(order("beta,none,alpha")).containsExactly("beta");
        assertThat(order("none")).isEmpty();
        assertThat(PriorityList.parse("beta none").admits("beta")).isTrue();
        assertThat(PriorityList.parse("beta none").admits("alpha")).isFalse();
        assertThat(PriorityList.parse("beta").admits("alpha")).isTrue();
    }

    @Test
    void namesThatNobodyBearsAreSkippedAndTold() {
        assertThat(order("delta,beta")).containsExactly("beta", "alpha", "gamma");
        assertThat(PriorityList.parse("delta,beta,none").unknownAmong(List.of("alpha", "beta")))
                .containsExactly("delta");
    }
}
