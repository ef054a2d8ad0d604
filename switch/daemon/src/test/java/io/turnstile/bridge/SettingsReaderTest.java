package io.turnstile.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

class SettingsReaderTest {
    private static final int DEFAULT = 300;

    private final Logger log = (Logger) LoggerFactory.getLogger(SettingsReader.class);
    private final ListAppender<ILoggingEvent> appender = new ListAppender<>();
    private final SettingsReader values = new SettingsReader("bridge br0");

    @BeforeEach
    void listen() {
        appender.start();
        log.addAppender(appender);
    }

    @AfterEach
    void stopListening() {
        log.detachAppender(appender);
    }

    private List<String> warnings() {
        return appender.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
    }

    private int read(String text) {
        return values.number(Map.of("age", text), "age", 1, DEFAULT);
    }

    @Test
    void goodAndAbsentValuesAreTakenInSilence() {
        assertThat(read("15")).isEqualTo(15);
        assertThat(read("2147483647")).isEqualTo(Integer.MAX_VALUE);
        assertThat(values.number(Map.of(), "age", 1, DEFAULT)).isEqualTo(DEFAULT);
        assertThat(warnings()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "soon", "0", "-1", "1.5", "2147483648", "99999999999999999999"})
    void badValueIsTheDefaultAndWarnedOfOnce(String text) {
        for (int i = 0; i < 3; i++) {
            assertThat(read(text)).isEqualTo(DEFAULT);
        }
        assertThat(warnings()).containsExactly("bridge br0: age=" + text + ": not a whole number from 1, taken as 300");
    }

    @Test
    void anotherBadValueAndARelapseAreWarnedOfAnew() {
        read("soon");
        read("later");
        read("15");
        read("later");
        assertThat(warnings()).hasSize(3);
    }
}
