package io.turnstile.offload.provider.ebpf;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SettingsTest {
    private final List<String> complaints = new ArrayList<>();

    @Test
    void whatIsNotSaidIsTheDefault() {
        assertThat(Settings.of(Map.of(), complaints::add)).isEqualTo(new Settings(1_048_576, 500, 500));
        assertThat(complaints).isEmpty();
    }

    @Test
    void whatIsSaidCounts() {
        assertThat(Settings.of(Map.of("max-paths", "10", "sweep-ms", " 100 ", "settle-us", "0"), complaints::add))
                .isEqualTo(new Settings(10, 100, 0));
        assertThat(complaints).isEmpty();
    }

    @Test
    void whatCannotBeUsedIsComplainedAboutAndAsIfItWereNotThere() {
        assertThat(Settings.of(Map.of("max-paths", "0", "sweep-ms", "often"), complaints::add))
                .isEqualTo(Settings.DEFAULT);
        assertThat(complaints)
                .containsExactlyInAnyOrder(
                        "max-paths: \"0\" is no number from 1 to 16777216: 1048576 is used",
                        "sweep-ms: \"often\" is no number from 10 to 10000: 500 is used");
    }
}
