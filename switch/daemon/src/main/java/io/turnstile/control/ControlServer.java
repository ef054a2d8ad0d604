package io.turnstile.control;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The server answers {@code ovs-appctl} on a Unix socket. A request is {@code {"method": name, "params": [words], "id":
 * any}}, the reply has the text as {@code result} or {@code error}. How a connection is served stands at
 * {@link ControlConnection}.
 *
 * <p>Threads: {@link #register} and {@link #close} by any; commands run on the server's own thread, one after the
 * other.
 */
public final class ControlServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ControlServer.class);
    private static final long PATIENCE_CHECK_MS = 1000;

    private final Map<String, Command> commands = new ConcurrentSkipListMap<>();
    /** What it sets is the connection's, which does it. */
    private final Command setOptions =
            Command.of("set-options", "[--format text|json]", 1, 2, arguments -> CommandReply.ok());

    private final EventLoopGroup group =
            new MultiThreadIoEventLoopGroup(1, new DefaultThreadFactory("control", true), NioIoHandler.newFactory());
    private final ControlLimits limits;
    private final ControlLog log = new ControlLog();
    private final Set<ControlConnection> connections = new HashSet<>(); // the event loop's
    private @Nullable Path socket;
    private @Nullable Channel listener;

    /**
     * A server that knows {@code list-commands}, {@code set-options} and {@code version}; the other commands are
     * registered.
     */
    public ControlServer(String version) {
        this(version, ControlLimits.DEFAULT);
    }

    ControlServer(String version, ControlLimits limits) {
        this.limits = limits;
        register(Command.of("list-commands", "", 0, 0, arguments -> CommandReply.ok(commandList()))
                .orJson(arguments -> CommandReply.json(commandDocument())));
        register(setOptions);
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
                        channel.pipeline()
                                .addLast(new ControlConnection(
                                        ControlServer.this, limits, log, ControlServer.this::run));
                    }
                })
                .bind(UnixDomainSocketAddress.of(path))
                .awaitUninterruptibly();
        if (!binding.isSuccess()) {
            throw new IOException(path + ": " + binding.cause().getMessage(), binding.cause());
        }
        socket = path;
        listener = binding.channel();
        long checkMs = Math.min(PATIENCE_CHECK_MS, limits.halfRequestMs());
        group.scheduleWithFixedDelay(this::checkPatience, checkMs, checkMs, TimeUnit.MILLISECONDS);
    }

    // ---- connections; on the event loop ----

    void opened(ControlConnection connection) {
        if (connections.size() >= limits.connections()) {
            Optional<ControlConnection> idle = connections.stream()
                    .filter(ControlConnection::isIdle)
                    .min(Comparator.comparingLong(ControlConnection::readNs));
            if (idle.isEmpty()) {
                connection.close(
                        "more than " + limits.connections() + " busy control connections: a new one is refused");
                return;
            }
            connections.remove(idle.get());
            idle.get().close("more than " + limits.connections() + " control connections: the idle one is closed");
        }
        connections.add(connection);
    }

    void closed(ControlConnection connection) {
        connections.remove(connection);
    }

    private void checkPatience() {
        long nowNs = System.nanoTime();
        List.copyOf(connections).forEach(connection -> connection.checkPatience(nowNs));
    }

    private CompletableFuture<CommandReply> run(Request request, ControlConnection connection) {
        String name = request.method();
        List<String> words = request.words();
        if (words == null) {
            return CompletableFuture.completedFuture(
                    CommandReply.error("\"" + name + "\" command has non-string argument"));
        }
        Command command = commands.get(name);
        if (command == null) {
            return CompletableFuture.completedFuture(CommandReply.error(
                    "\"" + name + "\" is not a valid command (use \"list-commands\" to see a list of valid commands)"));
        }
        CommandReply refusal = command.refusal(words);
        if (refusal != null) {
            return CompletableFuture.completedFuture(refusal);
        }
        if (command == setOptions) {
            return CompletableFuture.completedFuture(setOptions(words, connection));
        }
        try {
            return command.run(words, connection.format());
        } catch (RuntimeException | StackOverflowError e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    private static CommandReply setOptions(List<String> words, ControlConnection connection) {
        try {
            ReplyFormat.chosenBy(words).ifPresent(connection::setFormat);
            return CommandReply.ok();
        } catch (RefusedException e) {
            return CommandReply.error(e.getMessage());
        }
    }

    /** Names and usages. */
    private String commandDocument() {
        ObjectNode document = JsonNodeFactory.instance.objectNode();
        commands.forEach((name, command) -> document.put(name, command.usage()));
        return document.toString();
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
}
