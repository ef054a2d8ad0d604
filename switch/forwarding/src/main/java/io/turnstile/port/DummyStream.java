package io.turnstile.port;

import java.io.EOFException;
import java.io.IOException;
import java.net.ProtocolFamily;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What joins a dummy port to others, in this process or another: a Unix socket that it listens at
 * ({@code options:pstream=punix:…}) or connects to ({@code options:stream=unix:…}), again and again until somebody is
 * there. Each frame has its length in front of it, two bytes, as with the dummy devices of Open vSwitch. What the port
 * sends goes to all that are connected, {@link DummyPort#QUEUE_LENGTH} frames at most for one that does not read.
 *
 * <p>Threads: has one of its own, which calls {@code received}; {@link #send} by any, which never waits.
 */
final class DummyStream implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DummyStream.class);
    private static final int LENGTH_BYTES = Short.BYTES;
    private static final int ETHERNET_BYTES = 14;
    private static final int MOST_BYTES = LENGTH_BYTES + 0xffff;
    private static final long FIRST_PAUSE_MS = 100;
    private static final long LONGEST_PAUSE_MS = 8_000;

    /** Where it stands, in the words of {@code netdev-dummy/conn-state}. */
    enum State {
        /** Others connect, or nobody does. */
        UNKNOWN("unknown"),
        DISCONNECTED("disconnected"),
        CONNECTED("connected");

        private final String label;

        State(String label) {
            this.label = label;
        }

        String label() {
            return label;
        }
    }

    private final String target;
    private final Path path;
    private final boolean listens;
    private final Consumer<byte[]> received;
    private final Selector selector;
    private final @Nullable ServerSocketChannel server;
    private final Thread thread;
    private volatile boolean closed;
    private volatile State state;
    /** Guarded by this. */
    private final List<Peer> peers = new ArrayList<>();

    /** Somebody at the other end. Its buffer belongs to the thread, its queue is guarded by the stream. */
    private static final class Peer {
        private final SocketChannel channel;
        private final ByteBuffer in = ByteBuffer.allocate(MOST_BYTES);
        private final Deque<ByteBuffer> out = new ArrayDeque<>();

        Peer(SocketChannel channel) {
            this.channel = channel;
        }
    }

    /**
     * @param target {@code punix:PATH} to listen, {@code unix:PATH} to connect
     * @throws IOException if it cannot be listened there
     */
    DummyStream(String target, Consumer<byte[]> received) throws IOException {
        this.target = target;
        listens = target.startsWith("punix:");
        if (!listens && !target.startsWith("unix:")) {
            throw new IOException("not punix:PATH or unix:PATH");
        }
        path = Path.of(target.substring(target.indexOf(':') + 1));
        this.received = received;
        state = listens ? State.UNKNOWN : State.DISCONNECTED;
        selector = Selector.open();
        server = listens ? listen() : null;
        thread = Thread.ofPlatform().daemon().name("dummy-stream").unstarted(this::run);
        thread.start();
    }

    String target() {
        return target;
    }

    State state() {
        return state;
    }

    private ServerSocketChannel listen() throws IOException {
        ProtocolFamily unix = StandardProtocolFamily.UNIX;
        ServerSocketChannel channel = ServerSocketChannel.open(unix);
        try {
            channel.bind(UnixDomainSocketAddress.of(path));
            channel.configureBlocking(false);
            channel.register(selector, SelectionKey.OP_ACCEPT);
            return channel;
        } catch (IOException e) {
            channel.close();
            selector.close();
            throw e;
        }
    }

    /** Gives a frame to everybody who is connected. */
    void send(byte[] frame) {
        if (frame.length > 0xffff) {
            return;
        }
        boolean any = false;
        synchronized (this) {
            for (Peer peer : peers) {
                if (peer.out.size() < DummyPort.QUEUE_LENGTH) {
                    ByteBuffer message = ByteBuffer.allocate(LENGTH_BYTES + frame.length);
                    peer.out.add(
                            message.putShort((short) frame.length).put(frame).flip());
                    any = true;
                }
            }
        }
        if (any) {
            selector.wakeup();
        }
    }

    // ---- the thread ----

    private void run() {
        long pauseMs = FIRST_PAUSE_MS;
        long dueNs = System.nanoTime();
        while (!closed) {
            try {
                if (!listens && state == State.DISCONNECTED && System.nanoTime() - dueNs >= 0) {
                    pauseMs = connect() ? FIRST_PAUSE_MS : Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
                    dueNs = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(pauseMs);
                }
                selector.select(state == State.DISCONNECTED ? pauseMs : 0);
                for (SelectionKey key : selector.selectedKeys()) {
                    serve(key);
                }
                selector.selectedKeys().clear();
                writeAll();
            } catch (IOException e) {
                LOG.warn("{}: {}", target, e.getMessage());
                return;
            }
        }
    }

    private boolean connect() {
        try {
            SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(path));
            take(channel);
            state = State.CONNECTED;
            return true;
        } catch (IOException e) { // nobody there yet
            return false;
        }
    }

    private void take(SocketChannel channel) throws IOException {
        channel.configureBlocking(false);
        Peer peer = new Peer(channel);
        channel.register(selector, SelectionKey.OP_READ, peer);
        synchronized (this) {
            peers.add(peer);
        }
    }

    private void serve(SelectionKey key) throws IOException {
        if (!key.isValid()) {
            return;
        }
        if (key.isAcceptable()) {
            SocketChannel channel = ((ServerSocketChannel) key.channel()).accept();
            if (channel != null) {
                take(channel);
            }
        } else if (key.isReadable()) {
            Peer peer = (Peer) key.attachment();
            try {
                read(peer);
            } catch (IOException e) {
                drop(peer);
            }
        }
    }

    private void read(Peer peer) throws IOException {
        if (peer.channel.read(peer.in) < 0) {
            throw new EOFException();
        }
        peer.in.flip();
        while (peer.in.remaining() >= LENGTH_BYTES) {
            int length = peer.in.getShort(peer.in.position()) & 0xffff;
            if (length < ETHERNET_BYTES) {
                throw new IOException("a frame of " + length + " bytes");
            }
            if (peer.in.remaining() < LENGTH_BYTES + length) {
                break;
            }
            byte[] frame = new byte[length];
            peer.in.position(peer.in.position() + LENGTH_BYTES).get(frame);
            received.accept(frame);
        }
        peer.in.compact();
    }

    private void writeAll() {
        for (Peer peer : snapshot()) {
            try {
                write(peer);
            } catch (IOException e) {
                drop(peer);
            }
        }
    }

    private synchronized List<Peer> snapshot() {
        return List.copyOf(peers);
    }

    private void write(Peer peer) throws IOException {
        boolean full = false;
        synchronized (this) {
            while (!peer.out.isEmpty() && !full) {
                peer.channel.write(peer.out.peek());
                full = peer.out.peek().hasRemaining();
                if (!full) {
                    peer.out.remove();
                }
            }
        }
        SelectionKey key = peer.channel.keyFor(selector);
        if (key != null && key.isValid()) {
            key.interestOps(full ? SelectionKey.OP_READ | SelectionKey.OP_WRITE : SelectionKey.OP_READ);
        }
    }

    private void drop(Peer peer) {
        synchronized (this) {
            peers.remove(peer);
        }
        try {
            peer.channel.close();
        } catch (IOException e) {
            LOG.debug("{}: {}", target, e.getMessage());
        }
        if (!listens) {
            state = State.DISCONNECTED;
        }
    }

    /** Ends all connections; the thread has ended when this returns. */
    @Override
    public void close() {
        closed = true;
        selector.wakeup();
        try {
            if (Thread.currentThread() != thread) {
                thread.join();
            }
            snapshot().forEach(this::drop);
            if (server != null) {
                server.close();
                Files.deleteIfExists(path);
            }
            selector.close();
        } catch (IOException e) {
            LOG.warn("{}: {}", target, e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
