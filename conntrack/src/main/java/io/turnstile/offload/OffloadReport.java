package io.turnstile.offload;

import io.turnstile.offload.RegisteredProvider.Outcome;
import java.util.List;
import java.util.StringJoiner;

/** Text about the dispatcher for people. Made for one look; walks the side table, so its cost follows the table's size. */
final class OffloadReport {
    private final OffloadDispatcher dispatcher;
    private final OffloadSession sessionOrNull;
    private final CauseLog causes;

    OffloadReport(OffloadDispatcher dispatcher, OffloadSession sessionOrNull, CauseLog causes) {
        this.dispatcher = dispatcher;
        this.sessionOrNull = sessionOrNull;
        this.causes = causes;
    }

    String text(boolean withConnections) {
        StringBuilder text = new StringBuilder();
        text.append("hw-offload: ").append(dispatcher.isEnabled() ? "enabled" : "disabled").append('\n');
        OffloadSession.Census census = sessionOrNull == null ? null : sessionOrNull.census();
        if (census != null) {
            text.append("queue: ").append(census.queued()).append(" connections waiting\n");
            text.append("connections followed: ").append(census.followed()).append('\n');
            text.append("never announced: ").append(sessionOrNull.neverAnnounced.sum()).append('\n');
            text.append("implausible last-used answers: ").append(sessionOrNull.clampedAnswers.sum()).append('\n');
        }
        for (ProviderStatus status : dispatcher.providers()) {
            text.append("provider ").append(status.name()).append(": priority ").append(status.priority())
                    .append(", ").append(status.state()).append('\n');
            if (census != null) {
                sessionOrNull.providers.stream()
                        .filter(p -> p.name().equals(status.name()) && !status.state().contains(": "))
                        .forEach(p -> appendCounts(text, p, census.held()[p.index()]));
            }
        }
        List<String> failures = causes.lines();
        if (!failures.isEmpty()) {
            text.append("failures:\n");
            failures.forEach(line -> text.append("  ").append(line).append('\n'));
        }
        if (withConnections && sessionOrNull != null) {
            appendConnections(text);
        }
        return text.toString();
    }

    private void appendConnections(StringBuilder text) {
        text.append("connections:\n");
        ConnViewReader reader = new ConnViewReader(sessionOrNull.tracker, sessionOrNull.ports);
        sessionOrNull.forEachFollowed(connectionId -> {
            if (reader.read(connectionId, sessionOrNull.clock.nowNs())) {
                StringJoiner states = new StringJoiner(" ");
                sessionOrNull.states(connectionId).forEach(state -> states.add(state.toString()));
                text.append("  ").append(reader.view()).append(' ').append(states).append('\n');
            }
        });
    }

    private static void appendCounts(StringBuilder text, RegisteredProvider provider, long held) {
        text.append("  connections held: ").append(held).append('\n');
        text.append("  batches: ").append(provider.batches()).append('\n');
        for (OffloadEvent.Kind kind : OffloadEvent.Kind.values()) {
            StringJoiner counts = new StringJoiner(", ");
            for (Outcome outcome : Outcome.values()) {
                long count = provider.count(kind, outcome);
                if (count != 0 || outcome == Outcome.OK) {
                    counts.add(count + " " + outcome);
                }
            }
            text.append("  ").append(kind).append(": ").append(counts).append('\n');
        }
        describe(provider).forEach(line -> text.append("  ").append(line).append('\n'));
    }

    private static List<String> describe(RegisteredProvider provider) {
        try {
            return List.copyOf(provider.provider().describe());
        } catch (Throwable e) { // contained: only this text suffers
            return List.of("describe failed: " + RegisteredProvider.text(e));
        }
    }

    static String why(boolean enabled, List<ProviderStatus> statuses, List<ProviderConnectionState> states) {
        if (!enabled) {
            return "hw-offload is disabled\n";
        }
        StringBuilder text = new StringBuilder();
        for (ProviderStatus status : statuses) {
            if (!status.state().equals("ready")) {
                text.append(status.name()).append(": ").append(status.state()).append('\n');
            }
        }
        for (ProviderConnectionState state : states) {
            text.append(sentence(state)).append('\n');
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
            case DECLINED -> "declined by " + s.provider() + ": " + s.reasonOrNull();
            case FAILED -> s.provider() + " failed: " + s.reasonOrNull();
            case REFUSED -> "not offered to " + s.provider() + ": " + s.reasonOrNull();
        };
    }
}
