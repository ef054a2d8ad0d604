package io.turnstile.control;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.io.InputStream;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.provider.MethodSource;

/** Anything said on the control socket: the next one who asks is answered. */
class ControlServerFuzzTest {
    private static final String VERSION = "ovs-vswitchd (Turnstile) 1.2.3";

    @TempDir
    static Path folder;

    private static ControlServer server;

    @BeforeAll
    static void listen() throws IOException {
        server = new ControlServer(VERSION);
        server.listen(folder.resolve("x.ctl"));
    }

    @AfterAll
    static void close() {
        server.close();
    }

    static Stream<byte[]> seeds() {
        return Stream.of(
                        "{\"method\":\"list-commands\",\"params\":[],\"id\":0}",
                        "{\"method\":\"version\",\"params\":[\"x\"],\"id\":null}{\"method\":\"foo\",\"params\":[1],\"id\":[]}")
                .map(text -> text.getBytes(StandardCharsets.UTF_8));
    }

    @MethodSource("seeds")
    @FuzzTest
    void theNextOneIsAnswered(byte[] input) throws IOException {
        ask(input);
        assertThat(ask("{\"method\":\"version\",\"params\":[],\"id\":0}".getBytes(StandardCharsets.UTF_8)))
                .contains(VERSION);
    }

    /** What is answered until the server has no more to say. */
    private static String ask(byte[] request) throws IOException {
        try (SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(folder.resolve("x.ctl")))) {
            client.write(ByteBuffer.wrap(request));
            client.shutdownOutput();
            InputStream answers = Channels.newInputStream(client);
            return new String(answers.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException letGo) {
            return letGo.toString(); // closed while we wrote
        }
    }
}
