package io.turnstile.appctl;

import com.google.common.collect.Streams;
import io.turnstile.conntrack.ConnectionFilter;
import io.turnstile.conntrack.ConnectionSnapshot;
import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.conntrack.ConntrackDump;
import io.turnstile.control.Command;
import io.turnstile.control.CommandReply;
import io.turnstile.control.TextLines;
import io.turnstile.offload.OffloadDispatcher;
import io.turnstile.offload.PathBook;
import io.turnstile.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** {@code dpctl/…conntrack} and {@code dpctl/ct-…}: what ovs-vswitchd(8) says of the connection tracker. */
final class ConntrackCommands {
    /** Who it is that flushes, in the audit trail. */
    private static final String ACTOR = "appctl";

    private static final String FLUSH = "dpctl/flush-conntrack";
    /** Open vSwitch's words of a flush, the datapath among them; what it does not have may stand beside them. */
    private static final int MAX_FLUSH_WORDS = 6;

    private final ConnectionTracker tracker;
    private final OffloadDispatcher dispatcher;
    private final PathBook paths;
    private final Clock clock;
    private final Supplier<String> datapath;

    /** @param datapath its present name, type included; empty while there is none */
    ConntrackCommands(
            ConnectionTracker tracker,
            OffloadDispatcher dispatcher,
            PathBook paths,
            Clock clock,
            Supplier<String> datapath) {
        this.tracker = tracker;
        this.dispatcher = dispatcher;
        this.paths = paths;
        this.clock = clock;
        this.datapath = datapath;
    }

    List<Command> commands() {
        return List.of(
                Command.of(
                        "dpctl/dump-conntrack",
                        "[-m] [-s] [-f json] [dp] [zone=N] [mark=X[/M]] [labels=Y[/N]] [state=S[,S]...] [limit=N]"
                                + " [ct-orig-tuple] [ct-reply-tuple]",
                        0,
                        12,
                        DpctlLine.handler(Set.of(DpctlLine.Extra.FORMAT), this::dump)),
                Command.of("dpctl/dump-conntrack-exp", "[dp] [zone=N]", 0, 2, DpctlLine.handler(this::dumpExpected)),
                Command.of(
                        FLUSH,
                        "[--dry-run] [dp] [zone=N] [mark=X[/M]] [labels=Y[/N]] [state=S[,S]...] [limit=N]"
                                + " [ct-orig-tuple] [ct-reply-tuple]",
                        0,
                        MAX_FLUSH_WORDS + 3,
                        DpctlLine.handler(Set.of(DpctlLine.Extra.DRY_RUN), this::flush)),
                Command.of("dpctl/ct-stats-show", "[dp] [zone=N]", 0, 3, DpctlLine.handler(this::statistics)),
                Command.of("dpctl/ct-bkts", "[dp] [gt=N]", 0, 2, DpctlLine.handler(this::buckets)),
                Command.of("dpctl/ct-set-maxconns", "[dp] maxconns", 1, 2, handler(2, this::setMaxConnections)),
                Command.of(
                        "dpctl/ct-get-maxconns",
                        "[dp]",
                        0,
                        1,
                        handler(1, line -> CommandReply.ok(Integer.toString(tracker.maxConnections())))),
                Command.of(
                        "dpctl/ct-get-nconns",
                        "[dp]",
                        0,
                        1,
                        handler(1, line -> CommandReply.ok(Integer.toString(tracker.connectionCount())))),
                Command.of("dpctl/ct-enable-tcp-seq-chk", "[dp]", 0, 1, handler(2, line -> setSequenceCheck(true))),
                Command.of("dpctl/ct-disable-tcp-seq-chk", "[dp]", 0, 1, handler(2, line -> setSequenceCheck(false))),
                Command.of(
                        "dpctl/ct-get-tcp-seq-chk",
                        "[dp]",
                        0,
                        1,
                        handler(
                                1,
                                line -> CommandReply.ok("TCP sequence checking: "
                                        + (tracker.tcpWindowChecked() ? "enabled" : "disabled")))),
                Command.of("dpctl/ct-set-sweep-interval", "[dp] ms", 1, 2, handler(2, this::setSweepInterval)),
                Command.of(
                        "dpctl/ct-get-sweep-interval",
                        "[dp]",
                        0,
                        1,
                        handler(1, line -> CommandReply.ok(Integer.toString(tracker.sweepIntervalMs())))));
    }

    private Function<List<String>, CommandReply> handler(int most, Function<DpctlLine, CommandReply> command) {
        return DpctlLine.handler(most, datapath, command);
    }

    // ---- looking ----

    /** Takes a trailing {@code zone=N} off; what is left may be the datapath's name only. */
    private CommandReply ofZone(DpctlLine line, Function<@Nullable Integer, CommandReply> command) {
        Integer zone = line.fromEnd(0).startsWith("zone=")
                ? DpctlLine.unsigned16(line.fromEnd(0).substring(5))
                : null;
        DpctlLine rest = zone == null ? line : line.withoutLast();
        CommandReply wrong = rest.wrongDatapath(1, datapath.get());
        return wrong != null ? wrong : command.apply(zone);
    }

