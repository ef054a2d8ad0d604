package io.turnstile.stories;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.lab.Command;
import io.turnstile.lab.Turnstile;
import java.io.File;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import org.junit.platform.launcher.listeners.TestExecutionSummary;

/**
 * docs/providers.md, done as it says, in an empty directory outside of the repository: its files written, its commands
 * run, and the output that it shows found in theirs, in that order.
 */
@Tag("system")
class ProviderFromOutsideStoryTest {
    private static final Pattern BLOCK = Pattern.compile("(?ms)^```(\\w+)(?: file=(\\S+))?\\n(.*?)^```$");

    @TempDir
    Path directory;

    @Test
    void theProvidersPageWorksAsItStands() throws IOException {
        String page = Files.readString(Turnstile.repositoryRoot().resolve("docs/providers.md"));
        StringBuilder script = new StringBuilder("set -eu\n");
        List<String> expected = new ArrayList<>();
        Matcher block = BLOCK.matcher(page);
        while (block.find()) {
            switch (block.group(1)) {
                case "sh" -> script.append(block.group(3));
                case "console" -> block.group(3).lines().forEach(expected::add);
                default -> write(block.group(2), block.group(3));
            }
        }
        Files.writeString(directory.resolve("page.sh"), script);
        String output = run();
        assertThat(expected).isNotEmpty();
        int from = 0;
        for (String line : expected) {
            int at = ("\n" + output).indexOf("\n" + line + "\n", from);
            assertThat(at)
                    .as("'%s' after position %d of:%n%s", line, from, output)
                    .isNotNegative();
            from = at;
        }
        TestExecutionSummary kit = kit();
        assertThat(kit.getFailures())
                .extracting(failure -> failure.getTestIdentifier() + ": " + failure.getException())
                .isEmpty();
        assertThat(kit.getTestsSucceededCount()).isGreaterThan(30);
    }

    /** Runs the page's subclass of the conformance kit, compiled beside its provider. */
    private TestExecutionSummary kit() throws IOException {
        Path classes = directory.resolve("classes");
        int status = ToolProvider.getSystemJavaCompiler()
                .run(
                        null,
                        null,
                        null,
                        "-cp",
                        classes + File.pathSeparator + System.getProperty("java.class.path"),
                        "-d",
                        classes.toString(),
                        directory.resolve("test/CardConformanceTest.java").toString());
        assertThat(status).isZero();
        SummaryGeneratingListener listener = new SummaryGeneratingListener();
        ClassLoader own = Thread.currentThread().getContextClassLoader();
        try (URLClassLoader loader =
                new URLClassLoader(new URL[] {classes.toUri().toURL()}, own)) {
            Thread.currentThread().setContextClassLoader(loader);
            Class<?> test = loader.loadClass("acme.CardConformanceTest");
            LauncherFactory.create()
                    .execute(
                            LauncherDiscoveryRequestBuilder.request()
                                    .selectors(DiscoverySelectors.selectClass(test))
                                    .build(),
                            listener);
        } catch (ClassNotFoundException e) {
            throw new IOException(e);
        } finally {
            Thread.currentThread().setContextClassLoader(own);
        }
        return listener.getSummary();
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
