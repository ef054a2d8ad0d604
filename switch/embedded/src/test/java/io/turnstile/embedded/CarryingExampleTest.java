package io.turnstile.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The example of docs/providers.md that carries: compiled and executed as it stands there. */
class CarryingExampleTest {
    private static final Pattern SOURCE = Pattern.compile("(?ms)^```java file=(acme/Wire\\w+\\.java)\\n(.*?)^```$");

    @TempDir
    Path directory;

    @Test
    void theProviderOfThePageCarriesAsThePageSays() throws Exception {
        compile(sources());
        try (URLClassLoader loader = new URLClassLoader(
                new URL[] {directory.toUri().toURL()}, getClass().getClassLoader())) {
            Class<?> test = loader.loadClass("acme.WireTest");
            Object instance = instance(test);
            List<Method> methods = new ArrayList<>(List.of(test.getDeclaredMethods()));
            methods.removeIf(method -> !method.isAnnotationPresent(Test.class));
            assertThat(methods).isNotEmpty();
            for (Method method : methods) {
                method.setAccessible(true);
                method.invoke(instance);
            }
        }
    }

    private static Object instance(Class<?> test) throws ReflectiveOperationException {
        var constructor = test.getDeclaredConstructor();
        constructor.setAccessible(true);
        return constructor.newInstance();
    }

    private List<String> sources() throws IOException {
        List<String> files = new ArrayList<>();
        Matcher source = SOURCE.matcher(Files.readString(page()));
        while (source.find()) {
            Path file = directory.resolve(source.group(1));
            Files.createDirectories(file.getParent());
            Files.writeString(file, source.group(2));
            files.add(file.toString());
        }
        assertThat(files).hasSize(2);
        return files;
    }

    private static Path page() {
        Path folder = Path.of("").toAbsolutePath();
        while (!Files.exists(folder.resolve("docs/providers.md"))) {
            folder = folder.getParent();
        }
        return folder.resolve("docs/providers.md");
    }

    private void compile(List<String> files) {
        List<String> arguments =
                new ArrayList<>(List.of("-cp", System.getProperty("java.class.path"), "-d", directory.toString()));
        arguments.addAll(files);
        ByteArrayOutputStream errors = new ByteArrayOutputStream();
        int status = ToolProvider.getSystemJavaCompiler().run(null, null, errors, arguments.toArray(String[]::new));
        assertThat(status).as(errors.toString(StandardCharsets.UTF_8)).isZero();
    }
}
