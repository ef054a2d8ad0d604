package io.turnstile.stories.database;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;

/**
 * How a process is started that is started a thousand times: from an archive of its loaded classes (the JDK's class
 * data sharing), which halves what a start costs. Such an archive takes jars, so folders of classes become one.
 */
final class QuickStart {
    private static final String CLASS_PATH =
            System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));

    private QuickStart() {}

    /** The JVM's options for the classes as they are. */
    static List<String> fromClasses() {
        return List.of("-Xshare:auto", "-cp", CLASS_PATH);
    }

    /** The JVM's options that write the archive when the process ends of itself. */
    static List<String> writingArchive(Path folder) throws IOException {
        List<Path> folders = new ArrayList<>();
        List<String> jars = new ArrayList<>();
        for (String entry : CLASS_PATH.split(java.io.File.pathSeparator)) {
            if (Files.isDirectory(Path.of(entry))) {
                folders.add(Path.of(entry));
            } else if (entry.endsWith(".jar")) {
                jars.add(entry);
            }
        }
        jars.addFirst(jar(folders, folder.resolve("classes.jar")).toString());
        return List.of(
                "-XX:ArchiveClassesAtExit=" + folder.resolve("classes.jsa"),
                "-Xlog:disable",
                "-cp",
                String.join(java.io.File.pathSeparator, jars));
    }

    /** The same options for who uses the archive. */
    static List<String> fromArchive(List<String> writing) {
        List<String> options = new ArrayList<>(writing);
        options.set(0, options.getFirst().replace("ArchiveClassesAtExit", "SharedArchiveFile"));
        return options;
    }

    private static Path jar(List<Path> folders, Path jar) throws IOException {
        Set<String> names = new HashSet<>();
        try (OutputStream file = Files.newOutputStream(jar);
                JarOutputStream out = new JarOutputStream(file)) {
            for (Path folder : folders) {
                try (Stream<Path> files = Files.walk(folder)) {
                    for (Path path : files.filter(Files::isRegularFile).toList()) {
                        String name = folder.relativize(path).toString();
                        if (names.add(name)) {
                            out.putNextEntry(new JarEntry(name));
                            Files.copy(path, out);
                        }
                    }
                }
            }
        }
        return jar;
    }
}
