package io.turnstile.port;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Packet;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Two dummies joined by a Unix socket. */
@Timeout(30)
class DummyStreamTest {
    @TempDir
    Path folder;

    private DummyPort open(String name, String option, String target) {
        return new DummyPort(name, Map.of(option, target), () -> 0);
    }

    /** The test's own time limit ends it. */
    private static void await(BooleanSupplier condition) {
        while (!condition.getAsBoolean()) {
            LockSupport.parkNanos(500_000);
        }
    }

    private String socket() {
        return folder.resolve("s").toString();
    }

    @Test
    void whatOneSendsTheOtherReceives() {
        DummyPort listening = open("p1", "pstream", "punix:" + socket());
        DummyPort connecting = open("p2", "stream", "unix:" + socket());
        await(() -> connecting.connectionState().equals("connected"));
        assertThat(listening.connectionState()).isEqualTo("unknown");
        await(
                () -> { // it is connected before it is accepted
                    listening.send(Packet.copyOf(PortFrames.random(60, 1)));
                    return connecting.hasPending();
                });
        connecting.send(Packet.copyOf(PortFrames.random(1500, 2)));
        await(listening::hasPending);
        listening.close();
        await(() -> connecting.connectionState().equals("disconnected"));
        connecting.close();
    }

    @Test
    void whoConnectsWaitsForSomebody() {
        DummyPort connecting = open("p2", "stream", "unix:" + socket());
        assertThat(connecting.connectionState()).isEqualTo("disconnected");
        DummyPort listening = open("p1", "pstream", "punix:" + socket());
        await(() -> connecting.connectionState().equals("connected"));
        connecting.close();
        listening.close();
        assertThat(Files.exists(Path.of(socket()))).isFalse();
    }

    @Test
    void aFrameThatCannotBeOneEndsTheConnection() throws IOException {
        DummyPort listening = open("p1", "pstream", "punix:" + socket());
        try (SocketChannel peer = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            peer.connect(UnixDomainSocketAddress.of(socket()));
            peer.write(ByteBuffer.wrap(new byte[] {0, 13, 1, 2, 3}));
            assertThat(peer.read(ByteBuffer.allocate(1))).isEqualTo(-1);
        }
        assertThat(listening.hasPending()).isFalse();
        listening.close();
    }

    @Test
    void framesMayComeInPieces() throws IOException {
        DummyPort listening = open("p1", "pstream", "punix:" + socket());
        byte[] frame = PortFrames.random(64, 3);
        try (SocketChannel peer = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            peer.connect(UnixDomainSocketAddress.of(socket()));
            peer.write(ByteBuffer.wrap(new byte[] {0}));
            peer.write(ByteBuffer.wrap(new byte[] {64}));
            peer.write(ByteBuffer.wrap(frame, 0, 10));
            peer.write(ByteBuffer.wrap(frame, 10, 54));
            await(listening::hasPending);
        }
        listening.close();
    }

    @Test
    void bothOptionsAtOnceJoinNothing() {
        DummyPort port =
                new DummyPort("p1", Map.of("pstream", "punix:" + socket(), "stream", "unix:" + socket()), () -> 0);
        assertThat(port.connectionState()).isEqualTo("unknown");
        assertThat(Files.exists(Path.of(socket()))).isFalse();
    }

    @Test
    void optionsMayChangeWhileItIsOpen() {
        DummyPort port = open("p1", "pstream", "punix:" + socket());
        assertThat(port.shownOptions()).containsOnlyKeys("pstream");
        port.setOptions(Map.of());
        assertThat(port.shownOptions()).isEmpty();
        assertThat(Files.exists(Path.of(socket()))).isFalse();
    }
}
