package io.turnstile.stories;

import io.turnstile.offload.spi.OffloadProvider;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;

/** Packs a provider class of the tests as its author would: the class and its service file in a jar. */
final class ProviderJar {
    private ProviderJar() {}

    /** Writes the jar into {@code folder}, which is made if need be. */
    static void write(Path folder, Class<? extends OffloadProvider> provider) {
        String entry = provider.getName().replace('.', '/') + ".class";
        try {
            Files.createDirectories(folder);
            try (JarOutputStream jar = new JarOutputStream(
                            Files.newOutputStream(folder.resolve(provider.getSimpleName() + ".jar")));
                    InputStream code = provider.getResourceAsStream("/" + entry)) {
                jar.putNextEntry(new JarEntry(entry));
                code.transferTo(jar);
                jar.putNextEntry(new JarEntry("META-INF/services/" + OffloadProvider.class.getName()));
                jar.write((provider.getName() + "\n").getBytes(StandardCharsets.UTF_8));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
