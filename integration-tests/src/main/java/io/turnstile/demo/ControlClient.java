package io.turnstile.demo;

import io.turnstile.lab.ControlConnection;
import java.io.IOException;
import java.nio.file.Path;

/** What ovs-appctl does: one command, its text back. */
record ControlClient(Path socket) {

    String run(String command, String... arguments) throws IOException {
        try (ControlConnection connection = ControlConnection.open(socket)) {
            return connection.run(command, arguments);
        } catch (ControlConnection.RefusedException e) {
            throw new IOException(command + ": " + e.getMessage(), e);
        }
    }
}
