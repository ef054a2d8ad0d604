package io.turnstile.ovsdb.server;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

class RareLogTest {
    private static final long SECOND_NS = 1_000_000_000;

    private final Logger logger = (Logger) LoggerFactory.getLogger("rare");
    private final ListAppender<ILoggingEvent> lines = new ListAppender<>();
    private long nowNs = Long.MAX_VALUE - SECOND_NS;
    private final RareLog log = new RareLog(logger, () -> nowNs);

    @BeforeEach
    void listen() {
        lines.start();
        logger.addAppender(lines);
    }

    @AfterEach
    void stop() {
        logger.detachAppender(lines);
    }

    private List<String> lines() {
        return lines.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
    }

    @Test
    void aCauseIsLoggedOnceAMinuteAndTheOthersAreCounted() {
        for (int i = 0; i < 60; i++) {
            log.warn("a", "a" + i);
            log.warn("b", "b" + i);
            nowNs += SECOND_NS;
        }
        log.warn("a", "again");
        assertThat(lines()).containsExactly("a0", "b0", "again (and 59 more like this before)");
    }

    @Test
    void causesWithoutEndShareOneLine() {
        for (int i = 0; i < 1000; i++) {
            log.warn("cause " + i, "line " + i);
        }
        assertThat(lines()).hasSize(65);
    }

    @Test
    void whatAClientChoseForgesNoLine() {
        log.warn("c", "x\n2026-01-01 ERROR forged\r\u001b[31m\u2028\u202e\0" + "y".repeat(1000));
        assertThat(lines()).hasSize(1);
        assertThat(lines().getFirst())
                .startsWith("x\\u000a2026-01-01 ERROR forged\\u000d\\u001b[31m\\u2028\\u202e\\u0000yyy")
                .hasSizeLessThan(320);
    }
}
