package io.turnstile.offload;

import io.turnstile.offload.LaneMetrics.Distribution;
import java.util.List;
import java.util.Locale;
import java.util.StringJoiner;

/** Text about the dispatcher for people. Made for one look. */
final class OffloadReport {
    private final OffloadDispatcher dispatcher;
    private final DispatcherContext context;
    private final List<Lane> lanes;

    OffloadReport(OffloadDispatcher dispatcher, DispatcherContext context, List<Lane> lanes) {
        this.dispatcher = dispatcher;
        this.context = context;
        this.lanes = lanes;
    }

    String text() {
        StringBuilder text = new StringBuilder();
        text.append("hw-offload: ")
                .append(dispatcher.isEnabled() ? "enabled" : "disabled")
                .append('\n');
        if (dispatcher.isEnabled()) {
            text.append("implausible last-used answers: ")
                    .append(context.lastUse().implausible())
                    .append('\n');
        }
        for (ProviderStatus status : dispatcher.providers()) {
            text.append("provider ")
                    .append(status.name())
                    .append(": priority ")
                    .append(status.priority())
                    .append(", ")
                    .append(status.state())
                    .append('\n');
            lanes.stream()
                    .filter(lane -> dispatcher.isEnabled() && lane.name().equals(status.name()))
                    .forEach(lane -> appendLane(text, lane));
        }
        List<String> failures = context.causes().lines();
        if (!failures.isEmpty()) {
            text.append("failures:\n");
            failures.forEach(line -> text.append("  ").append(line).append('\n'));
        }
        return text.toString();
    }

    private static void appendLane(StringBuilder text, Lane lane) {
        LaneMetrics metrics = lane.metrics;
        OffloadSession.Census census = lane.census();
        line(text, "breaker", breaker(lane.breakerReading()));
        line(
                text,
                "connections",
                census.followed() + " followed, " + census.held() + " held"
                        + (census.waiting() == 0 ? "" : ", " + census.waiting() + " to be offered later"));
        line(
                text,
                "queue",
                lane.queueDepth() + " waiting, the first for " + TimeText.ms(lane.oldestWaitNs() / 1e6) + ", "
                        + metrics.queueFullCount() + " refused as full");
        line(text, "never announced", String.valueOf(metrics.neverAnnouncedCount()));
        line(text, "calls", metrics.callCount() + ", " + metrics.givenUpCount() + " given up");
        line(text, "call length", lengths(metrics.batchLengths()));
        line(text, "call time", times(metrics.callTimesNs()));
        line(text, "waiting time", times(metrics.waitTimesNs()));
        for (OffloadEvent.Kind kind : OffloadEvent.Kind.values()) {
            StringJoiner counts = new StringJoiner(", ");
            for (OperationOutcome outcome : OperationOutcome.values()) {
                long count = metrics.count(kind, outcome);
                if (count != 0 || outcome == OperationOutcome.OK) {
                    counts.add(count + " " + outcome);
                }
            }
            if (!kind.isOfPaths() || lane.carries()) {
                line(text, kind.toString(), counts.toString());
            }
        }
        if (metrics.carriedPackets() != 0) {
            line(text, "carried", metrics.carriedPackets() + " packets, " + metrics.carriedBytes() + " bytes");
        }
        lane.numbers.lines().forEach(number -> text.append("  ").append(number).append('\n'));
        lane.description()
                .forEach(described -> text.append("  ").append(described).append('\n'));
    }

    /** {@code p50 1, p99 64, max 64}. */
    private static String lengths(Distribution lengths) {
        return String.format(Locale.ROOT, "p50 %.0f, p99 %.0f, max %.0f", lengths.p50(), lengths.p99(), lengths.max());
    }

    /** {@code p50 0.010 ms, p99 0.400 ms, max 1.000 ms}. */
    private static String times(Distribution timesNs) {
        return "p50 " + TimeText.ms(timesNs.p50() / 1e6) + ", p99 " + TimeText.ms(timesNs.p99() / 1e6) + ", max "
                + TimeText.ms(timesNs.max() / 1e6);
    }

    private static void line(StringBuilder text, String what, String value) {
        text.append("  ").append(what).append(": ").append(value).append('\n');
    }

    private static String breaker(CircuitBreaker.Reading reading) {
        if (reading.cause() == null) {
            return reading.position().toString();
        }
        String next = reading.position() == CircuitBreaker.Position.OPEN
                ? ", next try in " + (reading.retryInNs() + 999_999) / 1_000_000 + " ms"
                : "";
        return reading.position() + next + ", opened " + reading.openings() + " times, last: " + reading.cause();
    }

    static String why(boolean enabled, List<ProviderStatus> statuses, List<ProviderConnectionState> states) {
        if (!enabled) {
            return "hw-offload is disabled\n";
        }
        StringBuilder text = new StringBuilder();
        for (ProviderStatus status : statuses) {
            if (!status.isUp()) {
                text.append(status.name()).append(": ").append(status.state()).append('\n');
            }
        }
        for (ProviderConnectionState state : states) {
            if (statuses.stream()
                    .anyMatch(status -> status.isUp() && status.name().equals(state.provider()))) {
                text.append(sentence(state)).append('\n');
            }
        }
        return text.isEmpty() ? "there is no offload provider\n" : text.toString();
    }

    private static String sentence(ProviderConnectionState s) {
        return switch (s.state()) {
            case NONE -> s.provider() + " was not told of it yet";
            case ADDING -> s.provider() + " is just being asked";
            case ADDED -> "held by " + s.provider() + ", not yet established";
            case ESTABLISHED -> "held by " + s.provider() + ", both directions";
            case DELETING -> s.provider() + " is just letting go of it";
            case DECLINED -> "declined by " + s.provider() + ": " + s.reason();
            case LATER -> "not now, says " + s.provider() + ": " + s.reason();
            case FAILED -> s.provider() + " failed: " + s.reason();
            case REFUSED -> "not offered to " + s.provider() + ": " + s.reason();
        };
    }
}
