package io.turnstile.ovsdb.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where the server listens, and what it leaves alone that it finds there. */
class ListenerPlacesTest {
    @TempDir
    Path folder;

    @Test
    void aFileInTheSocketsPlaceIsLeftAlone() throws IOException {
        Path file = Files.writeString(folder.resolve("precious"), "data");
        assertThatThrownBy(() -> new EmbeddedOvsdb(null, List.of("punix:" + file)))
                .hasMessageContaining("is not a socket");
        assertThat(file).content().isEqualTo("data");
    }

    @Test
    void aSocketThatSomebodyLeftIsReplacedAndOneInUseIsNot() throws IOException {
        Path socket = folder.resolve("db.sock");
        try (ServerSocketChannel other = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            other.bind(UnixDomainSocketAddress.of(socket));
            assertThatThrownBy(() -> new EmbeddedOvsdb(null, List.of("punix:" + socket)))
                    .hasMessageContaining("Address already in use");
        }
        new EmbeddedOvsdb(null, List.of("punix:" + socket)).close();
        assertThat(socket).doesNotExist();
    }

    /** Two sockets can have one port if they are on different addresses, and only then. */
    @Test
    void aPortWithoutAddressIsOfTheLoopbackAlone() throws IOException {
        try (ServerSocket elsewhere = new ServerSocket()) {
            elsewhere.bind(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.2"), 0));
            new EmbeddedOvsdb(null, List.of("ptcp:" + elsewhere.getLocalPort())).close();
        }
    }

    @Test
    void noLinkIsFollowedToALock() throws IOException {
        Path precious = folder.resolve("precious");
        Files.createSymbolicLink(folder.resolve(".conf.db.~lock~"), precious);
        assertThatThrownBy(() -> new EmbeddedOvsdb(folder.resolve("conf.db"), List.of()));
        assertThat(precious).doesNotExist();
    }
}
