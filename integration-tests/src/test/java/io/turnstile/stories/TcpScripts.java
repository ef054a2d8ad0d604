package io.turnstile.stories;

import io.turnstile.lab.Turnstile;
import io.turnstile.packet.Frames;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Reads the TCP dialogues and cells that the tracker's own tests play; their heads say what is written there. */
final class TcpScripts {
    private static final Path FOLDER = Path.of("conntrack/src/test/resources/io/turnstile/conntrack");
    private static final String[] CELL_PACKETS = {">S", ">SA", ">A", ">F", ">R", "<S", "<SA", "<A", "<F", "<R"};

    /** One line: {@code >}, {@code <}, {@code =}, {@code +}, {@code -} or {@code !} and what follows. */
    record Step(char sign, String text) {

        boolean isPacket() {
            return sign == '>' || sign == '<';
        }

        String segment() {
            return text.split(" : ")[0];
        }

        String ourState() {
            return text.split(" : ")[1].split(" ~ ")[0];
        }

        String theirState() {
            return text.substring(text.lastIndexOf(text.contains(" ~ ") ? " ~ " : " : ") + 3);
        }

        /** Whether it says that the switches differ, as decided. */
        boolean tellsThemApart() {
            return sign == '+' || sign == '-' || isPacket() && !ourState().equals(theirState());
        }

        byte[] frame(int clientPort) {
            return Frames.tcp(
                            sign == '>'
                                    ? "10.0.0.1:" + clientPort + " > 10.0.0.2:80"
                                    : "10.0.0.2:80 > 10.0.0.1:" + clientPort)
                    .segment(segment())
                    .bytes();
        }
    }

    record Dialogue(String name, List<Step> steps) {

        /** Whether it changes what is everybody's: the clock or a switch. */
        boolean isForItself() {
            return steps.stream().anyMatch(step -> step.sign() == '!');
        }

        boolean tellsThemApart() {
            return steps.stream().anyMatch(Step::tellsThemApart);
        }
    }

    private TcpScripts() {}

    static List<Dialogue> dialogues() throws IOException {
        List<Dialogue> dialogues = new ArrayList<>();
        for (String part : read("tcp-dialogues.txt").split("(?m)^## ")) {
            if (!part.startsWith("#")) {
                List<Step> steps = part.lines()
                        .skip(1)
                        .filter(line -> !line.isBlank())
                        .map(line -> new Step(line.charAt(0), line.substring(2)))
                        .toList();
                dialogues.add(new Dialogue(part.lines().findFirst().orElseThrow(), steps));
            }
        }
        return dialogues;
    }

    /**
     * Each cell: the way to it, and one packet more. What is expected stands in the steps; no time goes by before it.
     */
    static List<Dialogue> cells() throws IOException {
        List<Dialogue> cells = new ArrayList<>();
        for (String line : read("tcp-cells.txt")
                .lines()
                .filter(l -> l.contains("/") && !l.startsWith("#"))
                .toList()) {
            String[] words = line.split(" +");
            for (int i = 0; i < CELL_PACKETS.length; i++) {
                List<Step> steps = new ArrayList<>();
                int[] fins = new int[2];
                for (String packet : words[1].split(",")) {
                    steps.add(step(packet, fins, "any"));
                }
                boolean reply = CELL_PACKETS[i].startsWith("<");
                String[] sides = words[i + 2].split("~");
                String ours = sides[0];
                String theirs = sides[sides.length - 1];
                steps.add(step(CELL_PACKETS[i], fins, state(ours, reply) + " ~ " + state(theirs, reply)));
                steps.add(new Step(sides.length == 1 ? '=' : '+', dumped(ours)));
                if (sides.length > 1) {
                    steps.add(new Step('-', dumped(theirs)));
                }
                cells.add(new Dialogue(CELL_PACKETS[i] + " in " + words[0], steps));
            }
        }
        return cells;
    }

    private static String state(String cell, boolean reply) {
        String state = cell.equals("reopen") ? "new" : cell.split(":")[1];
        return state.equals("est") && reply ? "est|rpl" : state;
    }

    private static String dumped(String cell) {
        return "state_orig=" + name(cell.equals("reopen") ? "SS" : cell.substring(0, 2)) + ",state_reply="
                + name(cell.equals("reopen") ? "CL" : cell.substring(3, 5));
    }

    private static Step step(String packet, int[] fins, String expected) {
        int from = packet.startsWith(">") ? 0 : 1;
        long initial = from == 0 ? 1000 : 5000;
        long next = initial + 1 + fins[from];
        String acknowledged = " ack " + (6001 - initial + fins[1 - from]);
        String segment = switch (packet.substring(1)) {
            case "S" -> "[S] seq " + initial;
            case "SA" -> "[S.] seq " + initial + acknowledged;
            case "A" -> "[.] seq " + next + acknowledged;
            case "F" -> "[F.] seq " + (initial + 1) + acknowledged;
            case "R" -> "[R] seq " + next;
            default -> throw new IllegalArgumentException(packet);
        };
        fins[from] = packet.endsWith("F") ? 1 : fins[from];
        return new Step(packet.charAt(0), segment + " : " + expected);
    }

    private static String name(String twoLetters) {
        return switch (twoLetters) {
            case "CL" -> "CLOSED";
            case "SS" -> "SYN_SENT";
            case "ES" -> "ESTABLISHED";
            case "CG" -> "CLOSING";
            case "F2" -> "FIN_WAIT_2";
            case "TW" -> "TIME_WAIT";
            default -> throw new IllegalArgumentException(twoLetters);
        };
    }

    private static String read(String file) throws IOException {
        return Files.readString(Turnstile.repositoryRoot().resolve(FOLDER).resolve(file));
    }
}
