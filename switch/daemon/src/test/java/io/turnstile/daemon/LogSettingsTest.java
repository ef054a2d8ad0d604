package io.turnstile.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.util.ContextInitializer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** {@code vlog/set}, {@code vlog/list} and what they do to the log file. */
class LogSettingsTest {
    private static final Logger BRIDGE = LoggerFactory.getLogger("io.turnstile.bridge.SomeClass");
    private static final Logger PORT = LoggerFactory.getLogger("io.turnstile.port.linux.SomeClass");

    @TempDir
    Path folder;

    private Path file;

    @BeforeEach
    void logToFile() {
        file = folder.resolve("x.log");
        LogSettings.start(file);
        LogSettings.set("any:console:off");
        LogSettings.set("any:file:info");
    }

    /** The settings are the process's: later tests get those of the test configuration back. */
    @AfterEach
    void restore() throws Exception {
        LogSettings.set("any:any:info");
        LogSettings.set("PATTERN:any:%D{%Y-%m-%dT%H:%M:%S.###Z}|%05N|%c|%p|%m");
        LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
        context.reset();
        new ContextInitializer(context).autoConfig();
    }

    private List<String> lines() throws IOException {
        return Files.readAllLines(file);
    }

    @Test
    void aLineHasOpenVswitchsLayout() throws IOException {
        BRIDGE.warn("bridge {}: gone", "br0");
        PORT.error("no");
        assertThat(lines()).hasSize(2);
        assertThat(lines().get(0))
                .matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z"
                        + "\\|00001\\|bridge\\|WARN\\|bridge br0: gone");
        assertThat(lines().get(1)).matches(".*\\|00002\\|netdev\\|ERR\\|no");
    }

    @Test
    void linesLookAsThePatternSays() throws IOException {
        assertThat(LogSettings.set("PATTERN:file:%c|%-6p|%04N:%D{%Y}%%%m")).isNull();
        BRIDGE.warn("two\nlines: %d");
        assertThat(lines()).singleElement().asString().matches("bridge\\|WARN  \\|0001:\\d{4}%two\\\\nlines: %d");
        assertThat(LogSettings.set("pattern:ANY:%m")).isNull();
        BRIDGE.warn("bare");
        assertThat(lines()).last().isEqualTo("bare");
        assertThat(LogSettings.set("pattern")).isEqualTo("missing destination");
        assertThat(LogSettings.set("pattern:nowhere:%m")).isEqualTo("unknown destination \"nowhere\"");
    }

    @Test
    void aPatternOutlivesTheFile() throws IOException {
        LogSettings.set("PATTERN:file:<%m>");
        LogSettings.reopen();
        BRIDGE.warn("again");
        assertThat(lines()).containsExactly("<again>");
    }

    @Test
    void aModuleIsTurnedUpAlone() throws IOException {
        assertThat(LogSettings.set("bridge:file:dbg")).isNull();
        BRIDGE.debug("shown");
        PORT.debug("hidden");
        assertThat(lines()).singleElement().asString().endsWith("|bridge|DBG|shown");
    }

    @Test
    void aDestinationIsTurnedOffAlone() throws IOException {
        assertThat(LogSettings.set("file:off")).isNull();
        BRIDGE.error("lost");
        assertThat(lines()).isEmpty();
    }

    @Test
    void wordsComeInAnyOrderAndWithAnySeparator() {
        assertThat(LogSettings.set("err,file netdev")).isNull();
        assertThat(LogSettings.list())
                .containsPattern("(?m)^netdev             OFF        OFF        ERR$")
                .containsPattern("(?m)^bridge             OFF        OFF       INFO$");
    }

    @Test
    void levelsOfAModuleAreListedAndSyslogIsRefused() {
        assertThat(LogSettings.set("bridge:file:dbg")).isNull();
        assertThat(LogSettings.list()).containsPattern("bridge +\\S+ +OFF +DBG");
        assertThat(LogSettings.set("info:bridge,file")).isNull();
        assertThat(LogSettings.list()).containsPattern("bridge +\\S+ +OFF +INFO");
        assertThat(LogSettings.set("foo")).isEqualTo("no destination, level, or module \"foo\"");
        assertThat(LogSettings.set("syslog:info")).contains("not supported");
    }

    @Test
    void namesOfOpenVswitchsModulesMeanThePartThatDoesWhatTheyDo() throws IOException {
        assertThat(LogSettings.set("netdev_linux:file:dbg")).isNull();
        PORT.debug("shown");
        BRIDGE.debug("hidden");
        assertThat(lines()).singleElement().asString().endsWith("|netdev|DBG|shown");
        assertThat(LogSettings.list())
                .containsPattern("(?m)^netdev_linux +OFF +OFF +DBG$")
                .containsPattern("(?m)^netdev +OFF +OFF +DBG$")
                .containsPattern("(?m)^ofproto_dpif +OFF +OFF +INFO$");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "vconn",
                "ofproto_dpif",
                "ofproto-dpif-upcall",
                "unixctl",
                "dpif",
                "ct_dpif",
                "rconn",
                "CONNTRACK"
            })
    void whatScriptsTurnUpIsAModule(String name) {
        assertThat(LogSettings.set(name + ":file:info")).isNull();
    }

    @Test
    void everyPackageThatLogsIsAModule() {
        for (String name :
                List.of("bridge.Bridge", "path.PathKeeper", "telemetry.MetricsEndpoint", "openflow.BridgeAgent")) {
            assertThat(LogModules.of("io.turnstile." + name)).as(name).isPresent();
        }
        assertThat(LogModules.of("io.netty.util.X")).isEmpty();
        assertThat(LogModules.of("io.turnstile.bridges.X")).isEmpty();
    }

    @Test
    void aClosedFileIsWrittenAgainWhenItIsReopened() throws IOException {
        LogSettings.closeFile();
        BRIDGE.warn("lost");
        assertThat(LogSettings.reopen()).isNull();
        BRIDGE.warn("kept");
        assertThat(lines()).singleElement().asString().endsWith("kept");
    }

    @Test
    void theListBeginsAsOpenVswitchs() {
        assertThat(LogSettings.list()).startsWith("""
                             console    syslog    file
                             -------    ------    ------
            """);
    }

    @Test
    void anUnknownWordIsNamedAndChangesNothing() {
        String before = LogSettings.list();
        assertThat(LogSettings.set("file:nix")).isEqualTo("no destination, level, or module \"nix\"");
        assertThat(LogSettings.list()).isEqualTo(before);
    }

    @Test
    void aFileThatWasMovedAwayIsOpenedAnew() throws IOException {
        BRIDGE.info("old");
        Path moved = Files.move(file, folder.resolve("x.log.1"));
        assertThat(LogSettings.reopen()).isNull();
        BRIDGE.info("new");
        assertThat(Files.readString(moved)).contains("old").doesNotContain("new");
        assertThat(Files.readString(file)).contains("new").doesNotContain("old");
    }

    @Test
    void nobodyMakesALineOfTheirOwn() throws IOException {
        BRIDGE.warn("bridge {}: gone", "x\n2026-01-01T00:00:00.000Z|00001|bridge|WARN|forged\r\u001b[2J\u2028\u0085");
        assertThat(lines()).hasSize(1);
        assertThat(lines().getFirst())
                .endsWith("bridge x\\n2026-01-01T00:00:00.000Z|00001|bridge|WARN|forged\\r\\x1b[2J\\u2028\\x85: gone");
    }

    @Test
    void norByTheWordsOfWhatIsThrown() throws IOException {
        RuntimeException inner = new IllegalStateException("inner\nforged");
        RuntimeException outer = new IllegalArgumentException("outer\nforged", inner);
        outer.addSuppressed(new IllegalStateException("beside\nforged"));
        BRIDGE.error("failed", outer);
        assertThat(lines()).noneMatch(line -> line.startsWith("forged"));
        assertThat(lines().get(1)).isEqualTo("java.lang.IllegalArgumentException: outer\\nforged");
        assertThat(lines())
                .contains("Caused by: java.lang.IllegalStateException: inner\\nforged")
                .contains("\tSuppressed: java.lang.IllegalStateException: beside\\nforged");
    }

    private static RuntimeException deep(int depth) {
        return depth == 0 ? new IllegalStateException("deep") : deep(depth - 1);
    }

    @Test
    void aTraceIsOnlySoLong() throws IOException {
        BRIDGE.error("failed", deep(1000));
        assertThat(lines())
                .hasSize(2 + VlogLayout.MAX_FRAMES + 1)
                .last()
                .asString()
                .matches("\t\\.\\.\\. \\d+ more");
    }

    @Test
    void whatIsThrownAtOnePlaceIsLoggedOnceAMinute() throws IOException {
        Logger library = LoggerFactory.getLogger("com.example.Library");
        for (int i = 0; i < 100; i++) {
            BRIDGE.error("failed {}", i, deep(2));
            library.warn("failed {}", i, deep(2));
        }
        BRIDGE.error("without a throwable");
        BRIDGE.error("without a throwable");
        assertThat(lines().stream().filter(line -> line.contains("|ERR|"))).hasSize(3);
        assertThat(lines().stream().filter(line -> line.contains("|WARN|"))).hasSize(1);
    }
}
