package io.turnstile.openflow;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Runs the ovs-ofctl that is installed. */
final class Tool {
    private static final int PATIENCE_SECONDS = 20;

    private Tool() {}

    record Result(int status, String output) {}

    /** Both streams in one text; "xid" and "duration" made the same. */
    static Result ofctl(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("ovs-ofctl", "--timeout=15"));
        command.addAll(List.of(arguments));
        Path output = Files.createTempFile("ofctl", ".out");
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                .start();
        assertThat(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS))
                .as("ovs-ofctl ended")
                .isTrue();
        String text = Files.readString(output, StandardCharsets.UTF_8);
        Files.delete(output);
        return new Result(process.exitValue(), text.replaceAll("xid=0x[0-9a-f]+", "xid=X"));
    }

    static String ok(String... arguments) throws IOException, InterruptedException {
        Result result = ofctl(arguments);
        assertThat(result.status())
                .as(String.join(" ", arguments) + "\n" + result.output())
                .isZero();
        return result.output();
    }
}
