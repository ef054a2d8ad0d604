package io.turnstile.ovsdb.server;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.flow.FlowControlHandler;
import io.netty.handler.ssl.SslHandler;
import io.turnstile.ovsdb.data.DataRow;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToLongFunction;
import javax.net.ssl.SSLEngine;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sockets on which clients speak JSON-RPC: {@code punix:PATH}, {@code ptcp:[PORT][:IP]} and {@code pssl:[PORT][:IP]}
 * (ovsdb(7)). Messages follow each other without separators. A client that sends no JSON, or makes the server hold too
 * much, is let go.
 *
 * <p>Threads: the event loop.
 */
final class OvsdbListener {
    private static final Logger LOG = LoggerFactory.getLogger(OvsdbListener.class);
    private static final long DEFAULT_PROBE_MS = 5000;
    private static final long LEAST_PROBE_MS = 1000;
    private static final int TICK_SECONDS = 1;
    private static final int READ_BYTES = 64 << 10;
    /** Not pooled: what a peak took goes back to the system when it is over. */
    private static final ByteBufAllocator BUFFERS = new UnpooledByteBufAllocator(true);

    private static final int DEFAULT_PORT = 6640;

    private final EventLoopGroup loop;
    private final ServerLimits limits;
    private final Callable<SSLEngine> tls;
    private final Function<Peer, OvsdbSession> sessions;
    private final ToLongFunction<String> configuredProbeMs;
    private final ClientBudget budget;
    private final RareLog log = new RareLog(LOG, System::nanoTime);
    private final Map<Channel, Connection> connections = new LinkedHashMap<>();
    private long accepted;

    /**
     * No sockets yet.
     *
     * @param tls makes what encrypts a connection; throws, with words for people, while that cannot be
     * @param isCurrent whether a row is in a database now
     * @param configuredProbeMs after how long a silence clients of a remote are asked whether they are there; 0: never;
     *     -1: nobody has said
     */
    OvsdbListener(
            EventLoopGroup loop,
            ServerLimits limits,
            Callable<SSLEngine> tls,
            Function<Peer, OvsdbSession> sessions,
            Predicate<DataRow> isCurrent,
            ToLongFunction<String> configuredProbeMs) {
        this.loop = loop;
        this.limits = limits;
        this.tls = tls;
        this.sessions = sessions;
        this.configuredProbeMs = configuredProbeMs;
        this.budget = new ClientBudget(limits.clientBytes(), isCurrent, loop);
        loop.scheduleAtFixedRate(this::tick, TICK_SECONDS, TICK_SECONDS, TimeUnit.SECONDS);
    }

