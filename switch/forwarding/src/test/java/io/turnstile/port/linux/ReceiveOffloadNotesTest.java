package io.turnstile.port.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReceiveOffloadNotesTest {
    private static final int NOTES = 8;

    @TempDir
    Path folder;

    /** In whichever order they are read. */
    @Test
    void aNoteThatCannotBeReadDoesNotKeepTheOthersFromBeingSettled() throws Exception {
        Path precious = Files.writeString(folder.resolve("precious"), "1\n");
        for (int i = 0; i < NOTES; i++) {
            Files.createSymbolicLink(folder.resolve(".turnstile-gro-link" + i), precious); // nobody follows it
            Files.writeString(folder.resolve(".turnstile-gro-note" + i), "of no device\n");
        }
        new ReceiveOffloadNotes(folder).settle();
        for (int i = 0; i < NOTES; i++) {
            assertThat(folder.resolve(".turnstile-gro-note" + i)).doesNotExist();
            assertThat(folder.resolve(".turnstile-gro-link" + i)).isSymbolicLink();
        }
        assertThat(precious).content().isEqualTo("1\n");
    }

    @Test
    void aNoteThatOnlyOneWithMoreRightsCanSettleIsKeptForIt() throws Exception {
        Path note = Files.writeString(
                folder.resolve(".turnstile-gro-lo"), Links.index("lo").orElseThrow() + "\n");
        Path stale = Files.writeString(folder.resolve(".turnstile-gro-gone"), Integer.MAX_VALUE + "\n");
        Thread withoutRights = Thread.ofPlatform().start(() -> {
            ProcessRights.dropAll(); // a thread's own affair
            new ReceiveOffloadNotes(folder).settle();
        });
        withoutRights.join();
        assertThat(note).exists();
        assertThat(stale).doesNotExist();
    }
}
