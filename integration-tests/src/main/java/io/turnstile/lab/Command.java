package io.turnstile.lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** The runner runs one program to its end, with a limit on its time, and keeps what it printed. */
public final class Command {
    private static final Duration DEFAULT_LIMIT = Duration.ofSeconds(30);

    private final List<String> words;
    private final Map<String, String> environment;
    private final Duration limit;

    /** How a program ended. */
    public record Result(List<String> command, int exitStatus, String output, String errors) {
        public boolean succeeded() {
            return exitStatus == 0;
        }

        /** Output without the last line end. */
        public String text() {
            return output.stripTrailing();
        }

        public List<String> lines() {
            return output.isBlank() ? List.of() : output.stripTrailing().lines().toList();
        }
    }

    /** A program that had to succeed did not. */
    public static final class FailedException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        FailedException(Result result) {
            super("exit status %d of `%s`%n%s%s"
                    .formatted(
                            result.exitStatus(), String.join(" ", result.command()), result.output(), result.errors()));
        }
    }

    private Command(List<String> words, Map<String, String> environment, Duration limit) {
        this.words = words;
        this.environment = environment;
        this.limit = limit;
    }

    public static Command of(String... words) {
        return of(List.of(words));
    }

    public static Command of(List<String> words) {
        return new Command(List.copyOf(words), Map.of(), DEFAULT_LIMIT);
    }

    public Command with(Map<String, String> environment) {
        return new Command(words, environment, limit);
    }

    public Command within(Duration limit) {
        return new Command(words, environment, limit);
    }

    /** Runs and expects success; {@link FailedException} tells what went wrong otherwise. */
    public Result run() {
        Result result = attempt();
        if (!result.succeeded()) {
            throw new FailedException(result);
        }
        return result;
    }

    /** Runs and reports however it ends; a program over its time is killed and reported with status 124. */
    public Result attempt() {
        List<Path> captures = new ArrayList<>();
        try {
            Path output = Files.createTempFile("turnstile-out", "");
            captures.add(output);
            Path errors = Files.createTempFile("turnstile-err", "");
            captures.add(errors);
            ProcessBuilder builder = new ProcessBuilder(words)
                    .redirectInput(
                            ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                    .redirectOutput(output.toFile())
                    .redirectError(errors.toFile());
            builder.environment().putAll(environment);
            Process process = builder.start();
            boolean ended = process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS);
            if (!ended) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly().waitFor();
            }
            return new Result(words, ended ? process.exitValue() : 124, read(output), read(errors));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while running " + words, e);
        } finally {
            captures.forEach(path -> path.toFile().delete());
        }
    }

    /** Starts it and leaves it running, with what it prints in {@code log}. */
    public Daemon start(Path log) {
        return Daemon.start(words, environment, log);
    }

    private static String read(Path file) throws IOException {
        return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
    }
}
