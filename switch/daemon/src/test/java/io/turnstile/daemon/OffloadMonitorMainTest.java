package io.turnstile.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.control.Command;
import io.turnstile.control.CommandReply;
import io.turnstile.control.ControlServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The live view, with a switch whose replies are written down. */
@Timeout(20)
class OffloadMonitorMainTest {
    @TempDir
    Path folder;

    private final ControlServer server = new ControlServer("1.2.3");
    private final BlockingQueue<CommandReply> replies = new LinkedBlockingQueue<>();
    private final List<List<String>> asked = new ArrayList<>();
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private Path socket;

    @BeforeEach
    void listen() throws IOException {
        socket = folder.resolve("x.ctl");
        server.register(Command.of("conntrack/offload-monitor", "", 0, 3, words -> {
            asked.add(words);
            return replies.remove();
        }));
        server.listen(socket);
    }

    @AfterEach
    void close() {
        server.close();
    }

    private int run(OutputStream to, String... words) {
        return OffloadMonitorMain.commandLine(new OffloadMonitorMain(new PrintStream(to), new PrintStream(err)))
                .execute(words);
    }

    private String said(ByteArrayOutputStream stream) {
        return stream.toString(StandardCharsets.UTF_8);
    }

    @Test
    void linesAreGoneOnWithUntilTheSwitchRefuses() {
        replies.add(CommandReply.ok("{\"seq\":4}\n{\"seq\":5}\n{\"next\":5,\"dropped\":0}\n"));
        replies.add(CommandReply.ok("{\"next\":5,\"dropped\":0}\n"));
        replies.add(CommandReply.ok("{\"dropped\":3}\n{\"seq\":9}\n{\"next\":9,\"dropped\":3}\n"));
        replies.add(CommandReply.error("the switch is ending"));
        assertThat(run(out, "--target=" + socket)).isEqualTo(2);
        assertThat(said(out)).isEqualTo("{\"seq\":4}\n{\"seq\":5}\n{\"dropped\":3}\n{\"seq\":9}\n");
        assertThat(said(err)).isEqualTo("turnstile offload-monitor: the switch is ending\n");
        assertThat(asked).extracting(List::getFirst).containsExactly("since=now", "since=5", "since=5", "since=9");
        assertThat(asked.getFirst()).containsExactly("since=now", "wait=30000");
    }

    @Test
    void aReaderWhoHasHadEnoughEndsItQuietly() {
        replies.add(CommandReply.ok("{\"seq\":1}\n{\"next\":1,\"dropped\":0}\n"));
        OutputStream closed = new OutputStream() {
            @Override
            public void write(int octet) throws IOException {
                throw new IOException("Broken pipe");
            }
        };
        assertThat(run(closed, "-t", socket.toString(), "--since=0")).isZero();
        assertThat(said(err)).isEmpty();
        assertThat(asked).containsExactly(List.of("since=0", "wait=30000"));
    }

    @Test
    void noSwitchIsSaid() {
        Path nobody = folder.resolve("nobody.ctl");
        assertThat(run(out, "--target=" + nobody)).isEqualTo(1);
        assertThat(said(err)).startsWith("turnstile offload-monitor: cannot connect to \"" + nobody + "\" (");
        err.reset();
        assertThat(run(out, "--target=no-such-program")).isEqualTo(1);
        assertThat(said(err))
                .startsWith("turnstile offload-monitor: cannot read pidfile \"")
                .endsWith("no-such-program.pid\" (No such file or directory)\n");
    }

    @Test
    void anUnknownOptionIsALine() {
        assertThat(run(out, "--foo")).isEqualTo(1);
        assertThat(said(err)).isEqualTo("turnstile offload-monitor: Unknown option: '--foo' (use --help for help)\n");
    }
}
