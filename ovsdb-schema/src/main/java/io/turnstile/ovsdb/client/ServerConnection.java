package io.turnstile.ovsdb.client;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.vmware.ovsdb.service.OvsdbClient;
import com.vmware.ovsdb.service.impl.OvsdbClientImpl;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufInputStream;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.MessageToMessageDecoder;
import io.netty.handler.codec.json.JsonObjectDecoder;
import io.netty.handler.codec.string.StringEncoder;
import io.netty.handler.timeout.IdleStateEvent;
import io.netty.handler.timeout.IdleStateHandler;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.ScheduledExecutorService;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection to a database server, by Unix socket or TCP, with the client library's {@link OvsdbClient} at its end.
 * The library makes connections of its own by TCP alone, and does not tell when one is lost; so the channel is made
 * here, and the library's client is put on it.
 *
 * <p>Threads: an event loop; {@code onLost} is called once on it, also after {@link #close}. The client calls back on
 * the executor that it is given.
 */
final class ServerConnection implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ServerConnection.class);
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int MAX_MESSAGE_BYTES = 256 << 20;
    private static final int PROBE_AFTER_SECONDS = 30;
    /** The library looks for this one in the pipeline, and puts its own behind it. */
    private static final String HANDLER = "ovsdbConnectionHandler";

    private static final String PROBE_ID = "heartbeat";
    private static final String PROBE = "{\"method\":\"echo\",\"params\":[],\"id\":\"" + PROBE_ID + "\"}";

    private final Channel channel;
    private final OvsdbClient client;

    private ServerConnection(Channel channel, OvsdbClient client) {
        this.channel = channel;
        this.client = client;
    }

    /** Connects to the server; waits for it, and fails if it cannot be reached. */
    static ServerConnection connect(
            EventLoopGroup loop, SocketAddress target, ScheduledExecutorService executor, Runnable onLost)
            throws IOException {
        boolean unix = target instanceof UnixDomainSocketAddress;
        ChannelFuture connecting = new Bootstrap()
                .group(loop)
                .channel(unix ? NioDomainSocketChannel.class : NioSocketChannel.class)
                .handler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel made) {
                        made.pipeline()
                                .addLast(new IdleStateHandler(PROBE_AFTER_SECONDS, 0, 0))
                                .addLast(new JsonObjectDecoder(MAX_MESSAGE_BYTES))
                                .addLast(new JsonReader())
                                .addLast(new StringEncoder(StandardCharsets.UTF_8))
                                .addLast(HANDLER, new Watch());
                    }
                })
                .connect(target)
                .awaitUninterruptibly();
        if (!connecting.isSuccess()) {
            throw new IOException(connecting.cause().getMessage(), connecting.cause());
        }
        Channel channel = connecting.channel();
        OvsdbClient client = clientOf(channel, executor);
        var _ = channel.closeFuture().addListener(closed -> {
            client.shutdown(); // who waits for an answer is told
            onLost.run();
        });
        return new ServerConnection(channel, client);
    }

    private static OvsdbClient clientOf(Channel channel, ScheduledExecutorService executor) throws IOException {
        try {
            return new OvsdbClientImpl(executor, withInternetAddresses(channel));
        } catch (RuntimeException e) { // a server that closes at once takes the handlers with it which this looks for
            var _ = channel.close();
            throw new IOException("the connection was closed at once", e);
        }
    }

    OvsdbClient client() {
        return client;
    }

    @Override
    public void close() {
        var _ = channel.close();
    }

    /** The channel, with Internet addresses that nobody looks at: the library does not take others. */
    private static Channel withInternetAddresses(Channel channel) {
        InetSocketAddress none = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        return (Channel) Proxy.newProxyInstance(
                ServerConnection.class.getClassLoader(), new Class<?>[] {Channel.class}, (proxy, method, arguments) -> {
                    if (method.getName().equals("localAddress")
                            || method.getName().equals("remoteAddress")) {
                        return none;
                    }
                    try {
                        return method.invoke(channel, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    /** Makes trees of texts. */
    private static final class JsonReader extends MessageToMessageDecoder<ByteBuf> {
        @Override
        protected void decode(ChannelHandlerContext context, ByteBuf text, List<Object> out) throws IOException {
            try (InputStream in = new ByteBufInputStream(text)) {
                out.add(JSON.readTree(in));
            }
        }
    }

    /** Sees to it that the server lives: one that says nothing is asked, and is let go if it goes on saying nothing. */
    private static final class Watch extends ChannelInboundHandlerAdapter {
        private boolean probed;

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            probed = false;
            if (!(message instanceof JsonNode tree && tree.path("id").asText().equals(PROBE_ID))) {
                context.fireChannelRead(message);
            }
        }

        @Override
        public void userEventTriggered(ChannelHandlerContext context, Object event) {
            if (!(event instanceof IdleStateEvent)) {
                context.fireUserEventTriggered(event);
            } else if (probed) {
                LOG.warn("no response to inactivity probe after {} seconds, disconnecting", PROBE_AFTER_SECONDS);
                var _ = context.close();
            } else {
                probed = true;
                var _ = context.writeAndFlush(PROBE);
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            LOG.warn("the connection to the database fails: {}", cause.toString());
            var _ = context.close();
        }
    }
}
