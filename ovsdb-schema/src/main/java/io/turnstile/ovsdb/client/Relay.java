package io.turnstile.ovsdb.client;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import org.jspecify.annotations.Nullable;

/**
 * One connection to a database server, offered to the client library as a loopback TCP port: the library opens TCP
 * connections only, and does not tell when one it opened is lost. Exactly one connection is taken on the port, and the
 * port is closed with it.
 *
 * <p>Threads: two virtual ones copy; {@code onLost} is called once on one of them.
 */
final class Relay implements AutoCloseable {
    private static final int BUFFER_BYTES = 64 << 10;

    private final SocketChannel server;
    private final ServerSocketChannel door;
    private final Runnable onLost;
    private @Nullable SocketChannel client; // guarded by this
    private boolean closed; // guarded by this

    private Relay(SocketChannel server, ServerSocketChannel door, Runnable onLost) {
        this.server = server;
        this.door = door;
        this.onLost = onLost;
    }

    /** Connects to the server; fails at once if it cannot be reached. */
    static Relay connect(SocketAddress target, Runnable onLost) throws IOException {
        SocketChannel server = SocketChannel.open(target);
        ServerSocketChannel door = ServerSocketChannel.open();
        door.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 1);
        Relay relay = new Relay(server, door, onLost);
        Thread.ofVirtual().name("ovsdb-relay").start(relay::run);
        return relay;
    }

    /** Where the library is to connect to. */
    InetSocketAddress address() throws IOException {
        return (InetSocketAddress) door.getLocalAddress();
    }

    private void run() {
        try {
            SocketChannel accepted = door.accept();
            door.close();
            synchronized (this) {
                client = accepted;
            }
            Thread.ofVirtual().name("ovsdb-relay-out").start(() -> copy(accepted, server));
            copy(server, accepted);
        } catch (IOException e) {
            close();
        }
    }

    private void copy(SocketChannel from, SocketChannel to) {
        ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES);
        try {
            while (from.read(buffer.clear()) >= 0) {
                buffer.flip();
                while (buffer.hasRemaining()) {
                    to.write(buffer);
                }
            }
        } catch (IOException e) {
            // One side is gone; so is the connection.
        }
        close();
    }

    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            closeQuietly(server);
            closeQuietly(door);
            closeQuietly(client);
        }
        onLost.run();
    }

    private static void closeQuietly(@Nullable AutoCloseable resource) {
        try {
            if (resource != null) {
                resource.close();
            }
        } catch (Exception e) {
            // It is of no use any more anyway.
        }
    }
}
