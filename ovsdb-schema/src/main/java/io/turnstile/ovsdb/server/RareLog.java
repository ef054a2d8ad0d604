package io.turnstile.ovsdb.server;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongSupplier;
import org.slf4j.Logger;

/**
 * Warnings about clients, each cause at most once a minute: whoever makes the server warn cannot fill the log, nor
 * write lines of his own into it.
 *
 * <p>Threads: any.
 */
final class RareLog {
    private static final long PAUSE_NS = 60_000_000_000L;
    /** Causes are the code's, so there are few; classes of exceptions might be many. */
    private static final int MAX_CAUSES = 64;

    private static final int MAX_CHARS = 300;

    private final Logger log;
    private final LongSupplier clockNs;
    private final Map<String, Cause> causes = new LinkedHashMap<>(); // guarded by this

    RareLog(Logger log, LongSupplier clockNs) {
        this.log = log;
        this.clockNs = clockNs;
    }

    private static final class Cause {
        long loggedNs;
        long unlogged;
    }

    /**
     * Warns, unless the same cause was warned of within a minute.
     *
     * @param cause tells kinds of warnings apart; never a client's own words
     * @param line may quote a client
     */
    void warn(String cause, String line) {
        long unlogged = unloggedBefore(cause);
        if (unlogged >= 0) {
            log.warn("{}{}", printable(line), unlogged == 0 ? "" : " (and " + unlogged + " more like this before)");
        }
    }

    /** How many of that cause were not logged since the last one was; -1 if this one is not to be logged either. */
    private synchronized long unloggedBefore(String name) {
        String key = causes.size() < MAX_CAUSES || causes.containsKey(name) ? name : "other causes";
        Cause cause = causes.get(key);
        long nowNs = clockNs.getAsLong();
        if (cause == null) {
            cause = new Cause();
            causes.put(key, cause);
        } else if (nowNs - cause.loggedNs < PAUSE_NS) {
            cause.unlogged++;
            return -1;
        }
        long unlogged = cause.unlogged;
        cause.loggedNs = nowNs;
        cause.unlogged = 0;
        return unlogged;
    }

    /** The text as one line of bounded length; what is no printable character is shown by its number. */
    static String printable(String text) {
        StringBuilder line = new StringBuilder();
        for (int i = 0; i < text.length() && line.length() < MAX_CHARS; i++) {
            char c = text.charAt(i);
            boolean plain = switch (Character.getType(c)) {
                case Character.CONTROL,
                        Character.FORMAT,
                        Character.SURROGATE,
                        Character.LINE_SEPARATOR,
                        Character.PARAGRAPH_SEPARATOR,
                        Character.PRIVATE_USE,
                        Character.UNASSIGNED -> false;
                default -> true;
            };
            if (plain) {
                line.append(c);
            } else {
                line.append("\\u%04x".formatted((int) c));
            }
        }
        return line.length() < MAX_CHARS ? line.toString() : line + "...";
    }
}
