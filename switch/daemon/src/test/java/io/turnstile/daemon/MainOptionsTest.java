package io.turnstile.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.turnstile.bridge.DummyLevel;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class MainOptionsTest {

    private static DaemonConfig parse(String... words) {
        Main main = new Main();
        new CommandLine(main).parseArgs(Main.gnuStyle(words));
        return main.config();
    }

    @Test
    void theEmbeddedDatabaseLivesInTheRunDirectory() {
        DaemonConfig config = parse("--rundir=/x");
        assertThat(config.databaseTarget()).isNull();
        assertThat(config.databaseFile()).isEqualTo(Path.of("/x/conf.db"));
        assertThat(config.remotes()).containsExactly("punix:/x/db.sock");
        assertThat(config.controlSocket().toString()).matches("/x/ovs-vswitchd\\.\\d+\\.ctl");
    }

    @Test
    void anOptionalValueIsNotTakenFromTheNextWord() {
        DaemonConfig config =
                parse("--pidfile", "--log-file", "-v", "--enable-dummy", "unix:/run/db.sock", "--rundir=/x");
        assertThat(config.databaseTarget()).isEqualTo("unix:/run/db.sock");
        assertThat(config.dummies()).isEqualTo(DummyLevel.ALLOWED);
        assertThat(config.remotes()).isEmpty();
    }

    @Test
    void ovsCtlsOwnCommandLineIsUnderstood() {
        DaemonConfig config = parse(
                "unix:/var/run/db.sock",
                "-vconsole:emer",
                "-vsyslog:err",
                "-vfile:info",
                "--mlockall",
                "--no-chdir",
                "--log-file=/tmp/x.log",
                "--pidfile=/tmp/x.pid",
                "--detach",
                "--monitor");
        assertThat(config.databaseTarget()).isEqualTo("unix:/var/run/db.sock");
    }

    @Test
    void dummiesMayReplaceDevices() {
        assertThat(parse("--enable-dummy=override").dummies()).isEqualTo(DummyLevel.OVERRIDE_ALL);
        assertThat(parse("--enable-dummy=system").dummies()).isEqualTo(DummyLevel.OVERRIDE_SYSTEM);
    }

    @Test
    void whatMakesNoSenseIsRefused() {
        assertThatThrownBy(() -> parse("nonsense")).hasMessageContaining("not a database");
        assertThatThrownBy(() -> parse("--enable-dummy=maybe")).hasMessageContaining("override or system");
        assertThatThrownBy(() -> parse("unix:/x", "--remote=ptcp:6640")).hasMessageContaining("embedded database");
        assertThatThrownBy(() -> parse("--forwarding-threads=0")).hasMessageContaining("at least 1");
        assertThatThrownBy(() -> parse("--no-such-option")).isInstanceOf(CommandLine.ParameterException.class);
    }

    @Test
    void logLevelsAreSetByModuleAndDestinationInAnyOrder() {
        assertThat(LogSettings.set("bridge:file:dbg")).isNull();
        assertThat(LogSettings.list()).containsPattern("bridge +\\S+ +OFF +DBG");
        assertThat(LogSettings.set("info:bridge,file")).isNull();
        assertThat(LogSettings.list()).containsPattern("bridge +\\S+ +OFF +INFO");
        assertThat(LogSettings.set("foo")).isEqualTo("no destination, level, or module \"foo\"");
        assertThat(LogSettings.set("syslog:info")).contains("not supported");
    }
}
