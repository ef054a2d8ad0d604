package io.turnstile.ovsdb.server;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** The system's own ovsdb-server on a file and a socket in a private folder. */
public final class InstalledOvsdbServer implements AutoCloseable {
    private static final long PATIENCE_SECONDS = 10;

    private final Path socket;
    private final Process process;

    private InstalledOvsdbServer(Path socket, Process process) {
        this.socket = socket;
        this.process = process;
    }

    /** Serves {@code database} on {@code socket} (which is replaced), and returns once it does. */
    public static InstalledOvsdbServer serve(Path database, Path socket) {
        try {
            Files.deleteIfExists(socket);
            Path folder = socket.getParent();
            Process process = command(
                            folder,
                            List.of(
                                    "ovsdb-server",
                                    database.toString(),
                                    "--remote=punix:" + socket,
                                    "--unixctl=" + folder.resolve("ovsdb-server.ctl"),
                                    "--log-file=/dev/null"))
                    .redirectErrorStream(true)
                    .redirectOutput(folder.resolve("ovsdb-server.log").toFile())
                    .start();
            InstalledOvsdbServer server = new InstalledOvsdbServer(socket, process);
            server.awaitSocket();
            return server;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void awaitSocket() throws IOException {
        long deadlineNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (!listens()) {
            if (!process.isAlive() || System.nanoTime() > deadlineNs) {
                throw new IOException(
                        "ovsdb-server does not serve: " + Files.readString(socket.resolveSibling("ovsdb-server.log")));
            }
            Thread.onSpinWait();
        }
    }

    private boolean listens() {
        try (SocketChannel _ = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    private static ProcessBuilder command(Path folder, List<String> words) {
        ProcessBuilder builder = new ProcessBuilder(words);
        builder.environment()
                .putAll(Map.of(
                        "OVS_RUNDIR",
                        folder.toString(),
                        "OVS_DBDIR",
                        folder.toString(),
                        "OVS_LOGDIR",
                        folder.toString(),
                        "OVS_SYSCONFDIR",
                        folder.toString()));
        return builder;
    }

    /**
     * Runs one of the system's tools and returns what it printed; anything but success is an {@link AssertionError}.
     */
    public static String tool(Path folder, String... words) {
        try {
            Process process = command(folder, new ArrayList<>(List.of(words)))
                    .redirectErrorStream(true)
                    .start();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (process.waitFor() != 0) {
                throw new AssertionError(String.join(" ", words) + ": " + output);
            }
            return output;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
