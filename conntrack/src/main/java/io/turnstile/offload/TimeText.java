package io.turnstile.offload;

import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** Times as people read them. Threads: stateless. */
final class TimeText {
    private static final DateTimeFormatter OF_DAY = DateTimeFormatter.ofPattern("HH:mm:ss");

    private TimeText() {}

    /** Local time of day, {@code 12:01:07}. */
    static String ofDay(long wallMs) {
        return OF_DAY.format(Instant.ofEpochMilli(wallMs).atZone(ZoneId.systemDefault()));
    }

    /** {@code 0.042 ms}. */
    static String ms(double ms) {
        return String.format(Locale.ROOT, "%.3f ms", ms);
    }
}
