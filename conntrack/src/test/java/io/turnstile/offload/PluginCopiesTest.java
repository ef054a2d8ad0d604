package io.turnstile.offload;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Where the copies of plug-in jars lie, and that none is left behind. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PluginCopiesTest {
    @TempDir
    Path folder;

    @TempDir
    Path copies;

    private final long pid = ProcessHandle.current().pid();

    @BeforeEach
    void writeAJar() {
        write("1");
    }

    private void write(String version) {
        new TestJar()
                .services("acme.Card")
                .provider("Card", "card", "public int priority() { return %s; }".formatted(version))
                .writeTo(folder.resolve("acme.jar"));
    }

    private ProviderRegistry discover() {
        return ProviderRegistry.discover(TestJar.classPathWithoutProviders(), folder, Set.of(), copies);
    }

    private List<Path> copies() throws IOException {
        try (Stream<Path> files = Files.list(copies)) {
            return files.sorted().toList();
        }
    }

    private static long pidOfADeadProcess() throws Exception {
        Process process = new ProcessBuilder("true").start();
        process.waitFor();
        return process.pid();
    }

    @Test
    void aCopyLiesInTheFolderThatIsGivenUnderTheProcessesNumber() throws IOException {
        assertThat(discover().names()).containsExactly("card");
        assertThat(copies())
                .singleElement()
                .satisfies(copy -> assertThat(copy.getFileName().toString())
                        .startsWith("turnstile-plugin-" + pid + "-")
                        .endsWith(".jar"));
    }

    @Test
    void aReplacedJarsCopyGoes() throws IOException {
        ProviderRegistry registry = discover();
        Path first = copies().getFirst();
        write("200");
        registry.rescan();
        registry.closeRetired(provider -> false);
        assertThat(copies()).hasSize(1).doesNotContain(first);
    }

    @Test
    void aStartRemovesWhatProcessesThatWereKilledHaveLeft() throws Exception {
        Path dead = Files.createFile(copies.resolve("turnstile-plugin-" + pidOfADeadProcess() + "-1.jar"));
        Path formerOfThisNumber = Files.createFile(copies.resolve("turnstile-plugin-" + pid + "-former.jar"));
        Path alive = Files.createFile(copies.resolve("turnstile-plugin-"
                + ProcessHandle.current().parent().orElseThrow().pid() + "-1.jar"));
        Path foreign = Files.createFile(copies.resolve("turnstile-plugin-of-somebody.jar"));
        ProviderRegistry first = discover();
        assertThat(first.names()).containsExactly("card");
        assertThat(copies())
                .doesNotContain(dead, formerOfThisNumber)
                .contains(alive, foreign)
                .hasSize(3);
        discover();
        assertThat(copies())
                .as("another registry of this process is no orphan's")
                .hasSize(4);
    }

    @Test
    void aCopyThatCannotBeRemovedIsNobodyElsesTrouble() throws IOException {
        ProviderRegistry registry = discover();
        Path copy = copies().getFirst();
        Files.delete(copy);
        Files.createFile(Files.createDirectory(copy).resolve("in the way"));
        write("200");
        registry.rescan();
        registry.closeRetired(provider -> false); // throws nothing
        registry.closeRetired(provider -> false);
        assertThat(registry.names()).containsExactly("card");
    }

    @Test
    void aJarThatBringsNothingLeavesNoCopy() throws IOException {
        new TestJar().services("acme.Absent").writeTo(folder.resolve("acme.jar"));
        assertThat(discover().faults()).hasSize(1);
        assertThat(copies()).isEmpty();
    }
}
