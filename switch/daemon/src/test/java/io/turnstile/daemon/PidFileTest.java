package io.turnstile.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PidFileTest {
    private static final String OWN_LINE = ProcessHandle.current().pid() + "\n";

    @TempDir
    Path folder;

    @Test
    void holdsTheProcessIdUntilClosed() throws IOException {
        Path path = folder.resolve("x.pid");
        try (PidFile held = PidFile.hold(path, false)) {
            assertThat(held).isNotNull();
            assertThat(Files.readString(path)).isEqualTo(OWN_LINE);
        }
        assertThat(Files.exists(path)).isFalse();
    }

    @Test
    void whatADeadProcessLeftIsTakenOver() throws IOException {
        Path path = Files.writeString(folder.resolve("x.pid"), "123456789\n");
        try (PidFile held = PidFile.hold(path, false)) {
            assertThat(held).isNotNull();
            assertThat(Files.readString(path)).isEqualTo(OWN_LINE);
        }
    }

    @Test
    void aLinkInItsPlaceIsNotFollowed() throws IOException {
        Path precious = Files.writeString(folder.resolve("precious"), "data");
        Path path = Files.createSymbolicLink(folder.resolve("x.pid"), precious);
        assertThatThrownBy(() -> PidFile.hold(path, false)).hasMessageContaining("symbolic link");
        assertThat(precious).content().isEqualTo("data");
        PidFile.hold(path, true).close(); // what is overwritten is the link
        assertThat(precious).content().isEqualTo("data");
    }

    @Test
    void closingTwiceIsOnce() throws IOException {
        Path path = folder.resolve("x.pid");
        PidFile held = PidFile.hold(path, false);
        held.close();
        Files.writeString(path, "somebody else's");
        held.close();
        assertThat(Files.exists(path)).isTrue();
    }

    @Test
    void whatAnotherProcessHasWrittenInItsPlaceIsLeft() throws IOException {
        Path path = folder.resolve("x.pid");
        PidFile held = PidFile.hold(path, false);
        Files.delete(path);
        Files.writeString(path, "123456789\n");
        held.close();
        assertThat(path).content().isEqualTo("123456789\n");
        PidFile.removeOwn(path);
        assertThat(path).exists();
        PidFile.removeOwn(folder.resolve("none.pid"));
        Files.writeString(path, OWN_LINE);
        PidFile.removeOwn(path);
        assertThat(path).doesNotExist();
    }
}
