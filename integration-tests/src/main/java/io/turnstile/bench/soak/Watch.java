package io.turnstile.bench.soak;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What the soak has seen: the probe's seconds, the process's memory, how long echoes took and what failed. Seconds in
 * which the switch was killed, and some before and after, do not count. Threads: any.
 */
final class Watch {
    /** Longest time without an answer of the probe, ms: other people's work shares the two cores. */
    private static final int LONGEST_GAP_MS = 1000;

    private static final double LOST_PART = 0.001;
    private static final double ECHO_P99_MS = 100;
    /** By how much memory may grow from the second third of the time to the last. */
    private static final double GROWTH = 1.10;

    private static final int FAILURES_SHOWN = 10;
    /** A process that is just up finds its compilers busy. */
    private static final int EXCUSED_SECONDS = 20;

    private final Map<String, Latencies> echoes = new TreeMap<>();
    private final Map<String, Integer> done = new TreeMap<>();
    private final List<String> failures = new ArrayList<>();
    /** What was left after a collection, each time that was looked at. */
    private final List<Long> leftBytes = new ArrayList<>();

    private long residentBytes;
    private int failed;
    private long sent;
    private long answered;
    private long longestGapMs;
    private long worstP99Us;
    private volatile long excusedFromSecond = nowSecond();
    private volatile long excusedUntilSecond = excusedFromSecond + EXCUSED_SECONDS;

    /** From now on until {@link #restarted} the switch is not there. */
    synchronized void killed() {
        excusedFromSecond = nowSecond() - 1;
        excusedUntilSecond = Long.MAX_VALUE;
    }

    synchronized void restarted() {
        excusedUntilSecond = nowSecond() + EXCUSED_SECONDS;
    }

    private static long nowSecond() {
        return System.currentTimeMillis() / 1000;
    }

    /** Asked by who holds other locks: takes none. */
    private boolean isExcused(long second) {
        return second >= excusedFromSecond && second <= excusedUntilSecond;
    }

    /** A line of the probe: second, sent, answered, longest gap in ms, 99th percentile in us. */
    synchronized void probed(String line) {
        String[] words = line.split(" ");
        if (words.length != 5 || isExcused(Long.parseLong(words[0]))) {
            return;
        }
        sent += Long.parseLong(words[1]);
        answered += Long.parseLong(words[2]);
        longestGapMs = Math.max(longestGapMs, Long.parseLong(words[3]));
        worstP99Us = Math.max(worstP99Us, Long.parseLong(words[4]));
    }

    /** Where the times of a kind of echo go. */
    synchronized Latencies echoes(String kind) {
        return echoes.computeIfAbsent(kind, _ -> new Latencies(() -> isExcused(nowSecond())));
    }

    synchronized void resident(long bytes) {
        residentBytes = bytes;
    }

    /** The switch holds this much of the machine's memory, its garbage having been collected. */
    synchronized void weighed(long bytes) {
        leftBytes.add(bytes);
    }

    synchronized void did(String activity) {
        done.merge(activity, 1, Integer::sum);
    }

    synchronized void failed(String activity, Exception failure) {
        if (isExcused(nowSecond())) {
            return;
        }
        failed++;
        if (failures.size() < FAILURES_SHOWN) {
            failures.add(activity + ": " + failure);
        }
    }

    /** One line of how things stand. */
    synchronized String status() {
        return "probe %d of %d back, longest gap %d ms; resident %d MiB; echo p99 %s; failures %d"
                .formatted(answered, sent, longestGapMs, residentBytes >> 20, echoText(), failed);
    }

    private String echoText() {
        StringBuilder text = new StringBuilder();
        echoes.forEach((name, latencies) -> text.append(text.isEmpty() ? "" : ", ")
                .append("%s %.1f ms".formatted(name, latencies.quantileMs(0.99))));
        return text.toString();
    }

    /** Prints figures and bounds; false if one is broken. */
    synchronized boolean verdict() {
        System.out.println("done: " + done);
        failures.forEach(failure -> System.out.println("failure: " + failure));
        boolean holds = bound("failed answers", failed, 0, "");
        holds &= bound(
                "lost part of the probe's datagrams", sent == 0 ? 1 : 1 - (double) answered / sent, LOST_PART, "");
        holds &= bound("longest gap of the probe", (double) longestGapMs, LONGEST_GAP_MS, " ms");
        for (var echo : echoes.entrySet()) {
            holds &= bound(
                    "p99 of %d %s echoes".formatted(echo.getValue().count(), echo.getKey()),
                    echo.getValue().quantileMs(0.99),
                    ECHO_P99_MS,
                    " ms");
        }
        holds &= bound(
                "memory left after a collection, %d MiB in the end, to that at two thirds of the time"
                        .formatted(leftBytes.getLast() >> 20),
                growth(),
                GROWTH,
                "");
        return holds;
    }

    private double growth() {
        return leftBytes.getLast() / (double) leftBytes.getFirst();
    }

    private static boolean bound(String what, double value, double most, String unit) {
        boolean holds = value <= most;
        System.out.printf("%-6s %s: %.4g%s (at most %.4g%s)%n", holds ? "ok" : "BROKEN", what, value, unit, most, unit);
        return holds;
    }
}
