package io.turnstile.appctl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.turnstile.telemetry.OffloadMonitor.From;
import io.turnstile.telemetry.OffloadMonitor.Request;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OffloadMonitorArgumentsTest {

    @Test
    void allMayBeLeftOut() throws Exception {
        assertThat(OffloadMonitorArguments.parse(List.of())).isEqualTo(new Request(new From.Oldest(), 1000, 0));
        assertThat(OffloadMonitorArguments.parse(List.of("wait=60000", "since=0", "limit=10000")))
                .isEqualTo(new Request(new From.After(0), 10_000, 60_000));
        assertThat(OffloadMonitorArguments.parse(List.of("since=now"))).isEqualTo(new Request(new From.Now(), 1000, 0));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            since=-1    | since=-1: not a whole number from 0 on
            since=      | since=: not a whole number from 0 on
            since=+1    | since=+1: not a whole number from 0 on
            limit=0     | limit=0: not a whole number from 1 to 10000
            limit=10001 | limit=10001: not a whole number from 1 to 10000
            limit       | limit=: not a whole number from 1 to 10000
            wait=60001  | wait=60001: not a whole number from 0 to 60000
            wait=1s     | wait=1s: not a whole number from 0 to 60000
            foo=1       | invalid argument foo=1
            """)
    void whatIsWrongIsSaid(String word, String error) {
        assertThatThrownBy(() -> OffloadMonitorArguments.parse(List.of(word))).hasMessage(error);
    }

    @Test
    void nothingIsSaidTwice() {
        assertThatThrownBy(() -> OffloadMonitorArguments.parse(List.of("wait=1", "wait=1")))
                .hasMessage("wait is set multiple times");
    }
}
