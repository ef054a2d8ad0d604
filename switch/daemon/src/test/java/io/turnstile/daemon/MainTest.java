package io.turnstile.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.turnstile.bridge.DummyLevel;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** Command lines as scripts for ovs-vswitchd have them. */
class MainTest {

    private static DaemonConfig configOf(String... words) {
        Main main = new Main();
        Main.commandLine(main).parseArgs(Main.gnuStyle(words));
        return main.config();
    }

    @Test
    void whatDebiansServiceScriptPassesIsTaken() {
        DaemonConfig config = configOf(
                "unix:/run/ovs/db.sock",
                "-vconsole:emer",
                "-vsyslog:err",
                "-vfile:info",
                "--mlockall",
                "--no-chdir",
                "--log-file=/var/log/x.log",
                "--pidfile=/run/ovs/ovs-vswitchd.pid",
                "--detach",
                "--monitor",
                "--overwrite-pidfile",
                "--rundir=/run/ovs");
        assertThat(config.databaseTarget()).isEqualTo("unix:/run/ovs/db.sock");
        assertThat(config.runDirectory()).isEqualTo(Path.of("/run/ovs"));
        assertThat(config.remotes()).isEmpty();
    }

    @Test
    void theEmbeddedDatabaseLiesInTheRunDirectory() {
        DaemonConfig config = configOf("--rundir=/tmp/r");
        assertThat(config.databaseTarget()).isNull();
        assertThat(config.databaseFile()).isEqualTo(Path.of("/tmp/r/conf.db"));
        assertThat(config.remotes()).containsExactly("punix:/tmp/r/db.sock");
    }

    @Test
    void aServerThatListensAtTheRunDirectorysSocketIsUsed(@TempDir Path folder) throws IOException {
        Path socket = folder.resolve("db.sock");
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(socket));
            DaemonConfig config = configOf("--rundir=" + folder);
            assertThat(config.databaseTarget()).isEqualTo("unix:" + socket);
            assertThat(config.remotes()).isEmpty();
            assertThat(configOf("--rundir=" + folder, "--db-file=/tmp/x.db").databaseTarget())
                    .as("asked for the embedded one")
                    .isNull();
        }
        DaemonConfig alone = configOf("--rundir=" + folder);
        assertThat(alone.databaseTarget()).as("a socket that nobody listens on").isNull();
        assertThat(alone.remotes()).containsExactly("punix:" + socket);
    }

    @Test
    void whatTestSuitesPassIsTaken() {
        DaemonConfig config = configOf(
                "--enable-dummy=system",
                "--disable-system",
                "--disable-system-route",
                "--dummy-numa=0,0,1,1",
                "--detach",
                "-vvconn",
                "-vofproto_dpif",
                "-vunixctl",
                "--rundir=/tmp/r");
        assertThat(config.dummies()).isEqualTo(DummyLevel.OVERRIDE_SYSTEM);
    }

    @Test
    void theRunDirectoryIsCalledByItsShortestName() {
        assertThat(configOf("--rundir=/tmp/x/../r/.").runDirectory()).isEqualTo(Path.of("/tmp/r"));
        assertThat(configOf("--rundir=./x/../y").runDirectory())
                .isEqualTo(Path.of("y").toAbsolutePath());
    }

    @Test
    void optionalValuesNeverSwallowTheNextWord() {
        DaemonConfig config = configOf("--rundir=/tmp/r", "--pidfile", "--enable-dummy", "-v", "--log-file", "unix:/d");
        assertThat(config.databaseTarget()).isEqualTo("unix:/d");
        assertThat(config.dummies()).isEqualTo(DummyLevel.ALLOWED);
        assertThat(config.remotes()).isEmpty();
    }

    @Test
    void dummiesReplaceWhatTheyAreToldTo() {
        assertThat(configOf("--enable-dummy=override").dummies()).isEqualTo(DummyLevel.OVERRIDE_ALL);
        assertThat(configOf("--enable-dummy=system").dummies()).isEqualTo(DummyLevel.OVERRIDE_SYSTEM);
        assertThat(configOf().dummies()).isEqualTo(DummyLevel.NONE);
    }

    @Test
    void theControlSocketCarriesTheProcessId() {
        assertThat(configOf("--rundir=/tmp/r").controlSocket())
                .isEqualTo(
                        Path.of("/tmp/r/ovs-vswitchd." + ProcessHandle.current().pid() + ".ctl"));
        assertThat(configOf("--rundir=/tmp/r", "--unixctl=x.ctl").controlSocket())
                .isEqualTo(Path.of("/tmp/r/x.ctl"));
        assertThat(configOf("--rundir=/tmp/r", "--unixctl=/y.ctl").controlSocket())
                .isEqualTo(Path.of("/y.ctl"));
    }

    @Test
    void severalRemotesMayBeGiven() {
        assertThat(configOf("--remote=punix:/a", "--remote=ptcp:6640").remotes())
                .containsExactly("punix:/a", "ptcp:6640");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            nonsense                  | not a database
            ssl:1.2.3.4:6640          | not a database
            unix:/d --remote=ptcp:1   | embedded database
            --enable-dummy=most       | override or system
            --forwarding-threads=0    | at least 1
            --max-connections=-1      | at least 1
            --no-such-option          | --no-such-option
            """)
    void contradictionsAndNonsenseAreSaidInOneLine(String words, String complaint) {
        assertThatThrownBy(() -> configOf(words.split(" ")))
                .isInstanceOf(CommandLine.ParameterException.class)
                .hasMessageContaining(complaint)
                .satisfies(error -> assertThat(error.getMessage()).doesNotContain("\n"));
    }
}
