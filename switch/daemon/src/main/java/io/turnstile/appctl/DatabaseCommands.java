package io.turnstile.appctl;

import io.turnstile.control.Command;
import io.turnstile.control.CommandReply;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;

/** {@code ovsdb-server/compact}, for the database inside this process. */
public final class DatabaseCommands {
    private static final String NAME = "Open_vSwitch";

    private final Supplier<CompletableFuture<Void>> compaction;

    /** @param compaction writes the database's file anew; what it fails with has a message for people */
    public DatabaseCommands(Supplier<CompletableFuture<Void>> compaction) {
        this.compaction = compaction;
    }

    /** The command's rows. */
    public List<Command> commands() {
        return List.of(Command.later("ovsdb-server/compact", "", 0, 1, this::compact));
    }

    private CompletableFuture<CommandReply> compact(List<String> arguments) {
        if (!arguments.isEmpty() && !arguments.getFirst().equals(NAME)) {
            return CompletableFuture.completedFuture(CommandReply.error(
                    arguments.getFirst().startsWith("_")
                            ? "cannot compact built-in databases"
                            : "no database by that name"));
        }
        return compaction.get().handle((_, failure) -> failure == null ? CommandReply.ok() : ioError(failure));
    }

    private static CommandReply ioError(Throwable failure) {
        Throwable cause =
                failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
        return CommandReply.error("I/O error: " + cause.getMessage());
    }
}
