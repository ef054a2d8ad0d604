package io.turnstile.control;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the log is told of the control socket: one line per cause and minute, whatever askers say, and nothing of theirs
 * that could end a line.
 *
 * <p>Threads: any.
 */
final class ControlLog {
    private static final Logger LOG = LoggerFactory.getLogger(ControlServer.class);
    private static final long PAUSE_NS = TimeUnit.MINUTES.toNanos(1);
    private static final int MOST_CAUSES = 64;
    private static final int MOST_CHARACTERS = 500;
    private static final int MOST_FRAMES = 12;

    private final Map<String, Long> saidNs = new LinkedHashMap<>(); // guarded by this

    /** Something that is the asker's doing. */
    void warn(String what) {
        if (isDue(what)) {
            LOG.warn("{}", what);
        }
    }

    /** A command has failed, which is a fault of ours. */
    void failed(Request request, Throwable failure) {
        StackTraceElement[] frames = failure.getStackTrace();
        String place = frames.length == 0 ? "" : frames[0].toString();
        if (isDue(failure.getClass().getName() + place)) {
            StringBuilder line = new StringBuilder("command ").append(escaped(request.method()));
            line.append(' ').append(escaped(String.valueOf(request.words())));
            line.append(" failed: ").append(escaped(failure.toString()));
            for (int i = 0; i < frames.length && i < MOST_FRAMES; i++) {
                line.append(i == 0 ? " at " : " < ").append(frames[i]);
            }
            LOG.error("{}", line);
        }
    }

    /** The text without anything that would begin a new line, and not too long. */
    static String escaped(String text) {
        StringBuilder shown = new StringBuilder();
        text.codePoints().limit(MOST_CHARACTERS).forEach(next -> {
            int type = Character.getType(next);
            boolean ends = Character.isISOControl(next)
                    || type == Character.LINE_SEPARATOR
                    || type == Character.PARAGRAPH_SEPARATOR;
            if (ends) {
                shown.append(String.format(Locale.ROOT, "\\u%04x", next));
            } else {
                shown.appendCodePoint(next);
            }
        });
        return shown.append(text.codePointCount(0, text.length()) > MOST_CHARACTERS ? "…" : "")
                .toString();
    }

    private synchronized boolean isDue(String cause) {
        long nowNs = System.nanoTime();
        Long before = saidNs.get(cause);
        if (before != null && nowNs - before < PAUSE_NS) {
            return false;
        }
        if (before == null && saidNs.size() >= MOST_CAUSES) {
            saidNs.values().removeIf(said -> nowNs - said >= PAUSE_NS);
            if (saidNs.size() >= MOST_CAUSES) {
                return false;
            }
        }
        saidNs.put(cause, nowNs);
        return true;
    }
}
