package io.turnstile.openflow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.channel.EventLoopGroup;
import io.turnstile.time.Clock;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is removed to make room for a socket, and what is not. */
class SocketFileTest {
    @TempDir
    Path folder;

    private Path socket() {
        return folder.resolve("x.sock");
    }

    private ServerSocketChannel listener() throws IOException {
        return ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(UnixDomainSocketAddress.of(socket()));
    }

    @Test
    void aSocketOfADeadProcessIsReplaced() throws IOException {
        listener().close();
        assertThat(socket()).exists();
        SocketFile.makeRoom(socket());
        assertThat(socket()).doesNotExist();
    }

    @Test
    void aSocketOnWhichSomebodyListensStays() throws IOException {
        try (ServerSocketChannel _ = listener()) {
            assertThatThrownBy(() -> SocketFile.makeRoom(socket())).hasMessage(socket() + ": Address already in use");
            SocketFile.remove(socket());
            assertThat(socket()).exists();
        }
    }

    @Test
    void noOtherKindOfFileIsTouched() throws IOException {
        Path file = Files.writeString(folder.resolve("precious"), "data");
        Path directory = Files.createDirectory(folder.resolve("folder"));
        listener().close();
        Path link = Files.createSymbolicLink(folder.resolve("link"), socket());
        Path dangling = Files.createSymbolicLink(folder.resolve("dangling"), folder.resolve("absent"));
        for (Path path : new Path[] {file, directory, link, dangling}) {
            assertThatThrownBy(() -> SocketFile.makeRoom(path))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("is not a socket");
            SocketFile.remove(path);
            assertThat(Files.exists(path, LinkOption.NOFOLLOW_LINKS)).isTrue();
        }
        assertThat(file).content().isEqualTo("data");
        assertThat(socket()).as("behind the link").exists();
    }

    @Test
    void aBridgeListensNeitherInAFilesPlaceNorUnaskedToOtherMachines() throws Exception {
        Path file = Files.writeString(folder.resolve("precious"), "data");
        EventLoopGroup loop = OpenFlowAgent.newEventLoop();
        try (BridgeAgent agent = new OpenFlowAgent(loop, Clock.system()).attach(new FakeSwitch())) {
            assertThatThrownBy(() -> agent.listen("punix:" + file)).hasMessageContaining("is not a socket");
            assertThat(file).content().isEqualTo("data");
            assertThat(((InetSocketAddress) agent.listen("ptcp:0")).getAddress().isLoopbackAddress())
                    .isTrue();
            assertThat(((InetSocketAddress) agent.listen("ptcp:0:0.0.0.0"))
                            .getAddress()
                            .isAnyLocalAddress())
                    .isTrue();
        } finally {
            loop.shutdownGracefully(0, 1, TimeUnit.SECONDS).await();
        }
    }
}
