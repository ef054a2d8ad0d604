package io.turnstile.stories;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** docs/connections.md, done as it says. */
@Tag("system")
class ConnectionsPageStoryTest {
    @TempDir
    Path directory;

    @Test
    void theConnectionsPageWorksAsItStands() throws IOException {
        new ExecutedPage(directory).check("docs/connections.md");
    }
}
