package io.turnstile.stories;

import io.turnstile.lab.Await;
import io.turnstile.lab.LabSwitch;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What {@code ovs-appctl conntrack/offload-show} says, as people read it, and what the dummy provider wrote down there.
 */
final class OffloadReading {
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final Pattern RECORDED = Pattern.compile("(?m)^ *recorded: (\\d+) callbacks");
    private static final Pattern EVENT = Pattern.compile("^ +(\\d+) (.+)$");
    private static final Pattern CONNECTION = Pattern.compile(" [a-z0-9]+,orig=.*");

    private final LabSwitch sw;
    private String before = "";
    private long seenBefore;

    OffloadReading(LabSwitch sw) {
        this.sw = sw;
    }

    String text() {
        return sw.appctl("conntrack/offload-show").run().text();
    }

    /**
     * From now on {@link #events()} has only what comes later; offload must be on, for the dummy provider to be shown.
     */
    void forgetEvents() {
        before = text();
        seenBefore = recorded(before);
    }

    private static long recorded(String text) {
        Matcher matcher = RECORDED.matcher(text);
        if (!matcher.find()) {
            throw new AssertionError("the dummy provider is not shown:\n" + text);
        }
        return Long.parseLong(matcher.group(1));
    }

    /**
     * What the dummy provider wrote down since {@link #forgetEvents}, without the connections; it shows its last ten.
     */
    List<String> events() {
        return lines().map(line -> CONNECTION.matcher(line).replaceFirst("")).toList();
    }

    /** The same with each event's connection behind. */
    List<String> eventsWithConnections() {
        return lines().toList();
    }

    private Stream<String> lines() {
        return text().lines()
                .map(EVENT::matcher)
                .filter(matcher -> matcher.matches() && Long.parseLong(matcher.group(1)) >= seenBefore)
                .map(matcher -> matcher.group(2));
    }

    /** How many events of a kind went well at a provider since {@link #forgetEvents}; negative if it is not shown. */
    long count(String provider, String kind) {
        return total(text(), provider, kind) - Math.max(0, total(before, provider, kind));
    }

    private static long total(String text, String provider, String kind) {
        Matcher matcher = Pattern.compile(
                        "(?ms)^provider " + provider + ":(?:(?!^provider ).)*?^  " + kind + ": (\\d+) ok")
                .matcher(text);
        return matcher.find() ? Long.parseLong(matcher.group(1)) : -1;
    }

    void awaitHeldByDummy(long connections) {
        Await.until(
                connections + " held",
                PATIENCE,
                () -> Pattern.compile("(?ms)^provider dummy:(?:(?!^provider ).)*?^  " + "connections: \\d+ followed, "
                                + connections + " held$")
                        .matcher(text())
                        .find(),
                this::text);
    }

    void awaitEvents(String... expected) {
        Await.until("events " + List.of(expected), PATIENCE, () -> events().equals(List.of(expected)), this::text);
    }

    /** The last of what the dummy provider wrote down, whenever it was. */
    void awaitLastEvents(String... expected) {
        seenBefore = 0;
        Await.until(
                "last events " + List.of(expected), PATIENCE, () -> endsWith(events(), List.of(expected)), this::text);
    }

    private static boolean endsWith(List<String> all, List<String> end) {
        return all.size() >= end.size()
                && all.subList(all.size() - end.size(), all.size()).equals(end);
    }

    void awaitCount(String kind, long count) {
        Await.until(count + " " + kind, PATIENCE, () -> count("dummy", kind) >= count, this::text);
    }
}
