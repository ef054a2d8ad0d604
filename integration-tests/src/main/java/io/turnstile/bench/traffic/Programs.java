package io.turnstile.bench.traffic;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** This package's programs as processes of their own. */
public final class Programs {
    private Programs() {}

    /** The same JVM and class path as ours, kept small. */
    public static List<String> java(Class<?> program, String... arguments) {
        List<String> words = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx128m",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                program.getName()));
        words.addAll(List.of(arguments));
        return words;
    }
}
