package io.turnstile.stories.tracker;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.lab.Turnstile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The scripts of {@code src/test/resources/tracker-scripts}: sequences on which the two switches differed once. Those
 * below {@code alike} are treated alike now; those below {@code decided} are not, on purpose, and the file says why.
 */
@Tag("system")
class TrackerScriptStoryTest {
    private static final Path FOLDER =
            Turnstile.repositoryRoot().resolve("integration-tests/src/test/resources/tracker-scripts");
    private static Twins twins;

    @BeforeAll
    static void start() {
        twins = Twins.start(EnumSet.allOf(Feature.class));
    }

    @AfterAll
    static void stop() {
        if (twins != null) {
            twins.close();
        }
    }

    static Stream<Path> alike() throws IOException {
        return scripts("alike");
    }

    static Stream<Path> decided() throws IOException {
        return scripts("decided");
    }

    private static Stream<Path> scripts(String folder) throws IOException {
        try (Stream<Path> files = Files.list(FOLDER.resolve(folder))) {
            return files.sorted().map(FOLDER::relativize).toList().stream();
        }
    }

    @ParameterizedTest
    @MethodSource
    void alike(Path file) throws IOException {
        assertThat(twins.difference(script(file))).isEmpty();
    }

    /** Once they are alike the decision has lost its ground: the script goes to the others. */
    @ParameterizedTest
    @MethodSource
    void decided(Path file) throws IOException {
        assertThat(twins.difference(script(file))).isNotEmpty();
    }

    private static Script script(Path file) throws IOException {
        return Script.parse(Files.readString(FOLDER.resolve(file)));
    }
}
