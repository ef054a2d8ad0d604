package io.turnstile.conntrack;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Frame;
import io.turnstile.packet.Frames;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every cell of the TCP tables through the tracker itself: {@code tcp-cells.txt} against ct_state and the dump. The
 * differential story plays the same table to Open vSwitch, whose cells are told where they are others.
 */
class TcpCellsTest {
    private static final long ABOUT_TO_WRAP_NS = Long.MAX_VALUE - 3_000_000_000L;
    private static final String[] KINDS = {">S", ">SA", ">A", ">F", ">R", "<S", "<SA", "<A", "<F", "<R"};
    private static final Pattern LINE = Pattern.compile(",timeout=(\\d+),.*state_orig=(\\w+),state_reply=(\\w+)");
    private static final Map<String, String> SHORT = Map.of(
            "CLOSED",
            "CL",
            "SYN_SENT",
            "SS",
            "ESTABLISHED",
            "ES",
            "CLOSING",
            "CG",
            "FIN_WAIT_2",
            "F2",
            "TIME_WAIT",
            "TW");

    /** Both ends, which count what they have sent. */
    private static final class Speakers {
        private static final String[] ENDS = {"10.0.0.1:1234 > 10.0.0.2:80", "10.0.0.2:80 > 10.0.0.1:1234"};
        private final long[] initial = {1000, 5000};
        private final int[] fins = new int[2];

        Frame frame(String packet) {
            int from = packet.startsWith(">") ? 0 : 1;
            long next = initial[from] + 1 + fins[from];
            long acknowledged = initial[1 - from] + 1 + fins[1 - from];
            String segment = switch (packet.substring(1)) {
                case "S" -> "[S] seq " + initial[from];
                case "SA" -> "[S.] seq " + initial[from] + " ack " + acknowledged;
                case "A" -> "[.] seq " + next + " ack " + acknowledged;
                case "F" -> "[F.] seq " + (initial[from] + 1) + " ack " + acknowledged;
                case "R" -> "[R] seq " + next;
                default -> throw new IllegalArgumentException(packet);
            };
            fins[from] = packet.endsWith("F") ? 1 : fins[from];
            return Frames.tcp(ENDS[from]).segment(segment);
        }
    }

    static Stream<Arguments> cells() throws IOException {
        String text;
        try (InputStream in = TcpCellsTest.class.getResourceAsStream("tcp-cells.txt")) {
            text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
        List<Arguments> cells = new ArrayList<>();
        for (String line : text.lines()
                .filter(line -> line.contains("/") && !line.startsWith("#"))
                .toList()) {
            String[] words = line.split(" +");
            assertThat(words).as(line).hasSize(2 + KINDS.length);
            for (int i = 0; i < KINDS.length; i++) {
                for (long originNs : new long[] {0, ABOUT_TO_WRAP_NS}) {
                    cells.add(Arguments.of(
                            words[0],
                            List.of(words[1].split(",")),
                            KINDS[i],
                            words[i + 2].split("~")[0],
                            originNs));
                }
            }
        }
        return cells.stream();
    }

    @ParameterizedTest(name = "{2} in {0} makes {3}, from {4} ns")
    @MethodSource("cells")
    void cellIsAsTheTableSays(String states, List<String> path, String packet, String expected, long originNs) {
        TrackerFixture ct = new TrackerFixture(originNs, 10);
        Speakers speakers = new Speakers();
        path.forEach(step -> ct.pass(speakers.frame(step)));
        assertThat(states(ct)).isEqualTo(states);
        long before = ct.ids().getFirst();
        ct.advance(Duration.ofSeconds(5));
        String ctState = ct.pass(speakers.frame(packet));
        if (expected.equals("reopen")) {
            assertThat(ctState).isEqualTo("new");
            assertThat(ct.ids()).hasSize(1).doesNotContain(before);
            assertThat(ct.dump().getFirst())
                    .startsWith("tcp,orig=(src=10.0.0." + (packet.startsWith(">") ? 1 : 2) + ",");
            assertThat(states(ct) + ":" + timeout(ct)).isEqualTo("SS/CL:30");
            return;
        }
        String[] parts = expected.split(":");
        assertThat(ctState).isEqualTo(parts[1] + (parts[1].equals("est") && packet.startsWith("<") ? "|rpl" : ""));
        assertThat(ct.ids()).containsExactly(before);
        assertThat(states(ct) + ":" + timeout(ct)).isEqualTo(parts[0] + ":" + parts[2]);
    }

    /** After so many seconds, and not one earlier, the connection is gone. */
    @ParameterizedTest(name = "{2} in {0} leaves {3}, from {4} ns")
    @MethodSource("cells")
    void timeoutOfTheCellIsKept(String states, List<String> path, String packet, String expected, long originNs) {
        TrackerFixture ct = new TrackerFixture(originNs, 10);
        Speakers speakers = new Speakers();
        path.forEach(step -> ct.pass(speakers.frame(step)));
        ct.advance(Duration.ofSeconds(5));
        ct.pass(speakers.frame(packet));
        Duration left = Duration.ofSeconds(expected.equals("reopen") ? 30 : Long.parseLong(expected.split(":")[2]));
        ct.advance(left.minusNanos(1));
        ct.sweep();
        assertThat(ct.tracker.connectionCount()).isOne();
        assertThat(ct.dump()).hasSize(1);
        ct.advance(Duration.ofNanos(1));
        assertThat(ct.dump()).isEmpty();
        ct.sweep();
        assertThat(ct.tracker.connectionCount()).isZero();
    }

    /** The table leaves out no pair that packets can bring about. */
    @Test
    void noOtherPairOfStatesComesAbout() throws IOException {
        TreeMap<String, List<String>> found = new TreeMap<>();
        Deque<List<String>> toTry = new ArrayDeque<>();
        toTry.add(List.of(">S"));
        while (!toTry.isEmpty()) {
            List<String> path = toTry.poll();
            TrackerFixture ct = new TrackerFixture();
            Speakers speakers = new Speakers();
            path.forEach(step -> ct.pass(speakers.frame(step)));
            if (found.putIfAbsent(states(ct), path) == null) {
                for (String packet : KINDS) {
                    List<String> longer = new ArrayList<>(path);
                    longer.add(packet);
                    toTry.add(longer);
                }
            }
        }
        assertThat(found.keySet())
                .containsExactlyElementsOf(cells().map(cell -> (String) cell.get()[0])
                        .distinct()
                        .sorted()
                        .toList());
    }

    private static String states(TrackerFixture ct) {
        Matcher line = line(ct);
        return SHORT.get(line.group(2)) + "/" + SHORT.get(line.group(3));
    }

    private static int timeout(TrackerFixture ct) {
        return Integer.parseInt(line(ct).group(1));
    }

    private static Matcher line(TrackerFixture ct) {
        Matcher matcher = LINE.matcher(ct.dump(true, true).getFirst());
        assertThat(matcher.find()).isTrue();
        return matcher;
    }
}
