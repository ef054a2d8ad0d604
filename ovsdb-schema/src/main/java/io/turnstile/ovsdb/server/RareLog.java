package io.turnstile.ovsdb.server;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.slf4j.Logger;

/** Warnings of which each is said once a minute, however often its cause recurs. Threads: its owner's. */
final class RareLog {
    private static final long PAUSE_NS = TimeUnit.MINUTES.toNanos(1);
    private static final int MAX_TEXTS = 100;

    private final Logger log;
    private final LongSupplier clockNs;
    private final Map<String, Said> said = new HashMap<>();

    private static final class Said {
        long sinceNs;
        long unsaid;
    }

    RareLog(Logger log, LongSupplier clockNs) {
        this.log = log;
        this.clockNs = clockNs;
    }

    /** Says the text, unless it has been said less than a minute ago. */
    void warn(String text) {
        long nowNs = clockNs.getAsLong();
        Said last = said.get(text);
        if (last != null && nowNs - last.sinceNs < PAUSE_NS) {
            last.unsaid++;
            return;
        }
        if (said.size() >= MAX_TEXTS) {
            said.clear();
        }
        log.warn("{}{}", text, last == null || last.unsaid == 0 ? "" : " (and " + last.unsaid + " times since)");
        Said now = new Said();
        now.sinceNs = nowNs;
        said.put(text, now);
    }
}
