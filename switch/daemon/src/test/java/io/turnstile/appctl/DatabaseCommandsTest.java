package io.turnstile.appctl;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.control.Command;
import io.turnstile.control.CommandReply;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Compaction answers when it is done, in ovsdb-server's words. */
class DatabaseCommandsTest {
    private final CompletableFuture<Void> done = new CompletableFuture<>();
    private final Command compact = new DatabaseCommands(() -> done).commands().getFirst();

    @Test
    void theReplyComesWithTheOutcome() {
        CompletableFuture<CommandReply> reply = compact.handler().apply(List.of());
        CompletableFuture<CommandReply> byName = compact.handler().apply(List.of("Open_vSwitch"));
        assertThat(reply).isNotDone();
        done.complete(null);
        assertThat(reply).isCompletedWithValue(CommandReply.ok());
        assertThat(byName).isCompletedWithValue(CommandReply.ok());
    }

    @Test
    void aFailureIsSaidInWords() {
        CompletableFuture<CommandReply> reply = compact.handler().apply(List.of());
        done.completeExceptionally(new IOException("conf.db.tmp: write failed (No space left on device)"));
        assertThat(reply)
                .isCompletedWithValue(
                        CommandReply.error("I/O error: conf.db.tmp: write failed (No space left on device)"));
    }

    @Test
    void otherDatabasesAreRefused() {
        assertThat(compact.handler().apply(List.of("_Server")))
                .isCompletedWithValue(CommandReply.error("cannot compact built-in databases"));
        assertThat(compact.handler().apply(List.of("other")))
                .isCompletedWithValue(CommandReply.error("no database by that name"));
    }
}
