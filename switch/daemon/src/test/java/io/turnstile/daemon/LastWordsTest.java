package io.turnstile.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LastWordsTest {
    private static final String PLACE = "java.lang.OutOfMemoryError: Java heap space, in thread "
            + Thread.currentThread().getName() + ", in plug-in acme.jar at acme.Card.connAdd:12";

    @TempDir
    Path folder;

    private final ByteArrayOutputStream errors = new ByteArrayOutputStream();
    private final List<Integer> halts = new ArrayList<>();
    private Path log;
    private Path pidFile;
    private Path socket;
    private Path noSocket;
    private LastWords words;

    @BeforeEach
    void makeWhatIsToBeRemoved() throws IOException {
        log = folder.resolve("log");
        pidFile =
                Files.writeString(folder.resolve("pid"), ProcessHandle.current().pid() + "\n");
        socket = folder.resolve("socket");
        ServerSocketChannel.open(StandardProtocolFamily.UNIX)
                .bind(UnixDomainSocketAddress.of(socket))
                .close();
        noSocket = Files.createFile(folder.resolve("file"));
        words = new LastWords(
                log, pidFile, () -> List.of(socket, noSocket, folder.resolve("absent")), errors, halts::add);
    }

    private static OutOfMemoryError inPlugin() {
        OutOfMemoryError error = new OutOfMemoryError("Java heap space");
        error.setStackTrace(new StackTraceElement[] {
            new StackTraceElement(null, "java.base", "25", "java.util.Arrays", "copyOf", "Arrays.java", 1),
            new StackTraceElement("acme.jar", null, null, "acme.Card", "connAdd", "Card.java", 12)
        });
        return error;
    }

    @Test
    void theyNameCauseThreadAndPluginAndLeaveNothingBehind() {
        words.say("out of memory", inPlugin());
        assertThat(log)
                .content()
                .matches("\\d{4}-\\d\\d-\\d\\dT[0-9:.]+Z\\|00000\\|daemon\\|EMER\\|the switch ends: out of memory: "
                        + "\\Q" + PLACE + "\\E\n");
        assertThat(errors).hasToString("turnstile: the switch ends: out of memory: " + PLACE + "\n");
        assertThat(pidFile).doesNotExist();
        assertThat(socket).doesNotExist();
        assertThat(noSocket).as("where it could not listen").exists();
        assertThat(halts).containsExactly(LastWords.EXIT_STATUS);
    }

    @Test
    void theyAreSaidOnce() {
        words.say("out of memory", inPlugin());
        words.say("out of memory", inPlugin());
        assertThat(log).content().hasLineCount(1);
        assertThat(halts).hasSize(1);
    }

    @Test
    void theProcessEndsThoughNothingCanBeSaid() {
        LastWords mute = new LastWords(
                folder,
                pidFile,
                () -> {
                    throw new OutOfMemoryError("Java heap space");
                },
                errors,
                halts::add);
        mute.say("out of memory", inPlugin());
        assertThat(halts).hasSize(1);
        assertThat(pidFile).as("what the launcher has started has to go on").exists();
    }

    @Test
    void anErrorThatEndsAForwardingThreadEndsTheProcess() {
        words.uncaught(new Thread("forwarder-0"), new StackOverflowError());
        assertThat(log).content().contains("a forwarding thread has died: java.lang.StackOverflowError");
        assertThat(halts).hasSize(1);
    }

    @Test
    void whatEndsAnotherThreadIsOnlyLogged() {
        words.uncaught(new Thread("acme"), new StackOverflowError());
        words.uncaught(new Thread("forwarder-0"), new IllegalStateException());
        assertThat(halts).isEmpty();
        assertThat(pidFile).exists();
    }

    @Test
    void anErrorThatCannotSayItsWordsOrPlaceIsItsClass() {
        class Mute extends Error {
            private static final long serialVersionUID = 1;

            @Override
            public String getMessage() {
                throw new IllegalStateException("scripted");
            }

            @Override
            public StackTraceElement[] getStackTrace() {
                return null;
            }
        }
        words.uncaught(new Thread("acme"), new Mute()); // throws nothing
        words.say("a forwarding thread has died", new Mute());
        assertThat(log)
                .content()
                .contains("a forwarding thread has died: " + Mute.class.getName() + ", in thread "
                        + Thread.currentThread().getName() + "\n");
        assertThat(halts).hasSize(1);
        assertThat(pidFile).doesNotExist();
    }

    @Test
    void theEndOfMemoryInAnyThreadEndsTheProcess() {
        words.uncaught(new Thread("acme"), inPlugin());
        assertThat(halts).hasSize(1);
    }

    @Test
    void theWillIsReadFromTheProcessAndHasNoName() throws IOException {
        words.leaveWill(folder);
        try (var files = Files.list(folder)) {
            assertThat(files).containsExactlyInAnyOrder(pidFile, socket, noSocket);
        }
        try (var open = Files.list(Path.of("/proc/self/fd"))) {
            Path will = open.filter(file -> isWill(file)).findFirst().orElseThrow();
            assertThat(will).content().isEqualTo(pidFile + "\n" + log + "\n");
        }
    }

    private boolean isWill(Path file) {
        try {
            String target = Files.readSymbolicLink(file).toString();
            return target.startsWith(folder.resolve(LastWords.WILL).toString()) && target.endsWith(" (deleted)");
        } catch (IOException e) {
            return false; // closed meanwhile
        }
    }
}
