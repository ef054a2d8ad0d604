package io.turnstile.appctl;

import io.turnstile.control.Command;
import io.turnstile.control.CommandReply;
import io.turnstile.datapath.Datapath;
import io.turnstile.datapath.DatapathAction;
import io.turnstile.datapath.DatapathActionParser;
import io.turnstile.datapath.DatapathFlow;
import io.turnstile.datapath.DatapathFlowText;
import io.turnstile.datapath.FlowMatchParser;
import io.turnstile.datapath.FlowPut;
import io.turnstile.datapath.FlowSyntaxException;
import io.turnstile.time.Clock;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code dpctl/add-flow}, {@code mod-flow}, {@code del-flow} and what does so by files (ovs-dpctl(8)): datapath flows
 * by hand, for who looks for a fault. The next round of upkeep takes them out again, unless rounds are paused.
 */
final class FlowEditCommands {
    private static final Logger LOG = LoggerFactory.getLogger(FlowEditCommands.class);
    private static final Pattern UFID =
            Pattern.compile("ufid:(\\p{XDigit}{8}(?:-\\p{XDigit}{4}){3}-\\p{XDigit}{12})[, ]*(.*)", Pattern.DOTALL);
    /** A line of a file: a word what to do, a flow without blanks, actions. */
    private static final Pattern LINE =
            Pattern.compile("\\s*(?:(add|modify|delete)[,\\s]\\s*)?(\\S+)(?:\\s+(.*\\S))?\\s*", Pattern.DOTALL);

    private static final int MOST_OPTIONS = 3;
    private static final CommandReply DONE = CommandReply.ok();
    private static final String UPDATING = "updating flow table";

    private final Datapath datapath;
    private final DatapathName name;
    private final Clock clock;

    FlowEditCommands(Datapath datapath, DatapathName name, Clock clock) {
        this.datapath = datapath;
        this.name = name;
        this.clock = clock;
    }

    List<Command> commands() {
        return List.of(
                Command.of(
                        "dpctl/add-flow",
                        "[dp] flow actions",
                        2,
                        3 + MOST_OPTIONS,
                        handler("dpctl/add-flow", 3, line -> put(line, line.fromEnd(1), line.fromEnd(0), true, false))),
                Command.of(
                        "dpctl/mod-flow",
                        "[dp] flow actions",
                        2,
                        3 + MOST_OPTIONS,
                        handler(
                                "dpctl/mod-flow",
                                3,
                                line -> put(line, line.fromEnd(1), line.fromEnd(0), line.mayCreate(), true))),
                Command.of(
                        "dpctl/del-flow",
                        "[dp] flow",
                        1,
                        2 + MOST_OPTIONS,
                        handler("dpctl/del-flow", 2, line -> delete(line, line.fromEnd(0)))),
                Command.of("dpctl/add-flows", "[dp] file", 1, 2, DpctlLine.handler(line -> file(line, Kind.ADD))),
                Command.of("dpctl/mod-flows", "[dp] file", 1, 2, DpctlLine.handler(line -> file(line, Kind.MODIFY))),
                Command.of("dpctl/del-flows", "[dp] [file]", 0, 2, DpctlLine.handler(this::deleteAll)));
    }

    private enum Kind {
        ADD,
        MODIFY,
        DELETE;

        /** What a line's first word says. */
        static Kind of(@Nullable String word, Kind unsaid) {
            return switch (word) {
                case "add" -> ADD;
                case "modify" -> MODIFY;
                case "delete" -> DELETE;
                case null, default -> unsaid;
            };
        }
    }

    /** @param most words behind the options */
    private Function<List<String>, CommandReply> handler(
            String command, int most, Function<DpctlLine, CommandReply> handler) {
        return DpctlLine.handler(line -> {
            if (line.words().size() > most) {
                return Command.tooMany(command, most);
            }
            CommandReply wrong = line.wrongDatapath(most, name.present());
            return wrong != null ? wrong : handler.apply(line);
        });
    }

    // ---- one flow ----

