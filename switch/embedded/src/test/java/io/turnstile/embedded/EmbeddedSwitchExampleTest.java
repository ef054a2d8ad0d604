package io.turnstile.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.testing.TestFrame;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The example of the class comment, run; and the same lines in both places. */
class EmbeddedSwitchExampleTest {
    private final byte[] syn = TestFrame.tcp("10.0.0.1", 1000, "10.0.0.2", 80, TestFrame.SYN, 100, 0)
            .bytes();
    private final byte[] synAck = TestFrame.tcp(
                    "10.0.0.2", 80, "10.0.0.1", 1000, TestFrame.SYN | TestFrame.ACK, 500, 101)
            .bytes();

    @Test
    void exampleDoesWhatItSays() {
        // example begins
        try (EmbeddedSwitch sw = EmbeddedSwitch.start()) {
            sw.deleteFlows();
            sw.flows("""
                    priority=10,in_port=1,tcp,ct_state=-trk actions=ct(commit,table=1)
                    priority=10,in_port=2,tcp,ct_state=-trk actions=ct(table=1)
                    table=1,in_port=1,ct_state=+trk-inv actions=2
                    table=1,in_port=2,ct_state=+trk+est actions=1
                    """);
            sw.hwOffload(true);
            sw.port(2);
            sw.receive(1, syn);
            assertThat(sw.sent(2)).containsExactly(syn);
            assertThat(sw.offloadEvents()).containsExactly("add in=1");
            sw.receive(2, synAck);
            assertThat(sw.sent(1)).containsExactly(synAck);
            assertThat(sw.offloadEvents()).containsExactly("established in=2");
            sw.advance(Duration.ofMinutes(10));
            assertThat(sw.offloadEvents()).last().isEqualTo("del expired");
        }
        // example ends
    }

    @Test
    void commentAndTestSayTheSame() throws IOException {
        List<String> comment =
                between("src/main/java/io/turnstile/embedded/EmbeddedSwitch.java", "<pre>{@code", "\n * }</pre>\n *\n");
        List<String> test = between(
                "src/test/java/io/turnstile/embedded/EmbeddedSwitchExampleTest.java",
                "// example begins\n",
                "\n        // example ends");
        assertThat(comment).isNotEmpty().isEqualTo(test);
    }

    private static List<String> between(String file, String begin, String end) throws IOException {
        String text = Files.readString(Path.of(file));
        int from = text.indexOf(begin) + begin.length();
        return text.substring(from, text.indexOf(end, from))
                .lines()
                .map(line -> line.replaceFirst("^ \\* ?", "").strip())
                .filter(line -> !line.isEmpty())
                .toList();
    }
}
