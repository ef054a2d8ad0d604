package io.turnstile.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.offload.NamedProvider;
import io.turnstile.offload.ProviderRegistry;
import java.util.List;
import org.junit.jupiter.api.Test;

class DummyLevelTest {
    private static List<String> chosen(DummyLevel level, String priority) {
        return ProviderRegistry.discover(DummyLevelTest.class.getClassLoader(), null, level.providersOnlyIfNamed())
                .inOrder(priority)
                .stream()
                .map(NamedProvider::name)
                .toList();
    }

    @Test
    void theDummyProviderTakesConnectionsOnlyWhereItIsNamedOrDummiesAreEnabled() {
        assertThat(chosen(DummyLevel.NONE, "")).containsExactly("ebpf");
        assertThat(chosen(DummyLevel.NONE, "dummy,none")).containsExactly("dummy");
        assertThat(chosen(DummyLevel.ALLOWED, "")).containsExactlyInAnyOrder("dummy", "ebpf");
        assertThat(chosen(DummyLevel.OVERRIDE_ALL, "")).containsExactlyInAnyOrder("dummy", "ebpf");
        assertThat(chosen(DummyLevel.OVERRIDE_SYSTEM, "")).containsExactlyInAnyOrder("dummy", "ebpf");
    }
}
