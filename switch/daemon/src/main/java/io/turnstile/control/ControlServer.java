package io.turnstile.control;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import io.netty.handler.codec.json.JsonObjectDecoder;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The server answers {@code ovs-appctl} on a Unix socket. A request is {@code {"method": name, "params": [words], "id":
 * any}}, the reply has the text as {@code result} or {@code error}.
 *
 * <p>Threads: {@link #register} and {@link #close} by any; commands run on the server's own thread, one after the
 * other.
 */
public final class ControlServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ControlServer.class);
    private static final int MAX_REQUEST_BYTES = 1 << 20;
    private static final int MAX_WAITING_REQUESTS = 1000;

    private final ObjectMapper json = new ObjectMapper();
    private final Map<String, Command> commands = new ConcurrentSkipListMap<>();
    private final EventLoopGroup group =
            new MultiThreadIoEventLoopGroup(1, new DefaultThreadFactory("control", true), NioIoHandler.newFactory());
    private @Nullable Path socket;
    private @Nullable Channel listener;

    /** A server that knows {@code list-commands} and {@code version}; the other commands are registered. */
    public ControlServer(String version) {
        register(Command.of("list-commands", "", 0, 0, arguments -> CommandReply.ok(commandList())));
        register(Command.of("version", "", 0, 0, arguments -> CommandReply.ok(version)));
    }

    /** Makes a command known, in the place of one of the same name. */
    public void register(Command command) {
        commands.put(command.name(), command);
    }

    /** Accepts connections at {@code path}, which has to be free. */
    public void listen(Path path) throws IOException {
        var binding = new ServerBootstrap()
                .group(group)
                .channel(NioServerDomainSocketChannel.class)
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        channel.pipeline().addLast(new JsonObjectDecoder(MAX_REQUEST_BYTES), new Requests());
                    }
                })
                .bind(UnixDomainSocketAddress.of(path))
                .awaitUninterruptibly();
        if (!binding.isSuccess()) {
            throw new IOException(path + ": " + binding.cause().getMessage(), binding.cause());
        }
        socket = path;
        listener = binding.channel();
    }

    private CompletableFuture<CommandReply> run(String name, List<String> arguments) {
        Command command = commands.get(name);
        if (command == null) {
            return CompletableFuture.completedFuture(CommandReply.error(
                    "\"" + name + "\" is not a valid command (use \"list-commands\" to see a list of valid commands)"));
        }
        CommandReply refusal = command.refusal(arguments);
        if (refusal != null) {
            return CompletableFuture.completedFuture(refusal);
        }
        try {
            return command.handler().apply(arguments);
        } catch (RuntimeException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    private String commandList() {
        StringBuilder text = new StringBuilder("The available commands are:\n");
        commands.forEach((name, command) -> text.append("  %-23s %s\n".formatted(name, command.usage())));
        return text.toString();
    }

    @Override
    public void close() {
        if (listener != null) {
            listener.close().awaitUninterruptibly();
        }
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
        if (socket != null) {
            try {
                Files.deleteIfExists(socket);
            } catch (IOException e) {
                LOG.warn("{}: {}", socket, e.getMessage());
            }
        }
    }

    /** One connection. It answers requests in the order of their coming, the next when the one before has its reply. */
    private final class Requests extends SimpleChannelInboundHandler<ByteBuf> {
        private final Queue<JsonNode> waiting = new ArrayDeque<>();
        /** The reply that is being made; null if there is none. */
        private @Nullable CompletableFuture<CommandReply> pending;

        @Override
        protected void channelRead0(ChannelHandlerContext context, ByteBuf message) {
            JsonNode request;
            try {
                request = json.readTree(message.toString(StandardCharsets.UTF_8));
            } catch (JsonProcessingException e) {
                context.close();
                return;
            }
            JsonNode id = request.path("id");
            if (!request.path("method").isTextual() || id.isMissingNode() || id.isNull()) {
                context.close(); // Not a request: JSON-RPC 1.0 has nothing to answer with.
                return;
            }
            if (waiting.size() == MAX_WAITING_REQUESTS) {
                context.close(); // Reading goes on while a reply is awaited, to see the asker leave; so there is a
                // limit.
                return;
            }
            waiting.add(request);
            answerNext(context);
        }

        private void answerNext(ChannelHandlerContext context) {
            while (pending == null && !waiting.isEmpty()) {
                JsonNode request = waiting.remove();
                CompletableFuture<CommandReply> reply = begin(request);
                pending = reply;
                if (reply.isDone()) {
                    send(context, request, reply);
                } else {
                    reply.whenCompleteAsync(
                            (done, failure) -> {
                                send(context, request, reply);
                                answerNext(context);
                            },
                            context.executor());
                }
            }
        }

        private CompletableFuture<CommandReply> begin(JsonNode request) {
            List<String> arguments = new ArrayList<>();
            for (JsonNode argument : request.path("params")) {
                if (!argument.isTextual()) {
                    return CompletableFuture.completedFuture(CommandReply.error(
                            "\"" + request.path("method").asText() + "\" command has non-string argument"));
                }
                arguments.add(argument.asText());
            }
            return run(request.path("method").asText(), arguments);
        }

        private void send(ChannelHandlerContext context, JsonNode request, CompletableFuture<CommandReply> done) {
            pending = null;
            CommandReply reply = outcome(request, done);
            ObjectNode answer = json.createObjectNode();
            answer.set("id", request.path("id"));
            answer.put("result", reply.isError() ? null : reply.terminated());
            answer.put("error", reply.isError() ? reply.terminated() : null);
            context.writeAndFlush(Unpooled.copiedBuffer(answer.toString(), StandardCharsets.UTF_8));
        }

        private static CommandReply outcome(JsonNode request, CompletableFuture<CommandReply> done) {
            if (done.state() == Future.State.SUCCESS) {
                return done.resultNow();
            }
            Throwable failure = done.isCancelled() ? new CancellationException("cancelled") : done.exceptionNow();
            if (!done.isCancelled()) { // contained: a command that fails must not end the daemon
                LOG.error("command {} {} failed", request.path("method").asText(), request.path("params"), failure);
            }
            return CommandReply.error(request.path("method").asText() + ": " + failure);
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            waiting.clear();
            if (pending != null) {
                pending.cancel(false);
            }
            context.fireChannelInactive();
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            LOG.debug("control connection: {}", cause.toString());
            context.close();
        }
    }
}
