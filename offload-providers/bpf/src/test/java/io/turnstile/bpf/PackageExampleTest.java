package io.turnstile.bpf;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.StringWriter;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The example in the package's documentation is a program that compiles. */
class PackageExampleTest {
    private static final String SOURCE = "src/main/java/io/turnstile/bpf/package-info.java";
    private static final String MODULE = "offload-providers/bpf";

    @TempDir
    Path folder;

    @Test
    void theExampleCompiles() throws Exception {
        List<String> example = example();
        String imports =
                example.stream().filter(line -> line.startsWith("import ")).collect(Collectors.joining("\n"));
        String body =
                example.stream().filter(line -> !line.startsWith("import ")).collect(Collectors.joining("\n"));
        String source = """
                import io.turnstile.bpf.*;
                import io.turnstile.bpf.asm.*;
                import java.lang.foreign.*;
                %s
                class Example {
                    static void run(int device, int otherDevice) throws Exception {
                        %s
                    }
                }
                """.formatted(imports, body);

        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StringWriter messages = new StringWriter();
        String classPath = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        boolean compiled = compiler.getTask(
                        messages,
                        null,
                        null,
                        List.of("-proc:none", "-cp", classPath, "-d", folder.toString()),
                        null,
                        List.of(inMemory(source)))
                .call();

        assertThat(compiled).as("%s%n%s", messages, source).isTrue();
    }

    /** The lines of the snippet, without the comment's stars. */
    private static List<String> example() throws Exception {
        Path source = Files.exists(Path.of(SOURCE)) ? Path.of(SOURCE) : Path.of(MODULE, SOURCE);
        return Files.readAllLines(source).stream()
                .dropWhile(line -> !line.contains("{@snippet"))
                .skip(1)
                .takeWhile(line -> !line.startsWith(" * <p>"))
                .map(line -> line.replaceFirst("^ \\* ?", ""))
                .collect(Collectors.collectingAndThen(
                        Collectors.toList(), lines -> lines.subList(0, lines.lastIndexOf("}"))));
    }

    private static JavaFileObject inMemory(String source) {
        return new SimpleJavaFileObject(URI.create("string:///Example.java"), JavaFileObject.Kind.SOURCE) {
            @Override
            public CharSequence getCharContent(boolean ignoreEncodingErrors) {
                return source;
            }
        };
    }
}
