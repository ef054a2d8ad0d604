package io.turnstile.daemon;

import io.turnstile.bridge.DummyLevel;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a switch is started with.
 *
 * @param runDirectory sockets go here; made if it is not there
 * @param databaseTarget {@code unix:PATH} or {@code tcp:IP:PORT} of a real ovsdb-server; null for the embedded one
 * @param databaseFile of the embedded server
 * @param remotes where the embedded server listens: {@code punix:PATH}, {@code ptcp:[PORT][:IP]}
 * @param controlSocket where {@code ovs-appctl} finds the switch
 * @param forwardingThreads at least 1
 * @param maxConnections of the connection table
 * @param pluginFolder jars with offload providers, null for none
 */
public record DaemonConfig(
        Path runDirectory,
        @Nullable String databaseTarget,
        Path databaseFile,
        List<String> remotes,
        Path controlSocket,
        DummyLevel dummies,
        int forwardingThreads,
        int maxConnections,
        @Nullable Path pluginFolder) {
    public static final int DEFAULT_MAX_CONNECTIONS = 3_000_000;

    /**
     * The configuration of a switch that has everything in one folder: database file, database socket and control
     * socket.
     */
    public static DaemonConfig in(Path runDirectory) {
        return new DaemonConfig(
                runDirectory,
                null,
                runDirectory.resolve("conf.db"),
                List.of("punix:" + runDirectory.resolve("db.sock")),
                defaultControlSocket(runDirectory),
                DummyLevel.NONE,
                defaultForwardingThreads(),
                DEFAULT_MAX_CONNECTIONS,
                null);
    }

    public DaemonConfig withDummies(DummyLevel choice) {
        return new DaemonConfig(
                runDirectory,
                databaseTarget,
                databaseFile,
                remotes,
                controlSocket,
                choice,
                forwardingThreads,
                maxConnections,
                pluginFolder);
    }

    static Path defaultControlSocket(Path runDirectory) {
        return runDirectory.resolve("ovs-vswitchd." + ProcessHandle.current().pid() + ".ctl");
    }

    static int defaultForwardingThreads() {
        return Math.max(1, Runtime.getRuntime().availableProcessors() / 2);
    }
}
