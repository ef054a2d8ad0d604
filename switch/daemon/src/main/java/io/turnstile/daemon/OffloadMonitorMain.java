package io.turnstile.daemon;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.turnstile.control.CommandReply;
import io.turnstile.control.ControlClient;
import java.io.EOFException;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/**
 * The program {@code ./turnstile offload-monitor} prints the lines of {@code conntrack/offload-monitor} as they come,
 * until it is interrupted, nobody reads its output any more, or the switch ends.
 */
@CommandLine.Command(
        name = "turnstile offload-monitor",
        sortOptions = false,
        usageHelpAutoWidth = true,
        description = "Prints what offload providers are told, as JSON lines, until it is interrupted.")
public final class OffloadMonitorMain implements Callable<Integer> {
    private static final String PROGRAM = "turnstile offload-monitor";
    private static final String COMMAND = "conntrack/offload-monitor";
    private static final String WAIT = "wait=30000";
    private static final int FAILURE = 1;
    private static final int REFUSED = 2;

    @Option(
            names = {"-t", "--target"},
            paramLabel = "TARGET",
            description =
                    "the control socket's path, or the program whose pid file is in $OVS_RUNDIR or /var/run/turnstile "
                            + "(default: ${DEFAULT-VALUE})")
    String target = "ovs-vswitchd";

    @Option(
            names = "--since",
            paramLabel = "SEQ",
            description = "begin behind the line of that number; 0: with all that is kept (default: ${DEFAULT-VALUE})")
    String since = "now";

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "show this")
    boolean help;

    private final PrintStream out;
    private final PrintStream err;
    private final ObjectMapper json = new ObjectMapper();

    OffloadMonitorMain(PrintStream out, PrintStream err) {
        this.out = out;
        this.err = err;
    }

    public static void main(String[] arguments) {
        System.exit(commandLine(new OffloadMonitorMain(System.out, System.err)).execute(arguments));
    }

    /** The parser of the options, which says errors in one line. */
    static CommandLine commandLine(OffloadMonitorMain main) {
        CommandLine line = new CommandLine(main);
        line.setParameterExceptionHandler(
                (error, words) -> main.fail(FAILURE, error.getMessage() + " (use --help for help)"));
        line.setExecutionExceptionHandler(
                (error, parser, result) -> main.fail(FAILURE, String.valueOf(error.getMessage())));
        return line;
    }

    private int fail(int status, String message) {
        err.println(PROGRAM + ": " + message.strip());
        return status;
    }

    @Override
    public Integer call() throws IOException {
        Path socket = socket();
        try (ControlClient client = connect(socket)) {
            String from = since;
            while (true) {
                CommandReply reply = client.ask(COMMAND, List.of("since=" + from, WAIT));
                if (reply.isError()) {
                    return fail(REFUSED, reply.text());
                }
                from = print(reply.text());
                if (out.checkError()) {
                    return CommandLine.ExitCode.OK; // as with any program: who reads has had enough
                }
            }
        } catch (EOFException gone) {
            return fail(FAILURE, socket + ": " + gone.getMessage());
        }
    }

    /** Prints all but the last line, which says where to go on. */
    private String print(String text) throws JsonProcessingException {
        List<String> lines = text.lines().toList();
        lines.subList(0, lines.size() - 1).forEach(line -> out.print(line + "\n"));
        out.flush();
        JsonNode end = json.readTree(lines.getLast());
        return end.path("next").asText();
    }

    private static ControlClient connect(Path socket) throws IOException {
        try {
            return new ControlClient(socket);
        } catch (IOException e) {
            throw new IOException("cannot connect to \"" + socket + "\" (" + e.getMessage() + ")", e);
        }
    }

    /**
     * The switch's control socket, found as ovs-appctl(8) finds it: by its path, or by the pid that the program has
     * written down.
     */
    private Path socket() throws IOException {
        if (target.startsWith("/")) {
            return Path.of(target);
        }
        Path directory = Main.defaultRunDirectory();
        Path pidFile = directory.resolve(target + ".pid");
        try {
            return directory.resolve(target + "." + Files.readString(pidFile).strip() + ".ctl");
        } catch (NoSuchFileException e) {
            throw new IOException("cannot read pidfile \"" + pidFile + "\" (No such file or directory)", e);
        }
    }
}
