package io.turnstile.appctl;

import static io.turnstile.control.TextSource.ENOUGH;

import io.turnstile.conntrack.ConnectionFilter;
import io.turnstile.conntrack.ConnectionSnapshot;
import io.turnstile.conntrack.Conntrack;
import io.turnstile.conntrack.ConntrackDump;
import io.turnstile.control.Command;
import io.turnstile.control.CommandReply;
import io.turnstile.control.RefusedException;
import io.turnstile.control.TextLines;
import io.turnstile.control.TextSource;
import io.turnstile.offload.ConnectionLines;
import io.turnstile.offload.OffloadDispatcher;
import io.turnstile.offload.PathBook;
import io.turnstile.offload.ProviderRegistry;
import io.turnstile.telemetry.MonitorReading;
import io.turnstile.telemetry.OffloadMonitor;
import io.turnstile.time.Clock;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/** {@code conntrack/offload-…}: what offload providers do, and for which connections they do not. */
final class OffloadCommands {
    /**
     * The most connections that {@code offload-why} shows: a filter that is too wide must not make a reply of
     * gigabytes.
     */
    private static final int CONNECTIONS_SHOWN = 100;

    private static final int MOST_WORDS = 8;

    private final OffloadDispatcher dispatcher;
    private final PathBook paths;
    private final Conntrack tracker;
    private final Clock clock;
    private final OffloadMonitor monitor;
    private final Supplier<CompletableFuture<ProviderRegistry.Rescan>> rescanProviders;
    private final Supplier<List<String>> pluginFaults;
    private final Supplier<String> datapath;

    /**
     * @param pluginFaults what of the plug-ins cannot be used, a line each
     * @param datapath its present name, type included; empty while there is none
     */
    OffloadCommands(
            OffloadDispatcher dispatcher,
            PathBook paths,
            Conntrack tracker,
            Clock clock,
            OffloadMonitor monitor,
            Supplier<CompletableFuture<ProviderRegistry.Rescan>> rescanProviders,
            Supplier<List<String>> pluginFaults,
            Supplier<String> datapath) {
        this.dispatcher = dispatcher;
        this.paths = paths;
        this.tracker = tracker;
        this.clock = clock;
        this.monitor = monitor;
        this.rescanProviders = rescanProviders;
        this.pluginFaults = pluginFaults;
        this.datapath = datapath;
    }

    List<Command> commands() {
        return List.of(
                Command.of("conntrack/offload-show", "[-m]", 0, 1, this::show),
                Command.of(
                        "conntrack/offload-why",
                        "[dp] [zone=N] [mark=X[/M]] [labels=Y[/N]] [state=S[,S]...] [limit=N] [ct-orig-tuple]"
                                + " [ct-reply-tuple]",
                        1,
                        MOST_WORDS,
                        DpctlLine.handler(this::why)),
                Command.later("conntrack/offload-monitor", "[since=SEQ|now] [limit=N] [wait=MS]", 0, 3, this::monitor),
                Command.later(
                        "conntrack/offload-rescan",
                        "",
                        0,
                        0,
                        arguments -> rescanProviders.get().thenApply(found -> CommandReply.ok(found.toString()))));
    }

    private CompletableFuture<CommandReply> monitor(List<String> words) {
        OffloadMonitor.Request request;
        try {
            request = OffloadMonitorArguments.parse(words);
        } catch (BadArgument e) {
            return CompletableFuture.completedFuture(CommandReply.error(e.getMessage()));
        }
        CompletableFuture<MonitorReading> reading = monitor.read(request);
        CompletableFuture<CommandReply> reply =
                reading.thenApply(read -> CommandReply.ofSource(new TextLines(read.lines())));
        reply.whenComplete((done, failure) -> reading.cancel(false)); // the asker may have left
        return reply;
    }

    private CommandReply show(List<String> arguments) {
        if (arguments.isEmpty()) {
            return CommandReply.ok(dispatcher.show() + end());
        }
        return arguments.getFirst().equals("-m")
                ? CommandReply.ofSource(showConnections())
                : CommandReply.error("unknown option " + arguments.getFirst());
    }

    private TextSource showConnections() {
        ConnectionLines lines = dispatcher.connectionLines();
        return out -> {
            boolean more = lines.next(out, ENOUGH);
            out.append(more ? "" : end());
            return more;
        };
    }

    /** What is carried by all providers together, and the section of plug-ins that cannot be used, if there are any. */
    private String end() {
        StringBuilder text = new StringBuilder(PathText.totals(paths));
        List<String> faults = pluginFaults.get();
        for (String fault : faults) {
            text.append(fault.equals(faults.getFirst()) ? "plug-ins left out:\n" : "")
                    .append("  ")
                    .append(fault)
                    .append('\n');
        }
        return text.toString();
    }

    CommandReply why(DpctlLine line) {
        List<String> words = line.arguments(datapath.get());
        if (words.isEmpty()) {
            return DpctlLine.invalid("too few arguments");
        }
        ConnectionFilter filter;
        try {
            filter = ConnectionFilterText.parse(words);
        } catch (BadArgument e) {
            return DpctlLine.invalid(e.getMessage());
        }
        return dispatcher.isEnabled() ? why(filter) : CommandReply.ok("hw-offload is disabled");
    }

    private CommandReply why(ConnectionFilter filter) {
        return CommandReply.ofSource(new ConnectionWalk(tracker, clock, filter, true) {
            private int found;

            @Override
            void found(ConnectionSnapshot connection, StringBuilder out) {
                if (found++ < CONNECTIONS_SHOWN) {
                    ConntrackDump.append(out, connection, false, false);
                    out.append('\n');
                    dispatcher
                            .why(connection.connectionId)
                            .lines()
                            .forEach(reason -> out.append("  ").append(reason).append('\n'));
                    paths.states(connection.connectionId)
                            .forEach(state -> out.append("  ")
                                    .append(PathText.sentence(state))
                                    .append('\n'));
                }
            }

            @Override
            void end(StringBuilder out) throws RefusedException {
                if (found == 0) {
                    throw new RefusedException("ovs-vswitchd: no connection matches (No such file or directory)");
                }
                if (found > CONNECTIONS_SHOWN) {
                    out.append("and ").append(found - CONNECTIONS_SHOWN).append(" more connections\n");
                }
            }
        });
    }
}