    /** With words that Open vSwitch does not know here all are read as those of a flush, else as Open vSwitch does. */
    private CommandReply dump(DpctlLine line) {
        if (line.words().stream().noneMatch(ConnectionFilterText::isFilter)) {
            return ofZone(line, zone -> CommandReply.ofSource(dump(line, inZone(zone))));
        }
        try {
            return CommandReply.ofSource(dump(line, ConnectionFilterText.parse(line.arguments(datapath.get()))));
        } catch (BadArgument e) {
            return DpctlLine.invalid(e.getMessage());
        }
    }

    private ConnectionDump dump(DpctlLine line, ConnectionFilter filter) {
        return new ConnectionDump(tracker, clock, filter, dispatcher, paths, line);
    }

    private static ConnectionFilter inZone(@Nullable Integer zone) {
        ConnectionFilter filter = new ConnectionFilter();
        filter.zone = zone;
        return filter;
    }

    private CommandReply dumpExpected(DpctlLine line) {
        return ofZone(line, zone -> {
            Stream<String> lines = Streams.stream(tracker.expected())
                    .map(expected -> zone == null || expected.connection().zone == zone
                            ? ConntrackDump.expectedLine(expected.connection(), expected.parent())
                            : "");
            return CommandReply.ofSource(new TextLines(lines.iterator()));
        });
    }

    private CommandReply statistics(DpctlLine line) {
        boolean inWords =
                line.fromEnd(0).startsWith("verbose") || line.fromEnd(1).startsWith("verbose");
        boolean withStates = inWords || line.more();
        return ofZone(
                withoutVerbose(line),
                zone -> CommandReply.ofSource(new ConnectionCensus(tracker, clock, inZone(zone), withStates)));
    }

    /** The line without the word {@code verbose}, which stands for {@code -m}, on either side of the zone. */
    private static DpctlLine withoutVerbose(DpctlLine line) {
        List<String> words = new ArrayList<>(line.words());
        for (int i = words.size() - 1; i >= Math.max(0, line.words().size() - 2); i--) {
            if (words.get(i).startsWith("verbose")) {
                words.remove(i);
            } else if (!words.get(i).startsWith("zone=")) {
                break;
            }
        }
        return line.with(words);
    }

    private CommandReply buckets(DpctlLine line) {
        Integer above = line.fromEnd(0).startsWith("gt=")
                ? DpctlLine.unsigned16(line.fromEnd(0).substring(3))
                : null;
        CommandReply wrong = (above == null ? line : line.withoutLast()).wrongDatapath(1, datapath.get());
        if (wrong != null) {
            return wrong;
        }
        return CommandReply.ofSource(new BucketTable(tracker, above == null ? 0 : above));
    }

    // ---- changing ----

    private CommandReply flush(DpctlLine line) {
        if (line.words().stream()
                        .filter(word -> !ConnectionFilterText.isOurs(word))
                        .count()
                > MAX_FLUSH_WORDS) {
            return Command.tooMany(FLUSH, MAX_FLUSH_WORDS);
        }
        ConnectionFilter filter;
        try {
            filter = ConnectionFilterText.parse(line.arguments(datapath.get()));
        } catch (BadArgument e) {
            return DpctlLine.invalid(e.getMessage());
        }
        CommandReply wrong = line.wrongDatapath(Integer.MAX_VALUE, datapath.get());
        if (wrong != null) {
            return CommandReply.error(
                    wrong.text() + "\n" + DpctlLine.invalid("Cannot open dpif").text());
        }
        return CommandReply.ofSource(
                line.dryRun() ? count(filter) : new ConnectionFlush(tracker, clock, filter, ACTOR));
    }

    private ConnectionWalk count(ConnectionFilter filter) {
        return new ConnectionWalk(tracker, clock, filter, false) {
            private long count;

            @Override
            void found(ConnectionSnapshot connection, StringBuilder out) {
                count++;
            }

            @Override
            void end(StringBuilder out) {
                out.append(count)
                        .append(count == 1 ? " connection" : " connections")
                        .append(" would be removed");
            }
        };
    }

    private CommandReply setMaxConnections(DpctlLine line) {
        Long most = DpctlLine.unsigned32(line.fromEnd(0));
        if (most == null) {
            return DpctlLine.invalid("maxconns missing or malformed");
        }
        tracker.setMaxConnections((int) Math.min(most, Integer.MAX_VALUE));
        return CommandReply.ok("setting maxconns successful");
    }

    private CommandReply setSequenceCheck(boolean on) {
        tracker.setTcpWindowChecked(on);
        return CommandReply.ok((on ? "enabling" : "disabling") + " TCP sequence checking successful");
    }

    private CommandReply setSweepInterval(DpctlLine line) {
        Long ms = DpctlLine.unsigned32(line.fromEnd(0));
        if (ms == null || ms == 0) {
            return DpctlLine.invalid("invalid sweep value");
        }
        tracker.setSweepIntervalMs((int) Math.min(ms, Integer.MAX_VALUE));
        return CommandReply.ok("setting sweep interval successful");
    }
}
