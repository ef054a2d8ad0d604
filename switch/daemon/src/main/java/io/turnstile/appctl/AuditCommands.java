package io.turnstile.appctl;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import io.turnstile.conntrack.AuditCause;
import io.turnstile.conntrack.AuditRecord;
import io.turnstile.conntrack.AuditTrail;
import io.turnstile.conntrack.ConnectionFilter;
import io.turnstile.conntrack.ConntrackDump;
import io.turnstile.conntrack.ConntrackJson;
import io.turnstile.control.Command;
import io.turnstile.control.CommandReply;
import io.turnstile.control.PieceBudget;
import io.turnstile.control.TextSource;
import io.turnstile.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** {@code conntrack/audit}: which connections left the table lately or did not come into it, why, and who asked. */
final class AuditCommands {
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);
    private static final int MOST_WORDS = 10;
    private static final String CAUSE = "cause=";

    private final AuditTrail audit;
    private final Clock clock;

    AuditCommands(AuditTrail audit, Clock clock) {
        this.audit = audit;
        this.clock = clock;
    }

    List<Command> commands() {
        return List.of(Command.of(
                "conntrack/audit",
                "[-f json] [cause=C[,C]...] [zone=N] [mark=X[/M]] [labels=Y[/N]] [state=S[,S]...] [limit=N]"
                        + " [ct-orig-tuple] [ct-reply-tuple]",
                0,
                MOST_WORDS,
                DpctlLine.handler(Set.of(DpctlLine.Extra.FORMAT), this::show)));
    }

    private CommandReply show(DpctlLine line) {
        try {
            List<String> words = new ArrayList<>(line.words());
            Set<AuditCause> causes = EnumSet.allOf(AuditCause.class);
            if (!words.isEmpty() && words.getFirst().startsWith(CAUSE)) {
                causes = causes(words.removeFirst().substring(CAUSE.length()));
            }
            return CommandReply.ofSource(new Records(causes, ConnectionFilterText.parse(words), line.json()));
        } catch (BadArgument e) {
            return DpctlLine.invalid(e.getMessage());
        }
    }

    private static Set<AuditCause> causes(String names) throws BadArgument {
        Set<AuditCause> causes = EnumSet.noneOf(AuditCause.class);
        for (String name : names.split(",", -1)) {
            AuditCause cause = cause(name);
            if (cause == null) {
                throw new BadArgument("failed to parse cause");
            }
            causes.add(cause);
        }
        return causes;
    }

    private static @Nullable AuditCause cause(String name) {
        for (AuditCause cause : AuditCause.values()) {
            if (cause.label().equals(name)) {
                return cause;
            }
        }
        return null;
    }

    /** The records that a filter accepts, the newest first. */
    private final class Records implements TextSource {
        private static final int RECORDS_AT_ONCE = 16;

        private final Set<AuditCause> causes;
        private final ConnectionFilter filter;
        private final boolean json;
        private final AuditTrail.Reading reading = audit.newestFirst();
        private final long nowNs = clock.nowNs();
        private final long wallMs = clock.wallMs();
        private long left;

        Records(Set<AuditCause> causes, ConnectionFilter filter, boolean json) {
            this.causes = causes;
            this.filter = filter;
            this.json = json;
            left = filter.limit == 0 ? Long.MAX_VALUE : filter.limit;
        }

        @Override
        public boolean next(StringBuilder out) {
            PieceBudget budget = new PieceBudget(out);
            while (!budget.isSpent()) {
                for (int i = 0; i < RECORDS_AT_ONCE; i++) {
                    AuditRecord record = left == 0 ? null : reading.next();
                    if (record == null) {
                        return false;
                    }
                    if (causes.contains(record.cause) && filter.test(record.connection)) {
                        left--;
                        append(out, record);
                    }
                }
            }
            return true;
        }

        private void append(StringBuilder out, AuditRecord record) {
            String time = TIME.format(Instant.ofEpochMilli(wallMs - (nowNs - record.atNs) / 1_000_000));
            if (json) {
                appendObject(out, time, record);
            } else {
                appendLine(out, time, record);
            }
        }
    }

    private static void appendLine(StringBuilder out, String time, AuditRecord record) {
        out.append(time).append(' ').append(record.cause.label());
        out.append(record.actor.isEmpty() ? "" : " by " + record.actor);
        if (record.count != 1) {
            out.append(" (").append(record.count).append(" times)");
        }
        out.append(": ");
        ConntrackDump.append(out, record.connection, false, false);
        out.append('\n');
    }

    private static void appendObject(StringBuilder out, String time, AuditRecord record) {
        out.append("{\"time\":\"").append(time);
        out.append("\",\"event\":\"").append(record.cause.isRemoval() ? "removed" : "refused");
        out.append("\",\"cause\":\"").append(record.cause.label());
        if (!record.actor.isEmpty()) {
            out.append("\",\"actor\":\"");
            JsonStringEncoder.getInstance().quoteAsString(record.actor, out);
        }
        out.append("\",\"count\":").append(record.count).append(',');
        ConntrackJson.append(out, record.connection, false, false);
        out.append("}\n");
    }
}
