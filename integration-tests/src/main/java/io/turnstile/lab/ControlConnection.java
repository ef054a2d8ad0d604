package io.turnstile.lab;

import io.turnstile.control.CommandReply;
import io.turnstile.control.ControlClient;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * What ovs-appctl does, without a process for each command: one command after the other on one connection to a switch's
 * control socket (ovs-appctl(8)).
 *
 * <p>Threads: one.
 */
public final class ControlConnection implements AutoCloseable {
    private final ControlClient client;

    /** The switch answered that the command failed; the message is what it said, without the last line end. */
    public static final class RefusedException extends IOException {
        private static final long serialVersionUID = 1L;

        RefusedException(String answer) {
            super(answer);
        }
    }

    private ControlConnection(ControlClient client) {
        this.client = client;
    }

    public static ControlConnection open(Path socket) throws IOException {
        return new ControlConnection(new ControlClient(socket));
    }

    /** The answer to a command; {@link RefusedException} if it is an error, EOFException if the switch hung up. */
    public String run(String command, String... arguments) throws IOException {
        CommandReply reply = client.ask(command, List.of(arguments));
        if (reply.isError()) {
            throw new RefusedException(reply.text().stripTrailing());
        }
        return reply.text();
    }

    @Override
    public void close() throws IOException {
        client.close();
    }
}
