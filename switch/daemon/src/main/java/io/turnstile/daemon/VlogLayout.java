package io.turnstile.daemon;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.IThrowableProxy;
import ch.qos.logback.classic.spi.StackTraceElementProxy;
import ch.qos.logback.core.LayoutBase;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Marker;
import org.slf4j.MarkerFactory;

/**
 * The layout of log lines is Open vSwitch's, {@code time|sequence number|module|level|message} with the time in UTC, so
 * that scripts made for ovs-vswitchd's log find what they look for, unless somebody sets a {@link VlogPattern}. Each
 * destination numbers its own lines. Classes that belong to no module are named themselves.
 *
 * <p>What is logged may quote anybody: control characters in it, ends of lines among them, are written out, so that
 * nobody can make a line of their own, unless the message bears the marker {@code LINES}: its ends of lines are its
 * maker's. A stack trace follows its line, with no more than {@link #MAX_FRAMES} of each throwable.
 */
final class VlogLayout extends LayoutBase<ILoggingEvent> {
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);

    /** What a message with ends of lines of its own bears. Nothing that others chose stands in such a message. */
    private static final Marker LINES = MarkerFactory.getMarker("LINES");

    static final int MAX_FRAMES = 60;
    /** A cause has a cause, and may have it in a circle. */
    private static final int MAX_CAUSES = 8;

    /** A line by hand; it has no number, for nobody counts any more when it is needed. */
    static String line(Instant when, String module, String level, String message) {
        return TIME.format(when) + "|00000|" + module + "|" + level + "|" + oneLine(message) + "\n";
    }

    /** The text with its control characters written out. */
    static String oneLine(String text) {
        StringBuilder line = new StringBuilder(text.length());
        appendOneLine(line, text);
        return line.toString();
    }

    private static void appendOneLine(StringBuilder line, @Nullable String text) {
        for (int i = 0; text != null && i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '\n' -> line.append("\\n");
                case '\r' -> line.append("\\r");
                case '\t' -> line.append("\\t");
                case '\u2028', '\u2029' -> line.append("\\u%04x".formatted((int) c));
                default -> {
                    if (Character.isISOControl(c)) {
                        line.append("\\x%02x".formatted((int) c));
                    } else {
                        line.append(c);
                    }
                }
            }
        }
    }

    private final AtomicLong lines = new AtomicLong();
    private volatile VlogPattern pattern = VlogPattern.USUAL;

    void setPattern(VlogPattern wanted) {
        pattern = wanted;
    }

    @Override
    public String doLayout(ILoggingEvent event) {
        StringBuilder line = new StringBuilder(120);
        String module = LogModules.label(event.getLoggerName()).orElse(event.getLoggerName());
        pattern.format(line, event, module, message(event), lines.incrementAndGet());
        line.append('\n');
        String relation = "";
        IThrowableProxy thrown = event.getThrowableProxy();
        for (int i = 0; thrown != null && i < MAX_CAUSES; i++, thrown = thrown.getCause()) {
            appendTrace(line, relation, thrown);
            relation = "Caused by: ";
        }
        return line.toString();
    }

    private static String message(ILoggingEvent event) {
        String said = event.getFormattedMessage();
        return event.getMarkerList() != null && event.getMarkerList().contains(LINES)
                ? said.lines().map(VlogLayout::oneLine).collect(Collectors.joining("\n"))
                : oneLine(said);
    }

    private static void appendTrace(StringBuilder lines, String relation, IThrowableProxy thrown) {
        lines.append(relation).append(thrown.getClassName());
        if (thrown.getMessage() != null) {
            lines.append(": ");
            appendOneLine(lines, thrown.getMessage());
        }
        lines.append('\n');
        StackTraceElementProxy[] frames = thrown.getStackTraceElementProxyArray();
        int own = frames == null ? 0 : frames.length - thrown.getCommonFrames();
        for (int i = 0; i < Math.min(own, MAX_FRAMES); i++) {
            lines.append('\t').append(frames[i].getSTEAsString()).append('\n');
        }
        if (own > MAX_FRAMES) {
            lines.append("\t... ").append(own - MAX_FRAMES).append(" more\n");
        }
        for (IThrowableProxy suppressed : thrown.getSuppressed()) {
            lines.append("\tSuppressed: ").append(suppressed.getClassName()).append(": ");
            appendOneLine(lines, suppressed.getMessage());
            lines.append('\n');
        }
    }
}
