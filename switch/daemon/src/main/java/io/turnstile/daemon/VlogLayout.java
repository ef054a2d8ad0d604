package io.turnstile.daemon;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.LayoutBase;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The layout of log lines is Open vSwitch's, {@code time|sequence number|module|level|message} with the time in UTC, so
 * that scripts made for ovs-vswitchd's log find what they look for. Each destination numbers its own lines. Classes
 * that belong to no module are named themselves.
 */
final class VlogLayout extends LayoutBase<ILoggingEvent> {
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);

    /** A line by hand; it has no number, for nobody counts any more when it is needed. */
    static String line(Instant when, String module, String level, String message) {
        return TIME.format(when) + "|00000|" + module + "|" + level + "|" + message + "\n";
    }

    private final AtomicLong lines = new AtomicLong();

    @Override
    public String doLayout(ILoggingEvent event) {
        StringBuilder line = new StringBuilder(120);
        TIME.formatTo(Instant.ofEpochMilli(event.getTimeStamp()), line);
        line.append("|%05d|".formatted(lines.incrementAndGet()))
                .append(LogSettings.module(event.getLoggerName()).orElse(event.getLoggerName()))
                .append('|')
                .append(LogSettings.levelName(event.getLevel()))
                .append('|')
                .append(event.getFormattedMessage())
                .append('\n');
        if (event.getThrowableProxy() != null) {
            line.append(ThrowableProxyUtil.asString(event.getThrowableProxy()));
        }
        return line.toString();
    }
}