    /** Begins to listen; a socket file that nobody listens on any more is replaced. */
    Channel listen(String remote) throws IOException {
        boolean unix = remote.startsWith("punix:");
        boolean encrypts = remote.startsWith("pssl:");
        if (!unix && !encrypts && !remote.startsWith("ptcp:")) {
            throw new IOException(remote + ": unsupported remote (punix:PATH, ptcp:[PORT][:IP] or pssl:[PORT][:IP])");
        }
        SocketAddress address = unix ? unixAddress(Path.of(remote.substring("punix:".length()))) : tcpAddress(remote);
        ServerBootstrap bootstrap = new ServerBootstrap()
                .group(loop)
                .channel(unix ? NioServerDomainSocketChannel.class : NioServerSocketChannel.class)
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        if (!encrypts || encrypt(channel, remote)) {
                            accept(channel, remote, unix);
                        }
                    }
                })
                .handler(new ChannelInboundHandlerAdapter() {
                    @Override
                    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
                        log.warn("accept " + cause.getClass(), remote + ": accept failed: " + cause.getMessage());
                    }
                })
                .childOption(ChannelOption.AUTO_READ, false)
                .childOption(ChannelOption.ALLOCATOR, BUFFERS)
                .childOption(
                        ChannelOption.RECVBUF_ALLOCATOR,
                        new FixedRecvByteBufAllocator(READ_BYTES).maxMessagesPerRead(1));
        try {
            return bootstrap.bind(address).sync().channel();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } catch (Exception e) { // Netty throws the cause itself, checked or not.
            throw new IOException(remote + ": " + e.getMessage(), e);
        }
    }

    private static SocketAddress unixAddress(Path path) throws IOException {
        Files.createDirectories(path.toAbsolutePath().getParent());
        RemoteSocketFile.makeRoom(path);
        return UnixDomainSocketAddress.of(path);
    }

    private static SocketAddress tcpAddress(String remote) throws IOException {
        String text = remote.substring(remote.indexOf(':') + 1);
        int colon = text.indexOf(':');
        String port = colon < 0 ? text : text.substring(0, colon);
        try {
            int number = port.isEmpty() ? DEFAULT_PORT : Integer.parseInt(port);
            boolean open = remote.startsWith("ptcp:");
            if (colon < 0 && open) { // Whoever can connect commands the switch; Open vSwitch listens to all machines.
                LOG.info("{}: no address is given, so it listens on 127.0.0.1 alone (0.0.0.0 for all)", remote);
            }
            String host =
                    colon >= 0 ? text.substring(colon + 1).replaceAll("[\\[\\]]", "") : open ? "127.0.0.1" : "0.0.0.0";
            return new InetSocketAddress(host, number);
        } catch (IllegalArgumentException e) {
            throw new IOException(remote + ": bad port", e);
        }
    }

    private boolean encrypt(Channel channel, String remote) {
        try {
            // One read may bring several records, and a connection takes what it has asked for.
            channel.pipeline().addLast(new SslHandler(tls.call()), new FlowControlHandler());
            return true;
        } catch (Exception e) { // a Callable may throw any
            log.warn("no certificate", remote + ": a connection cannot be encrypted: " + e.getMessage());
            var _ = channel.close();
            return false;
        }
    }

    /** A new client's channel, unless there are too many. */
    private void accept(Channel channel, String remote, boolean unix) {
        if (connections.size() >= limits.connections() && !makeRoom()) {
            log.warn("too many connections", remote + ": connection exceeded maximum (" + limits.connections() + ")");
            var _ = channel.close();
            return;
        }
        accepted++;
        Connection connection = new Connection(
                unix
                        ? "unix#" + accepted
                        : (remote.startsWith("pssl:") ? "ssl:" : "tcp:") + text(channel.remoteAddress()),
                channel,
                limits,
                budget,
                sessions,
                () -> probeIntervalMs(remote, unix),
                log,
                System::nanoTime);
        connections.put(channel, connection);
        channel.closeFuture().addListener(closed -> connections.remove(channel));
        channel.pipeline().addLast(connection);
    }

    private static String text(@Nullable SocketAddress address) {
        return address instanceof InetSocketAddress inet
                ? inet.getAddress().getHostAddress() + ":" + inet.getPort()
                : String.valueOf(address);
    }

    /** Lets go whoever has been there longest and has not said a word. */
    private boolean makeRoom() {
        return connections.values().stream()
                .filter(connection -> !connection.hasSpoken())
                .findFirst()
                .map(silent -> {
                    silent.cutOff("silent", "has never sent a request and gives way to a new client, disconnecting");
                    return true;
                })
                .orElse(false);
    }

    /** As ovsdb-server: what the Manager says, else five seconds where a peer can vanish unnoticed. */
    private long probeIntervalMs(String remote, boolean unix) {
        long configuredMs = configuredProbeMs.applyAsLong(remote);
        if (configuredMs < 0) {
            return unix ? 0 : DEFAULT_PROBE_MS;
        }
        return configuredMs == 0 ? 0 : Math.max(configuredMs, LEAST_PROBE_MS);
    }

    private void tick() {
        List.copyOf(connections.values()).forEach(Connection::tick);
        budget.checkPrecisely();
    }

    void close() {
        loop.submit(() -> List.copyOf(connections.keySet()).forEach(Channel::close))
                .awaitUninterruptibly(1, TimeUnit.SECONDS);
    }
}
