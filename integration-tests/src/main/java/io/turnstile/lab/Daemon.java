package io.turnstile.lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A program that runs until it is closed: first asked to end, after a while made to. */
public final class Daemon implements AutoCloseable {
    private static final int COLLECTIONS = 5;

    private static final int GRACE_SECONDS = 10;

    private final Process process;
    private final Path log;

    private Daemon(Process process, Path log) {
        this.process = process;
        this.log = log;
    }

    /** Starts the program with both output streams in {@code log}. */
    public static Daemon start(List<String> words, Map<String, String> environment, Path log) {
        try {
            ProcessBuilder builder = new ProcessBuilder(words)
                    .redirectInput(
                            ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                    .redirectErrorStream(true)
                    .redirectOutput(log.toFile());
            builder.environment().putAll(environment);
            return new Daemon(builder.start(), log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public long pid() {
        return process.pid();
    }

    public boolean isAlive() {
        return process.isAlive();
    }

    /** The exit status, once it has ended; 128 and the signal's number if that ended it. */
    public int exitStatus() {
        return process.exitValue();
    }

    /** CPU time used so far by the process, in nanoseconds; 0 when the system does not tell. */
    public long cpuNs() {
        return process.info().totalCpuDuration().map(Duration::toNanos).orElse(0L);
    }

    /** What the program holds of the machine's memory, as {@link #residentBytes(long)} says it. */
    public long residentBytes() throws IOException {
        return residentBytes(process.pid());
    }

    /**
     * What any process holds of the machine's memory (VmRSS of proc(5)); 0 if the kernel does not say.
     *
     * @throws IOException if there is no such process
     */
    public static long residentBytes(long pid) throws IOException {
        return Files.readAllLines(Path.of("/proc/" + pid + "/status")).stream()
                .filter(line -> line.startsWith("VmRSS:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
                .findFirst()
                .orElse(0);
    }

    /**
     * Has the Java machine collect its garbage and give back what heap it can (it does so a step at a time), so that
     * {@link #residentBytes()} tells what it cannot do without.
     */
    public void collectGarbage() {
        String jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd").toString();
        for (int i = 0; i < COLLECTIONS; i++) {
            Command.of(jcmd, Long.toString(process.pid()), "GC.run").run();
        }
    }

    public String output() {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            return "(no log: " + e.getMessage() + ")";
        }
    }

    /**
     * Stops the program where it is, until {@link #resume()}. The kernel goes on answering for its sockets: who
     * connects to a server that is stopped gets an established connection on which nothing is said yet.
     */
    public void pause() {
        signal("-STOP");
    }

    public void resume() {
        signal("-CONT");
    }

    private void signal(String signal) {
        Command.of("kill", signal, Long.toString(process.pid())).run();
    }

    /** Waits until the program has ended by itself. */
    public void awaitEnd(Duration patience) {
        Await.until("the end of process " + pid(), patience, () -> !isAlive(), this::output);
    }

    /** kill -9, for stories about what survives it. */
    public void kill() {
        process.destroyForcibly();
        await();
    }

    @Override
    public void close() {
        process.destroy();
        if (!await()) {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
            await();
        }
    }

    private boolean await() {
        try {
            return process.waitFor(GRACE_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
