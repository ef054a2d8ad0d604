package io.turnstile.ovsdb.server;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/** Our server in a process of its own, so that it can be killed, and have little of what it needs. */
final class ServerProcess implements AutoCloseable {
    private final Process process;
    private final Path errors;

    private ServerProcess(Process process, Path errors) {
        this.process = process;
        this.errors = errors;
    }

    /** Starts the server and returns once it listens. */
    static ServerProcess start(Path file, Path socket) {
        return start(List.of(), 256, file, socket);
    }

    /**
     * Starts the server and returns once it listens. {@link IllegalStateException} with what it said if it does not.
     *
     * @param wrapper words before the command: what gives it less than it has otherwise
     */
    static ServerProcess start(List<String> wrapper, int heapMb, Path file, Path socket) {
        try {
            List<String> words = new ArrayList<>(wrapper);
            words.addAll(List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-XX:TieredStopAtLevel=1",
                    "-XX:+UseSerialGC",
                    "-XX:+ExitOnOutOfMemoryError",
                    "-Xmx" + heapMb + "m",
                    "-cp",
                    System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                    ServerProcess.class.getName(),
                    file.toString(),
                    socket.toString()));
            Path errors = Files.createTempFile("server", ".log");
            errors.toFile().deleteOnExit();
            Process process =
                    new ProcessBuilder(words).redirectError(errors.toFile()).start();
            ServerProcess server = new ServerProcess(process, errors);
            String line = process.inputReader().readLine();
            if (!"ready".equals(line)) {
                process.onExit().join();
                throw new IllegalStateException("the server did not start: " + line + "\n" + server.errors());
            }
            return server;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What it has written to its standard error: the log. */
    String errors() throws IOException {
        return Files.readString(errors, StandardCharsets.UTF_8);
    }

    /** SIGKILL. */
    void kill() {
        process.destroyForcibly();
        process.onExit().join();
    }

    @Override
    public void close() {
        kill();
    }

    public static void main(String[] arguments) throws InterruptedException {
        try {
            new EmbeddedOvsdb(Path.of(arguments[0]), List.of("punix:" + arguments[1]));
        } catch (UncheckedIOException e) {
            System.out.println("refused: " + e.getCause().getMessage());
            return;
        }
        System.out.println("ready");
        new CountDownLatch(1).await();
    }
}
