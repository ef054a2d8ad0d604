package io.turnstile.stories;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.lab.Await;
import io.turnstile.lab.Command;
import io.turnstile.lab.Lab;
import io.turnstile.lab.LabSwitch;
import io.turnstile.lab.OpenVswitch;
import io.turnstile.lab.Turnstile;
import io.turnstile.packet.Frame;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Turnstile and Debian's ovs-vswitchd side by side, both with ports in memory only, and both given the same commands.
 * What a command prints, on either stream, and whether it succeeds has to be the same for both, apart from what differs
 * from run to run anyway: run directories, times, transaction ids.
 *
 * <p>Differences are collected, so that one run of a story shows them all; {@link #assertSame} fails if there are any.
 */
final class Differential implements AutoCloseable {
    private static final int MAX_LINES_SHOWN = 12;
    private static final Duration FORWARDING_LIMIT = Duration.ofSeconds(10);
    private static final Pattern WORD = Pattern.compile("'([^']*)'|(\\S+)");
    private static final Pattern LOG_TIME = Pattern.compile("\\d{4}-\\d\\d-\\d\\dT\\S+Z\\|\\d+\\|");
    private static final Pattern XID = Pattern.compile("xid=0x[0-9a-f]+");
    private static final Pattern DURATION = Pattern.compile("duration=[0-9.]+s");
    private static final Pattern AGE = Pattern.compile("\\b(idle_age=)\\d+, (hard_age=\\d+, )?");
    private static final Pattern USED = Pattern.compile("used:[0-9.]+m?s");

    /** One command and what came of it on either side. */
    private record Difference(String command, String theirs, String ours) {
        /** The lines that only one of them printed; all lines if it is their order that differs. */
        @Override
        public String toString() {
            List<String> their = theirs.lines().toList();
            List<String> our = ours.lines().toList();
            boolean reordered = our.containsAll(their) && their.containsAll(our);
            return "\n$ " + command + "\n" + lines(" ovs-vswitchd: ", their, reordered ? List.of() : our)
                    + lines(" turnstile:    ", our, reordered ? List.of() : their);
        }

        private static String lines(String who, List<String> lines, List<String> without) {
            return lines.stream()
                    .filter(line -> !without.contains(line))
                    .limit(MAX_LINES_SHOWN)
                    .map(line -> who + line + "\n")
                    .collect(Collectors.joining());
        }
    }

    /** Makes one of the three tools' commands for a switch. */
    private interface Tool {
        Command command(LabSwitch target, String... words);
    }

    private final Lab lab;
    private final LabSwitch ours;
    private final LabSwitch theirs;
    private final List<Difference> differences = new ArrayList<>();
    private UnaryOperator<String> alsoIgnored = UnaryOperator.identity();
    private int commands;

    private Differential(Lab lab, LabSwitch ours, LabSwitch theirs) {
        this.lab = lab;
        this.ours = ours;
        this.theirs = theirs;
    }

    /** Starts both, without a bridge. */
    static Differential start(String name) {
        Lab lab = new Lab(name);
        try {
            return new Differential(
                    lab,
                    lab.add(Turnstile.start(lab, "--enable-dummy=override")),
                    lab.add(OpenVswitch.start(lab, "--enable-dummy=override")));
        } catch (RuntimeException e) {
            lab.close();
            throw e;
        }
    }

    Lab lab() {
        return lab;
    }

    LabSwitch ours() {
        return ours;
    }

    LabSwitch theirs() {
        return theirs;
    }

    /** A bridge that forwards nothing by itself, with ports p1 to p{@code count} that have these numbers. */
    void bridge(String name, int count) {
        setUp(
                LabSwitch::vsctl,
                "add-br " + name + " -- set bridge " + name + " datapath_type=dummy fail_mode=secure"
                        + " other_config:datapath-id=0000000000000001 other_config:hwaddr=aa:66:aa:66:00:00");
        for (int port = 1; port <= count; port++) {
            setUp(
                    LabSwitch::vsctl,
                    "add-port " + name + " p" + port + " -- set interface p" + port + " type=dummy" + " ofport_request="
                            + port);
        }
    }

    /** What has to succeed on both sides before there is anything to compare. */
    private void setUp(Tool tool, String line) {
        tool.command(theirs, words(line)).run();
        tool.command(ours, words(line)).run();
    }

    /** Changes text of both sides before they are compared, for what is known to differ. */
    void ignore(UnaryOperator<String> change) {
        UnaryOperator<String> before = alsoIgnored;
        alsoIgnored = text -> change.apply(before.apply(text));
    }

    /** Has p1 of both receive the frame; comes back when it has left by p2, which is counted also while time stands. */
    void forward(Frame frame) {
        String hex = HexFormat.of().formatHex(frame.bytes());
        for (LabSwitch sw : List.of(ours, theirs)) {
            long before = sentByPort2(sw);
            sw.appctl("netdev-dummy/receive", "p1", hex).run();
            Await.until(
                    sw.name() + " forwards",
                    FORWARDING_LIMIT,
                    () -> sentByPort2(sw) > before,
                    () -> sw.appctl("dpctl/dump-flows").run().toString());
        }
    }

    private static long sentByPort2(LabSwitch sw) {
        String text = String.join(" ", sw.ofctl("dump-ports", "br0", "2").run().lines());
        return Long.parseLong(text.replaceAll("(?s).*tx pkts=(\\d+),.*", "$1"));
    }

    void vsctl(String line) {
        compare("ovs-vsctl " + line, LabSwitch::vsctl, line, false);
    }

    void ofctl(String line) {
        compare("ovs-ofctl " + line, LabSwitch::ofctl, line, false);
    }

    /** For listings in no particular order. */
    void ofctlSorted(String line) {
        compare("ovs-ofctl " + line, LabSwitch::ofctl, line, true);
    }

    void appctl(String line) {
        compare("ovs-appctl " + line, LabSwitch::appctl, line, false);
    }

    void appctlSorted(String line) {
        compare("ovs-appctl " + line, LabSwitch::appctl, line, true);
    }

    private void compare(String shown, Tool tool, String line, boolean sorted) {
        String[] words = words(line);
        compare(shown, answer(tool.command(theirs, words), sorted), answer(tool.command(ours, words), sorted));
    }

    /** Compares what was seen in another way than by a command. */
    void compare(String shown, String theirText, String ourText) {
        commands++;
        String expected = alsoIgnored.apply(theirText);
        String actual = alsoIgnored.apply(ourText);
        if (!expected.equals(actual)) {
            differences.add(new Difference(shown, expected, actual));
        }
    }

    /** Blanks separate words, except between single quotes. */
    private static String[] words(String line) {
        return WORD.matcher(line).results().map(Differential::word).toArray(String[]::new);
    }

    private static String word(MatchResult found) {
        return found.group(1) != null ? found.group(1) : found.group(2);
    }

    private String answer(Command command, boolean sorted) {
        Command.Result result = command.attempt();
        String text = normal(result.output());
        if (sorted) {
            text = text.lines().sorted().collect(Collectors.joining("\n"));
        }
        return text + "\n" + normal(result.errors()) + (result.succeeded() ? "" : "exit status " + result.exitStatus());
    }

    private String normal(String text) {
        String normal = text.replaceAll(Pattern.quote(lab.folder().toString()) + "/(ovs|turnstile)\\d+", "DIR")
                .replaceAll("DIR/[a-z]+\\.ctl", "CONTROL");
        normal = LOG_TIME.matcher(normal).replaceAll("TIME|");
        normal = XID.matcher(normal).replaceAll("xid=XID");
        normal = DURATION.matcher(normal).replaceAll("duration=TIME");
        normal = AGE.matcher(normal).replaceAll("$1AGE, ");
        return USED.matcher(normal).replaceAll("used:TIME");
    }

    /** Fails with all differences since the last call; also if there was nothing to compare. */
    void assertSame() {
        List<Difference> found = List.copyOf(differences);
        int compared = commands;
        differences.clear();
        commands = 0;
        alsoIgnored = UnaryOperator.identity();
        assertThat(compared).as("commands compared").isPositive();
        assertThat(found)
                .as("%d of %d commands answered differently", found.size(), compared)
                .isEmpty();
    }

    @Override
    public void close() {
        lab.close();
    }
}
