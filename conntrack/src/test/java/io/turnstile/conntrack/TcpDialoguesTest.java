package io.turnstile.conntrack;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Frame;
import io.turnstile.packet.Frames;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Windows, retransmissions, ends and everything else in which the numbers matter: {@code tcp-dialogues.txt}, whose
 * answers, or those that are told apart, the differential story has seen Open vSwitch give. Each is played by a clock
 * from zero and by one about to wrap.
 */
class TcpDialoguesTest {
    private static final long ABOUT_TO_WRAP_NS = Long.MAX_VALUE - 15_000_000_000L;

    static Stream<Arguments> dialogues() throws IOException {
        List<Arguments> dialogues = new ArrayList<>();
        String text;
        try (InputStream in = TcpDialoguesTest.class.getResourceAsStream("tcp-dialogues.txt")) {
            text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
        for (String part : text.split("(?m)^## ")) {
            if (!part.startsWith("#")) {
                String name = part.lines().findFirst().orElseThrow();
                List<String> steps =
                        part.lines().skip(1).filter(line -> !line.isBlank()).toList();
                dialogues.add(Arguments.of(name, 0L, steps));
                dialogues.add(Arguments.of(name, ABOUT_TO_WRAP_NS, steps));
            }
        }
        return dialogues.stream();
    }

    @ParameterizedTest(name = "{0}, from {1} ns")
    @MethodSource("dialogues")
    void dialogueIsFollowed(String name, long originNs, List<String> steps) {
        TrackerFixture ct = new TrackerFixture(originNs, 10);
        for (String step : steps) {
            String[] words = step.split(" ");
            switch (words[0]) {
                case ">", "<" -> pass(ct, step);
                case "=", "+" -> check(ct, words, step);
                case "-" -> {
                    // What Open vSwitch has.
                }
                case "!" -> change(ct, words);
                default -> throw new IllegalArgumentException(step);
            }
        }
    }

    private static void pass(TrackerFixture ct, String step) {
        String[] halves = step.split(" : ");
        Frame frame = Frames.tcp(step.startsWith(">") ? "10.0.0.1:1234 > 10.0.0.2:80" : "10.0.0.2:80 > 10.0.0.1:1234")
                .segment(halves[0].substring(2));
        assertThat(ct.pass(frame)).as(step).isEqualTo(halves[1].split(" ~ ")[0]);
    }

    private static void check(TrackerFixture ct, String[] words, String step) {
        ct.sweep();
        List<String> lines = ct.dump(true, true);
        if (words[1].equals("none")) {
            assertThat(lines).as(step).isEmpty();
            return;
        }
        assertThat(lines).as(step).hasSize(1);
        for (int i = 1; i < words.length; i++) {
            assertThat(lines.getFirst()).as(step).contains(words[i]);
        }
    }

    private static void change(TrackerFixture ct, String[] words) {
        switch (words[1]) {
            case "wait" -> ct.advance(Duration.ofSeconds(Long.parseLong(words[2])));
            case "seq-chk" -> ct.tracker.setTcpWindowChecked(words[2].equals("on"));
            default -> throw new IllegalArgumentException(words[1]);
        }
    }
}
