package io.turnstile.ovsdb.server;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** Each cause is said once a minute. */
class RareLogTest {
    @Test
    void eachTextIsSaidOnceAMinuteWithHowOftenItCame() {
        Logger logger = (Logger) LoggerFactory.getLogger("rare");
        ListAppender<ILoggingEvent> log = new ListAppender<>();
        log.start();
        logger.addAppender(log);
        long[] nowNs = {Long.MAX_VALUE - 5};
        RareLog rare = new RareLog(logger, () -> nowNs[0]);
        rare.warn("full");
        rare.warn("full");
        rare.warn("other");
        nowNs[0] += TimeUnit.SECONDS.toNanos(59);
        rare.warn("full");
        nowNs[0] += TimeUnit.SECONDS.toNanos(1);
        rare.warn("full");
        rare.warn("full");
        assertThat(log.list.stream().map(ILoggingEvent::getFormattedMessage).toList())
                .isEqualTo(List.of("full", "other", "full (and 2 times since)"));
        for (int i = 0; i < 1_000; i++) {
            rare.warn("text " + i);
        }
        assertThat(log.list).as("said, and not all of them kept").hasSize(1_003);
        logger.detachAppender(log);
    }
}
