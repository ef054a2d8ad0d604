package io.turnstile.stories.database;

import io.turnstile.ovsdb.server.EmbeddedOvsdb;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * The embedded OVSDB server in a process of its own, which compacts when it is told to on its standard input, and ends
 * with it.
 */
final class DatabaseProcess implements AutoCloseable {
    private static final String READY = "ready";
    private static final String COMPACT = "compact";
    private static final String COMPACTED = "compacted";

    private final Process process;
    private final AtomicInteger compactions = new AtomicInteger();
    private Thread reader = Thread.currentThread();

    private DatabaseProcess(Process process) {
        this.process = process;
    }

    /**
     * Begins to start the server.
     *
     * @param options the JVM's, of {@link QuickStart}
     */
    static DatabaseProcess launch(List<String> options, Path file, Path socket) {
        List<String> words = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx64m",
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-XX:-UsePerfData"));
        words.addAll(options);
        words.addAll(List.of(DatabaseProcess.class.getName(), file.toString(), socket.toString()));
        try {
            return new DatabaseProcess(new ProcessBuilder(words)
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Starts the server and returns once it listens. */
    static DatabaseProcess start(List<String> options, Path file, Path socket) {
        DatabaseProcess server = launch(options, file, socket);
        try {
            if (!READY.equals(server.process.inputReader().readLine())) {
                throw new AssertionError("the server did not start");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        server.reader = Thread.ofPlatform().start(server::countCompactions);
        return server;
    }

    /** Has the server end of itself. */
    void end() {
        try {
            process.outputWriter().close();
            process.onExit().join();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void countCompactions() {
        try {
            for (String line = process.inputReader().readLine();
                    line != null;
                    line = process.inputReader().readLine()) {
                if (line.equals(COMPACTED)) {
                    compactions.incrementAndGet();
                } else {
                    throw new AssertionError(line);
                }
            }
        } catch (IOException e) {
            // Killed.
        }
    }

    /** Has the server write its file anew, and does not wait for it. */
    void compact() {
        try {
            process.outputWriter().write(COMPACT + "\n");
            process.outputWriter().flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** SIGKILL after so long; returns how many compactions had ended. */
    int killAfter(long ns) {
        LockSupport.parkNanos(ns);
        process.destroyForcibly();
        process.onExit().join();
        try {
            if (reader != Thread.currentThread()) {
                reader.join();
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        return compactions.get();
    }

    @Override
    public void close() {
        killAfter(0);
    }

    public static void main(String[] arguments) throws IOException {
        EmbeddedOvsdb server = new EmbeddedOvsdb(Path.of(arguments[0]), List.of("punix:" + arguments[1]));
        server.ensureRoot().join();
        System.out.println(READY);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        while (COMPACT.equals(in.readLine())) {
            server.compact().join();
            System.out.println(COMPACTED);
        }
        Runtime.getRuntime().halt(0);
    }
}
