package io.turnstile.stories;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
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
    @TempDir
    Path directory;

    @Test
    void theProvidersPageWorksAsItStands() throws IOException {
        new ExecutedPage(directory).check("docs/providers.md");
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
}
