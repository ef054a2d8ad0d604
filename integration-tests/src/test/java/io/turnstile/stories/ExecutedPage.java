package io.turnstile.stories;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.lab.Command;
import io.turnstile.lab.Turnstile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A page of the documentation, done as it says in an empty directory: its files written, its commands run, and the
 * output that it shows found in theirs, in that order.
 */
final class ExecutedPage {
    private static final Pattern BLOCK = Pattern.compile("(?ms)^```(\\w+)(?: file=(\\S+))?\\n(.*?)^```$");

    private final Path directory;

    ExecutedPage(Path directory) {
        this.directory = directory;
    }

    /** @param page such as {@code docs/providers.md} */
    void check(String page) throws IOException {
        String text = Files.readString(Turnstile.repositoryRoot().resolve(page));
        StringBuilder script = new StringBuilder("set -eu\n");
        List<String> expected = new ArrayList<>();
        Matcher block = BLOCK.matcher(text);
        while (block.find()) {
            switch (block.group(1)) {
                case "sh" -> script.append(block.group(3));
                case "console" -> block.group(3).lines().forEach(expected::add);
                default -> write(block.group(2), block.group(3));
            }
        }
        Files.writeString(directory.resolve("page.sh"), script);
        String output = "\n" + run() + "\n";
        assertThat(expected).isNotEmpty();
        int from = 0;
        for (String line : expected) {
            int at = output.indexOf("\n" + line + "\n", from);
            assertThat(at)
                    .as("'%s' after position %d of:%n%s", line, from, output)
                    .isNotNegative();
            from = at;
        }
    }

    private void write(String file, String text) throws IOException {
        Path path = directory.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, text);
    }

    /** Whatever becomes of the page's commands, the switch that they started is ended. */
    private String run() {
        Map<String, String> environment = Map.of(
                "TURNSTILE", Turnstile.repositoryRoot().toString(), "JAVA_HOME", System.getProperty("java.home"));
        try {
            return Command.of(List.of("bash", "-c", "cd \"$1\" && bash page.sh", "page", directory.toString()))
                    .with(environment)
                    .run()
                    .text();
        } finally {
            Command.of(List.of("ovs-appctl", "-t", directory.resolve("run/ctl").toString(), "exit"))
                    .attempt();
        }
    }
}
