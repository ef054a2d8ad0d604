package io.turnstile.offload;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.offload.spi.OffloadProvider;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProviderRegistryTest {
    private static final String SERVICE = "META-INF/services/io.turnstile.offload.spi.OffloadProvider";
    private static final String SOURCE = """
            import io.turnstile.offload.spi.*;
            public final class Plugged implements OffloadProvider {
                public String name() { return "plugged"; }
                public int priority() { return 7; }
                public Verdict connAdd(ConnView connection) { return Verdict.accept(); }
                public boolean connEstablished(ConnView connection, PortRef reply) { return true; }
                public long connUpdate(ConnView connection) { return 0; }
                public void connDel(ConnView connection, DelReason reason) { }
            }
            """;

    @TempDir
    Path folder;

    private final ProviderRegistry three = ProviderRegistry.of(
            List.of(new ScriptedProvider("gamma"), new ScriptedProvider("alpha"), new ScriptedProvider("beta")));

    private static List<String> names(List<NamedProvider> providers) {
        return providers.stream().map(NamedProvider::name).toList();
    }

    @Test
    void equalPrioritiesGoByName() {
        assertThat(names(three.inOrder())).containsExactly("alpha", "beta", "gamma");
    }

    @Test
    void theListComesFirstThenTheRest() {
        assertThat(names(three.inOrder("gamma, nobody,alpha"))).containsExactly("gamma", "alpha", "beta");
        assertThat(names(three.inOrder(null))).containsExactly("alpha", "beta", "gamma");
        assertThat(names(three.inOrder(" "))).containsExactly("alpha", "beta", "gamma");
    }

    @Test
    void noneStops() {
        assertThat(names(three.inOrder("beta,none,alpha"))).containsExactly("beta");
        assertThat(names(three.inOrder("none"))).isEmpty();
    }

    @Test
    void theFirstOfANameStays() {
        ScriptedProvider first = new ScriptedProvider("alpha");
        assertThat(ProviderRegistry.of(List.of(first, new ScriptedProvider("alpha")))
                        .inOrder())
                .extracting(NamedProvider::provider)
                .containsExactly(first);
    }

    @Test
    void jarsInThePluginFolderAreFound() throws IOException {
        jar("good.jar", "Plugged", true);
        ProviderRegistry registry = ProviderRegistry.discover(TestJar.classPathWithoutProviders(), folder);
        assertThat(names(registry.inOrder())).containsExactly("plugged");
        assertThat(registry.inOrder().getFirst().priority()).isEqualTo(7);
    }

    @Test
    void aBrokenJarIsLeftOutAndTheOthersStay() throws IOException {
        jar("a-lying.jar", "NotThere", false);
        Files.writeString(folder.resolve("b-torn.jar"), "this is no jar");
        jar("good.jar", "Plugged", true);
        assertThat(ProviderRegistry.discover(TestJar.classPathWithoutProviders(), folder)
                        .names())
                .containsExactly("plugged");
    }

    @Test
    void aMissingFolderIsAnEmptyOne() {
        assertThat(ProviderRegistry.discover(TestJar.classPathWithoutProviders(), folder.resolve("absent"))
                        .names())
                .isEmpty();
    }

    @Test
    void aJarThatComesOrGoesIsSeenByTheNextLook() throws IOException {
        ProviderRegistry registry = ProviderRegistry.discover(TestJar.classPathWithoutProviders(), folder);
        jar("good.jar", "Plugged", true);
        assertThat(registry.names()).isEmpty();
        assertThat(registry.rescan())
                .isEqualTo(new ProviderRegistry.Rescan(List.of("plugged"), List.of(), List.of(), List.of()));
        OffloadProvider loaded = registry.inOrder().getFirst().provider();
        assertThat(registry.rescan())
                .isEqualTo(new ProviderRegistry.Rescan(List.of(), List.of(), List.of("plugged"), List.of()));
        assertThat(registry.inOrder()).extracting(NamedProvider::provider).containsExactly(loaded);
        Files.delete(folder.resolve("good.jar"));
        assertThat(registry.rescan()).hasToString("added: -\nremoved: plugged\nkept: -\n");
        assertThat(registry.names()).isEmpty();
    }

    @Test
    void aJarThatWasReplacedIsLoadedAnewAndTheOldOneWorksUntilItIsLetGo() throws IOException {
        jar("good.jar", "Plugged", true);
        ProviderRegistry registry = ProviderRegistry.discover(TestJar.classPathWithoutProviders(), folder);
        OffloadProvider old = registry.inOrder().getFirst().provider();
        Files.delete(folder.resolve("good.jar"));
        jar("good.jar", "Plugged", true);
        assertThat(registry.rescan())
                .isEqualTo(new ProviderRegistry.Rescan(List.of("plugged"), List.of("plugged"), List.of(), List.of()));
        assertThat(registry.inOrder().getFirst().provider())
                .isNotSameAs(old)
                .extracting(OffloadProvider::name)
                .isEqualTo("plugged");
        registry.closeRetired(provider -> provider == old);
        assertThat(old.getClass().getClassLoader().getResource(SERVICE))
                .as("still in use")
                .isNotNull();
        registry.closeRetired(provider -> false);
        assertThat(((URLClassLoader) old.getClass().getClassLoader()).findResource(SERVICE))
                .as("closed")
                .isNull();
    }

    private void jar(String name, String service, boolean withClass) throws IOException {
        try (OutputStream file = Files.newOutputStream(folder.resolve(name));
                JarOutputStream jar = new JarOutputStream(file)) {
            jar.putNextEntry(new JarEntry(SERVICE));
            jar.write(service.getBytes());
            if (withClass) {
                jar.putNextEntry(new JarEntry("Plugged.class"));
                jar.write(Files.readAllBytes(compiled()));
            }
        }
    }

    private Path compiled() throws IOException {
        Path source = Files.writeString(folder.resolve("Plugged.java"), SOURCE);
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        int status = compiler.run(null, null, null, "-cp", classPath(), "-d", folder.toString(), source.toString());
        assertThat(status).isZero();
        return folder.resolve("Plugged.class");
    }

    private static String classPath() {
        return Path.of(OffloadProvider.class
                        .getProtectionDomain()
                        .getCodeSource()
                        .getLocation()
                        .getPath())
                .toString();
    }
}
