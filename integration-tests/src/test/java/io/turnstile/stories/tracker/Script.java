package io.turnstile.stories.tracker;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;

/**
 * Steps in their order, and their text: one step a line, what follows {@code #} is for people.
 *
 * <pre>
 * packet firewall 0200…   # tcp 10.0.0.1:1001 > 10.0.0.2:80 S seq=1 ack=0 win=1000 len=0
 * wait 30000
 * appctl dpctl/flush-conntrack zone=1
 * </pre>
 */
record Script(List<Step> steps) {
    private static final HexFormat HEX = HexFormat.of();

    Script {
        steps = List.copyOf(steps);
    }

    boolean hasFragments() {
        return steps.stream()
                .anyMatch(step -> step instanceof Step.Arrival arrival && Headers.isFragment(arrival.frame()));
    }

    String text() {
        StringBuilder text = new StringBuilder();
        for (Step step : steps) {
            text.append(line(step)).append('\n');
        }
        return text.toString();
    }

    private static String line(Step step) {
        return switch (step) {
            case Step.Arrival arrival ->
                "packet " + arrival.program().name().toLowerCase(Locale.ROOT) + " " + HEX.formatHex(arrival.frame())
                        + " # " + FrameText.of(arrival.frame());
            case Step.Wait wait -> "wait " + wait.ms();
            case Step.Command command -> "appctl " + command.line();
        };
    }

    /** The steps of a text; IllegalArgumentException with the line that is none. */
    static Script parse(String text) {
        List<Step> steps = new ArrayList<>();
        for (String line : text.lines().toList()) {
            int comment = line.indexOf('#');
            String meant = (comment < 0 ? line : line.substring(0, comment)).strip();
            if (!meant.isEmpty()) {
                steps.add(step(meant));
            }
        }
        return new Script(steps);
    }

    private static Step step(String line) {
        String[] words = line.split(" +", 2);
        if (words.length == 2) {
            switch (words[0]) {
                case "packet" -> {
                    String[] packet = words[1].split(" +");
                    if (packet.length == 2) {
                        Program program = Program.valueOf(packet[0].toUpperCase(Locale.ROOT));
                        return new Step.Arrival(program, HEX.parseHex(packet[1]));
                    }
                }
                case "wait" -> {
                    return new Step.Wait(Long.parseLong(words[1]));
                }
                case "appctl" -> {
                    return new Step.Command(words[1]);
                }
                default -> {
                    // Refused below.
                }
            }
        }
        throw new IllegalArgumentException("not a step: " + line);
    }
}
