package io.turnstile.offload;

import io.turnstile.offload.spi.OffloadProvider;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Enumeration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import javax.tools.FileObject;
import javax.tools.ForwardingJavaFileManager;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileManager;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

/** A jar of the plug-in folder as a test wants it, with classes compiled from text. */
final class TestJar {
    static final String SERVICES = "META-INF/services/" + OffloadProvider.class.getName();

    private final Map<String, byte[]> entries = new TreeMap<>();

    /** Names providers, or says anything else in their place. */
    TestJar services(String content) {
        entries.put(SERVICES, content.getBytes(StandardCharsets.UTF_8));
        return this;
    }

    TestJar entry(String name, byte[] content) {
        entries.put(name, content);
        return this;
    }

    /**
     * A provider {@code public final class TYPE} of package {@code acme} with no more than it needs.
     *
     * @param members of the class, such as a constructor
     */
    TestJar provider(String type, String name, String members) {
        return code(type, """
                package acme;
                import io.turnstile.offload.spi.*;
                public final class %s implements OffloadProvider {
                    public String name() { return "%s"; }
                    public Verdict connAdd(ConnView connection) { return Verdict.accept(); }
                    public boolean connEstablished(ConnView connection, PortRef reply) { return true; }
                    public long connUpdate(ConnView connection) { return 0; }
                    public void connDel(ConnView connection, DelReason reason) { }
                    %s
                }
                """.formatted(type, name, members));
    }

    /** Classes from a source of package {@code acme}. */
    TestJar code(String type, String source) {
        entries.putAll(compile(type, source));
        return this;
    }

    TestJar without(String entry) {
        entries.remove(entry);
        return this;
    }

    byte[] content(String entry) {
        return entries.get(entry);
    }

    Path writeTo(Path file) {
        try (OutputStream out = Files.newOutputStream(file);
                JarOutputStream jar = new JarOutputStream(out)) {
            for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
                jar.putNextEntry(new JarEntry(entry.getKey()));
                jar.write(entry.getValue());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return file;
    }

    /** The switch's classes, but none of the providers that its class path may have. */
    static ClassLoader classPathWithoutProviders() {
        return new ClassLoader(TestJar.class.getClassLoader()) {
            @Override
            public Enumeration<URL> getResources(String name) throws IOException {
                return name.equals(SERVICES) ? Collections.emptyEnumeration() : super.getResources(name);
            }
        };
    }

    private static Map<String, byte[]> compile(String type, String source) {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        Map<String, ByteArrayOutputStream> classes = new TreeMap<>();
        JavaFileManager inMemory = new ForwardingJavaFileManager<>(compiler.getStandardFileManager(null, null, null)) {
            @Override
            public JavaFileObject getJavaFileForOutput(
                    Location location, String className, JavaFileObject.Kind kind, FileObject sibling) {
                String name = className.replace('.', '/') + ".class";
                return new SimpleJavaFileObject(URI.create("mem:///" + name), kind) {
                    @Override
                    public OutputStream openOutputStream() {
                        return classes.computeIfAbsent(name, any -> new ByteArrayOutputStream());
                    }
                };
            }
        };
        JavaFileObject text =
                new SimpleJavaFileObject(URI.create("mem:///acme/" + type + ".java"), JavaFileObject.Kind.SOURCE) {
                    @Override
                    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
                        return source;
                    }
                };
        List<String> options = List.of("-proc:none", "-cp", classPath());
        if (!compiler.getTask(null, inMemory, null, options, null, List.of(text))
                .call()) {
            throw new IllegalArgumentException(source);
        }
        Map<String, byte[]> compiled = new TreeMap<>();
        classes.forEach((name, bytes) -> compiled.put(name, bytes.toByteArray()));
        return compiled;
    }

    private static String classPath() {
        return placeOf(OffloadProvider.class) + File.pathSeparator + placeOf(TestJar.class);
    }

    private static Path placeOf(Class<?> type) {
        return Path.of(URI.create(
                type.getProtectionDomain().getCodeSource().getLocation().toString()));
    }
}
