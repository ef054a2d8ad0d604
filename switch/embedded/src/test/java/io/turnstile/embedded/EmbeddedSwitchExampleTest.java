package io.turnstile.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.FrameView;
import io.turnstile.packet.Frames;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The example of the class comment, run; and every example of a comment in this package stands in a test that runs it.
 */
class EmbeddedSwitchExampleTest {
    private static final Path SOURCES = Path.of("src/main/java/io/turnstile/embedded");
    private static final Path TESTS = Path.of("src/test/java/io/turnstile/embedded");
    private static final Pattern IN_COMMENT = Pattern.compile("<pre>\\{@code(.*?)\\n \\* }</pre>\\n", Pattern.DOTALL);
    private static final Path README = Path.of("../../README.md");
    private static final Pattern IN_README = Pattern.compile("```java\\n(.*?)```", Pattern.DOTALL);
    private static final Pattern IN_TEST = Pattern.compile("// example begins(.*?)// example ends", Pattern.DOTALL);

    @Test
    void exampleDoesWhatItSays() {
        // example begins
        try (EmbeddedSwitch sw = EmbeddedSwitch.withPorts(1, 2)) {
            sw.deleteFlows();
            sw.flows("""
                    priority=10,in_port=1,tcp,ct_state=-trk actions=ct(commit,table=1)
                    priority=10,in_port=2,tcp,ct_state=-trk actions=ct(table=1)
                    table=1,in_port=1,ct_state=+trk-inv actions=2
                    table=1,in_port=2,ct_state=+trk+est actions=1
                    """);
            sw.hwOffload(true);
            sw.receive(1, Frames.tcp("10.0.0.1:1234 > 10.0.0.2:80").syn().seq(1));
            FrameView syn = sw.takeSent(2).getFirst();
            assertThat(syn)
                    .hasToString("02:00:00:00:00:01 > 02:00:00:00:00:02, "
                            + "IP 10.0.0.1.1234 > 10.0.0.2.80: Flags [S], seq 1, length 0");
            assertThat(sw.takeOffloadEvents()).containsExactly("add in=1");
            sw.receive(2, syn.reply());
            assertThat(sw.takeSentBytes(1)).containsExactly(syn.reply().bytes());
            sw.receive(1, syn.reply().reply());
            assertThat(sw.takeOffloadEvents()).containsExactly("established in=2");
            sw.advance(Duration.ofDays(2));
            assertThat(sw.takeOffloadEvents()).last().isEqualTo("del expired");
        }
        // example ends
    }

    @Test
    void theReadmesExampleDoesWhatItSays() {
        // example begins
        try (EmbeddedSwitch sw = EmbeddedSwitch.withPorts(1, 2)) {
            sw.flows("priority=10,in_port=1,tcp actions=ct(commit),2");
            sw.hwOffload(true);
            sw.receive(1, Frames.tcp("10.0.0.1:1234 > 10.0.0.2:80").syn());
            assertThat(sw.takeSent(2)).hasSize(1);
            assertThat(sw.takeOffloadEvents()).containsExactly("add in=1");
        }
        // example ends
    }

    @Test
    void examplesOfCommentsStandInTests() throws IOException {
        List<String> examples = found(IN_COMMENT, SOURCES, "*");
        assertThat(examples).hasSizeGreaterThanOrEqualTo(2).isSubsetOf(found(IN_TEST, TESTS, ""));
    }

    @Test
    void theReadmesExampleStandsInATest() throws IOException {
        List<String> examples = IN_README
                .matcher(Files.readString(README))
                .results()
                .map(result -> result.group(1).replaceAll("\\s+", ""))
                .toList();
        assertThat(examples).isNotEmpty().isSubsetOf(found(IN_TEST, TESTS, ""));
    }

    /** Without white space, which is a formatter's business, and without what begins a comment's lines. */
    private static List<String> found(Pattern example, Path folder, String lineStart) throws IOException {
        List<String> examples = new ArrayList<>();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                example.matcher(Files.readString(file))
                        .results()
                        .map(result -> result.group(1))
                        .map(text -> text.replaceAll("(?m)^\\s*" + Pattern.quote(lineStart), "")
                                .replaceAll("\\s+", ""))
                        .forEach(examples::add);
            }
        }
        return examples;
    }
}
