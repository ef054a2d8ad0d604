package io.turnstile.ovsdb.server;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufInputStream;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.json.JsonObjectDecoder;
import io.netty.handler.timeout.IdleStateEvent;
import io.netty.handler.timeout.IdleStateHandler;
import io.netty.util.concurrent.GlobalEventExecutor;
import io.turnstile.ovsdb.data.OvsdbJson;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sockets on which clients speak JSON-RPC: {@code punix:PATH} and {@code ptcp:[PORT][:IP]} (ovsdb(7)). Messages follow
 * each other without separators. A client that sends no JSON, or does not take what it is sent, is let go.
 *
 * <p>Threads: the event loop.
 */
final class OvsdbListener {
    private static final Logger LOG = LoggerFactory.getLogger(OvsdbListener.class);
    private static final ObjectMapper JSON = OvsdbJson.MAPPER;
    private static final int MAX_MESSAGE_BYTES = 64 << 20;
    private static final long MAX_UNSENT_BYTES = 64 << 20;
    private static final int PROBE_AFTER_SECONDS = 5;
    private static final int MAX_LOGGED_CHARS = 200;
    private static final int DEFAULT_PORT = 6640;

    private final EventLoopGroup loop;
    private final Function<Consumer<JsonNode>, OvsdbSession> sessions;
    private final ChannelGroup connections = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);

    OvsdbListener(EventLoopGroup loop, Function<Consumer<JsonNode>, OvsdbSession> sessions) {
        this.loop = loop;
        this.sessions = sessions;
    }

    /** Begins to listen; a socket file that nobody listens on any more is replaced. */
    Channel listen(String remote) throws IOException {
        boolean unix = remote.startsWith("punix:");
        if (!unix && !remote.startsWith("ptcp:")) {
            throw new IOException(remote + ": unsupported remote (punix:PATH or ptcp:[PORT][:IP])");
        }
        SocketAddress address = unix
                ? unixAddress(Path.of(remote.substring("punix:".length())))
                : tcpAddress(remote.substring("ptcp:".length()));
        ServerBootstrap bootstrap = new ServerBootstrap()
                .group(loop)
                .channel(unix ? NioServerDomainSocketChannel.class : NioServerSocketChannel.class)
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        connections.add(channel);
                        if (!unix) {
                            channel.pipeline().addLast(new IdleStateHandler(PROBE_AFTER_SECONDS, 0, 0));
                        }
                        channel.pipeline()
                                .addLast(
                                        new JsonObjectDecoder(MAX_MESSAGE_BYTES),
                                        new Connection(sessions.apply(message -> send(channel, message))));
                    }
                });
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

    private static SocketAddress tcpAddress(String text) throws IOException {
        int colon = text.indexOf(':');
        String port = colon < 0 ? text : text.substring(0, colon);
        try {
            int number = port.isEmpty() ? DEFAULT_PORT : Integer.parseInt(port);
            if (colon < 0) { // Whoever can connect commands the switch; Open vSwitch listens to all machines.
                LOG.info("ptcp:{}: no address is given, so it listens on 127.0.0.1 alone (0.0.0.0 for all)", text);
            }
            String host = colon < 0 ? "127.0.0.1" : text.substring(colon + 1).replaceAll("[\\[\\]]", "");
            return new InetSocketAddress(host, number);
        } catch (IllegalArgumentException e) {
            throw new IOException("ptcp:" + text + ": bad port", e);
        }
    }

    void close() {
        connections.close().awaitUninterruptibly(1, TimeUnit.SECONDS);
    }

    /** One client. */
    private static final class Connection extends SimpleChannelInboundHandler<ByteBuf> {
        private final OvsdbSession session;
        private boolean probed;

        Connection(OvsdbSession session) {
            this.session = session;
        }

        @Override
        protected void channelRead0(ChannelHandlerContext context, ByteBuf bytes) throws IOException {
            if (!context.channel().isActive()) {
                return; // Let go; what he said after that in one breath is not heard.
            }
            probed = false;
            JsonNode message;
            try (InputStream in = new ByteBufInputStream(bytes)) {
                message = JSON.readTree(in);
            } catch (JsonProcessingException | IllegalArgumentException e) {
                LOG.warn("{}: not JSON: {}", context.channel(), excerpt(String.valueOf(e.getMessage())));
                var _ = context.close();
                return;
            }
            session.receive(message);
        }

        @Override
        public void userEventTriggered(ChannelHandlerContext context, Object event) {
            if (event instanceof IdleStateEvent) {
                if (probed) {
                    LOG.warn("{}: no response to inactivity probe, disconnecting", context.channel());
                    var _ = context.close();
                } else {
                    probed = true;
                    session.probe();
                }
            }
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            session.close();
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            if (context.channel().isActive()) {
                LOG.warn("{}: {}", context.channel(), excerpt(cause.toString()));
                var _ = context.close();
            }
        }
    }

    /** One line, not the whole of a message that Netty or Jackson quotes. */
    private static String excerpt(String text) {
        String line = text.lines().findFirst().orElse("");
        return line.length() <= MAX_LOGGED_CHARS ? line : line.substring(0, MAX_LOGGED_CHARS) + "...";
    }

    private static void send(Channel channel, JsonNode message) {
        if (!channel.isActive()) {
            return;
        }
        if (channel.bytesBeforeWritable() > MAX_UNSENT_BYTES) {
            LOG.warn("{}: does not read what it asked for, disconnecting", channel);
            var _ = channel.close();
            return;
        }
        try {
            var _ = channel.writeAndFlush(Unpooled.wrappedBuffer(JSON.writeValueAsBytes(message)));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a tree is always JSON", e);
        }
    }
}