    private CommandReply put(DpctlLine line, String flow, String actions, boolean mayCreate, boolean mayReplace) {
        Matcher id = UFID.matcher(flow);
        FlowMatchParser.Parsed match;
        DatapathAction[] list;
        try {
            match = FlowMatchParser.parseMatch(id.matches() ? id.group(2) : flow, this::portNumber);
        } catch (FlowSyntaxException e) {
            return DpctlLine.invalid("parsing flow key (" + e.getMessage() + ")");
        }
        try {
            list = DatapathActionParser.parse(actions, this::portNumber);
        } catch (FlowSyntaxException e) {
            return DpctlLine.invalid("parsing actions");
        }
        DatapathFlow former = line.statistics() ? datapath.flow(match) : null;
        FlowPut result;
        try {
            result = datapath.putFlow(match, list, mayCreate, mayReplace);
        } catch (IllegalArgumentException e) {
            LOG.error("failed to put[{}] flow: {}", mayCreate ? "create" : "modify", e.getMessage());
            return DpctlLine.invalid(UPDATING);
        }
        return switch (result) {
            case DONE -> line.statistics() ? statistics(former) : DONE;
            case EXISTS -> error(UPDATING, "File exists");
            case NOT_FOUND -> error(UPDATING, "No such file or directory");
        };
    }

    private CommandReply statistics(@Nullable DatapathFlow flow) {
        return CommandReply.ok(
                (flow == null ? "packets:0, bytes:0, used:never" : DatapathFlowText.counters(flow, clock.nowNs()))
                        + "\n");
    }

    private CommandReply delete(DpctlLine line, String flow) {
        Matcher id = UFID.matcher(flow);
        DatapathFlow found;
        if (id.matches()) {
            UUID wanted = UUID.fromString(id.group(1));
            found = datapath.flows().stream()
                    .filter(other -> !other.isDead() && other.uniqueId().equals(wanted))
                    .findFirst()
                    .orElse(null);
        } else {
            try {
                found = datapath.flow(FlowMatchParser.parseMatch(flow, this::portNumber));
            } catch (FlowSyntaxException e) {
                return DpctlLine.invalid(e.getMessage());
            }
        }
        if (found == null) {
            CommandReply missing = error("deleting flow", "No such file or directory");
            return id.matches()
                    ? missing
                    : CommandReply.error(missing.text() + "\nPerhaps you need to specify a UFID?");
        }
        DatapathFlow gone = found;
        datapath.invalidate(() -> List.of(gone));
        return line.statistics() ? statistics(gone) : DONE;
    }

    private static CommandReply error(String what, String why) {
        return CommandReply.error("ovs-vswitchd: " + what + " (" + why + ")");
    }

    private int portNumber(String port) {
        return datapath.ports().entrySet().stream()
                .filter(entry -> entry.getValue().name().equals(port))
                .mapToInt(Map.Entry::getKey)
                .findFirst()
                .orElse(-1);
    }

    // ---- all flows, and files ----

    private CommandReply deleteAll(DpctlLine line) {
        boolean namesFile = line.words().size() == 2
                || line.words().size() == 1 && !line.words().getFirst().equals(name.present());
        if (namesFile) {
            return file(line, Kind.DELETE);
        }
        CommandReply wrong = line.wrongDatapath(1, name.present());
        if (wrong != null) {
            return wrong;
        }
        datapath.invalidate(flow -> true);
        return DONE;
    }

    /** What fails is said, and the other lines are followed all the same. */
    private CommandReply file(DpctlLine line, Kind unsaid) {
        CommandReply wrong = line.wrongDatapath(3, name.present());
        if (wrong != null) {
            return wrong;
        }
        String file = line.fromEnd(0);
        StringBuilder said = new StringBuilder();
        try (BufferedReader reader = Files.newBufferedReader(Path.of(file), StandardCharsets.ISO_8859_1)) {
            int number = 0;
            for (String text = reader.readLine(); text != null; text = reader.readLine()) {
                number++;
                String rest = text.replaceFirst("#.*", "");
                if (!rest.isBlank()) {
                    said.append(follow(line, rest, number, unsaid));
                }
            }
        } catch (NoSuchFileException e) {
            return error("Opening file \"" + file + "\" failed", "No such file or directory");
        } catch (IOException e) {
            return error("Opening file \"" + file + "\" failed", String.valueOf(e.getMessage()));
        }
        return CommandReply.ok(said.toString());
    }

    private String follow(DpctlLine line, String text, int number, Kind unsaid) {
        Matcher parts = LINE.matcher(text);
        boolean matches = parts.matches();
        Kind kind = Kind.of(matches ? parts.group(1) : null, unsaid);
        if (!matches || (parts.group(3) == null) != (kind == Kind.DELETE)) {
            return "ovs-vswitchd: Failed parsing line number " + number + ", skipped!\n";
        }
        CommandReply reply = switch (kind) {
            case ADD -> put(line, parts.group(2), parts.group(3), true, false);
            case MODIFY -> put(line, parts.group(2), parts.group(3), false, true);
            case DELETE -> delete(line, parts.group(2));
        };
        return reply.isError() ? reply.text() + "\n" : reply.text();
    }
}
