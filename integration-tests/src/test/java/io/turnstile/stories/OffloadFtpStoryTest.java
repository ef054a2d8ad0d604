package io.turnstile.stories;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.lab.Await;
import io.turnstile.lab.Daemon;
import io.turnstile.lab.Host;
import io.turnstile.lab.Lab;
import io.turnstile.lab.Turnstile;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Real FTP and HTTP through a switch that commits all of TCP with {@code alg=ftp}: providers are offered what no helper
 * has to read, data connections included, and nothing else.
 */
@Tag("system")
class OffloadFtpStoryTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final int FILE_BYTES = 200_000;
    private static final long LARGE_FILE_BYTES = 100_000_000;

    private final Lab lab = new Lab("op");
    private Host client;
    private Host server;
    private Path files;
    private Turnstile turnstile;

    @BeforeEach
    void start() throws IOException {
        try {
            client = lab.host("in", "10.1.0.1/24");
            server = lab.host("out", "10.1.0.2/24");
            client.transmitOffloadOff();
            server.transmitOffloadOff();
            turnstile = lab.add(Turnstile.start(lab, "--enable-dummy"));
            turnstile.connect(
                    client,
                    server,
                    List.of(
                            "arp actions=NORMAL",
                            "tcp,ct_state=-trk actions=ct(table=1,zone=5)",
                            "table=1,in_port=1,tcp,ct_state=+trk+new-rel actions=ct(commit,zone=5,alg=ftp),2",
                            "table=1,in_port=1,tcp,ct_state=+trk+new+rel actions=ct(commit,zone=5),2",
                            "table=1,in_port=2,tcp,ct_state=+trk+new+rel actions=ct(commit,zone=5),1",
                            "table=1,in_port=1,tcp,ct_state=+trk-new-inv actions=2",
                            "table=1,in_port=2,tcp,ct_state=+trk-new-inv actions=1"));
            turnstile
                    .vsctl(
                            "set",
                            "open_vswitch",
                            ".",
                            "other_config:hw-offload=true",
                            "other_config:hw-offload-priority=\"dummy,none\"")
                    .run();
            files = Files.createDirectory(lab.folder().resolve("files"));
            Files.setPosixFilePermissions(lab.folder(), PosixFilePermissions.fromString("rwxr-xr-x"));
            Files.write(files.resolve("file"), new byte[FILE_BYTES]);
            try (RandomAccessFile large =
                    new RandomAccessFile(files.resolve("large").toFile(), "rw")) {
                large.setLength(LARGE_FILE_BYTES);
            }
        } catch (IOException | RuntimeException | Error e) {
            lab.close();
            throw e;
        }
    }

    @AfterEach
    void leave() {
        lab.close();
    }

    private void serveFtp() throws IOException {
        Path empty = Files.createDirectory(lab.folder().resolve("empty"));
        Files.setPosixFilePermissions(empty, PosixFilePermissions.fromString("r-xr-xr-x"));
        Path config = lab.folder().resolve("vsftpd.conf");
        Files.write(
                config,
                List.of(
                        "listen=YES",
                        "background=NO",
                        "anonymous_enable=YES",
                        "local_enable=NO",
                        "no_anon_password=YES",
                        "anon_root=" + files,
                        "secure_chroot_dir=" + empty,
                        "ftp_username=ftp",
                        "nopriv_user=nobody",
                        "seccomp_sandbox=NO",
                        "xferlog_enable=NO"));
        awaitListening(server.start(List.of("vsftpd", config.toString())), 21);
    }

    private void serveHttp(int port) {
        awaitListening(
                server.start(List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-m",
                        "jdk.httpserver",
                        "-b",
                        server.address(),
                        "-p",
                        Integer.toString(port),
                        "-d",
                        files.toString())),
                port);
    }

    private void awaitListening(Daemon daemon, int port) {
        Await.until(
                "somebody listens at " + port,
                PATIENCE,
                () -> server.run("ss", "-Hltn", "sport", "=", ":" + port)
                        .output()
                        .contains(":" + port),
                daemon::output);
    }

    private void download(String... words) {
        String[] all = Stream.concat(
                        Stream.of("curl", "-sS", "--max-time", "20", "-o", "/dev/null", "-w", "%{size_download}"),
                        Stream.of(words))
                .toArray(String[]::new);
        assertThat(client.run(all).text()).isEqualTo(Integer.toString(FILE_BYTES));
    }

    /** Goes on until it is closed: the server is not nearly through with it when the buffers on the way are full. */
    private Daemon downloadSlowly(String url) {
        return client.start(List.of("curl", "-sS", "--limit-rate", "20k", "-o", "/dev/null", url));
    }

    private String dump() {
        return turnstile.appctl("dpctl/dump-conntrack", "-m").run().text();
    }

    /** How the one connection stands whose line has that text. */
    private void awaitState(String text, String state) {
        Await.until(
                text + ": " + state,
                PATIENCE,
                () -> dump().lines().filter(line -> line.contains(text)).anyMatch(line -> line.endsWith(state)),
                this::dump);
    }

    @Test
    void passiveDataConnectionsAreOfferedAndTheirDialogueIsNot() throws IOException {
        serveFtp();
        download("ftp://" + server.address() + "/file");
        // What is over before the provider hears of it is never established there.
        try (Daemon transfer = downloadSlowly("ftp://" + server.address() + "/large")) {
            awaitState(",parent=(src=10.1.0.1,", ",offload=(dummy:established)");
            assertThat(transfer.isAlive()).isTrue();
        }
        Await.until(
                "both dialogues are declined",
                PATIENCE,
                () -> dump().lines()
                                .filter(line -> line.contains(",dport=21)"))
                                .filter(line -> line.endsWith(",offload=(dummy:declined(alg control connection))"))
                                .count()
                        == 2,
                this::dump);
    }

    @Test
    void whatTurnsOutNotToBeFtpIsOfferedOnceItHasSaidSo() {
        serveHttp(8080);
        String events =
                turnstile.appctl("conntrack/offload-monitor", "since=now").run().text();
        String since = "since=" + events.replaceFirst("(?s).*\"next\":(\\d+).*", "$1");
        try (Daemon transfer = downloadSlowly("http://" + server.address() + ":8080/large")) {
            awaitState(",dport=8080)", ",offload=(dummy:established)");
            assertThat(transfer.isAlive()).isTrue();
        }
        assertThat(turnstile.appctl("conntrack/offload-monitor", since).run().text())
                .containsOnlyOnce("\"event\":\"add\"")
                .containsOnlyOnce("\"event\":\"established\"");
    }
}
