package io.turnstile.openflow;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoop;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.concurrent.ScheduledFuture;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLEngine;
import org.jspecify.annotations.Nullable;

/**
 * One controller of the Controller table: connects, and connects again with a pause that doubles from one second up to
 * max_backoff; or, for a passive target, listens. Event loop thread only.
 */
final class ControllerLink {
    private static final int FIRST_BACKOFF_MS = 1000;
    private static final int CONNECT_TIMEOUT_MS = 5000;
    private static final long NS_PER_SECOND = 1_000_000_000L;

    private enum State {
        BACKOFF,
        CONNECTING,
        ACTIVE,
        LISTENING,
        VOID
    }

    private final BridgeAgent agent;
    private final EventLoop loop;
    private final ControllerTarget target;
    /** Null while there is none and none is being made. */
    private @Nullable OpenFlowConnection connection;

    private @Nullable ScheduledFuture<?> retry;
    private State state = State.VOID;
    private int backoffMs = FIRST_BACKOFF_MS;
    /** Before the connection that is there or being made; a controller may take as long to greet. */
    private int lastPauseMs;

    private @Nullable String lastError;
    private long connectedNs;
    private long disconnectedNs;
    private boolean wasConnected;
    private boolean wasDisconnected;
    private boolean greeted;
    private boolean closed;

    ControllerLink(BridgeAgent agent, EventLoop loop, ControllerTarget target) {
        this.agent = agent;
        this.loop = loop;
        this.target = target;
    }

    void start() {
        try {
            if (target.isPassive()) {
                agent.bind(target.target(), false, target.inactivityProbeMs());
                state = State.LISTENING;
            } else {
                connect(SocketTarget.parse(target.target()));
            }
        } catch (IllegalArgumentException | IOException e) {
            lastError = e.getMessage();
            state = State.VOID;
        }
    }

    private void connect(SocketTarget where) {
        state = State.CONNECTING;
        greeted = false;
        SSLEngine engine;
        try {
            engine = where.tls() ? agent.shared().tls().client() : null;
        } catch (IOException e) {
            lastError = e.getMessage();
            again();
            return;
        }
        OpenFlowConnection next = new OpenFlowConnection(
                agent, false, target.inactivityProbeMs(), Math.max(OpenFlowConnection.GREETING_MS, lastPauseMs));
        connection = next;
        new Bootstrap()
                .group(loop)
                .channel(where.unix() ? NioDomainSocketChannel.class : NioSocketChannel.class)
                .option(io.netty.channel.ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_TIMEOUT_MS)
                .option(io.netty.channel.ChannelOption.RECVBUF_ALLOCATOR, BridgeAgent.oneReadAtATime())
                .handler(new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        if (engine != null) {
                            channel.pipeline().addLast(new SslHandler(engine));
                        }
                        channel.pipeline().addLast(new OpenFlowFramer(), next);
                    }
                })
                .connect(where.address())
                .addListener(done -> {
                    if (!done.isSuccess() && connection == next) {
                        lastError = reason(done.cause());
                        again();
                    }
                });
    }

    /** What the system said, without the address that Netty adds. */
    private static @Nullable String reason(Throwable cause) {
        Throwable said = cause.getCause() instanceof IOException original ? original : cause;
        return said.getMessage();
    }

    /** The handshake is through. */
    void greeted(OpenFlowConnection which) {
        if (which == connection) {
            greeted = true;
            wasConnected = true;
            connectedNs = agent.clock().nowNs();
            state = State.ACTIVE;
            backoffMs = FIRST_BACKOFF_MS;
            lastPauseMs = 0;
        }
    }

    void lost(OpenFlowConnection which) {
        if (which == connection && !target.isPassive()) {
            if (greeted) {
                wasDisconnected = true;
                disconnectedNs = agent.clock().nowNs();
            }
            lastError = lastError == null ? "connection closed by peer" : lastError;
            again();
        }
    }

    void failed(OpenFlowConnection which, @Nullable String error) {
        if (which == connection) {
            lastError = error;
        }
    }

    private void again() {
        connection = null;
        greeted = false;
        if (closed) {
            return;
        }
        state = State.BACKOFF;
        retry = loop.schedule(() -> connect(SocketTarget.parse(target.target())), backoffMs, TimeUnit.MILLISECONDS);
        lastPauseMs = backoffMs;
        backoffMs = Math.min(backoffMs * 2, target.maxBackoffMs());
    }

    boolean isConnected() {
        return greeted && connection != null;
    }

    ControllerStatus status() {
        long nowNs = agent.clock().nowNs();
        OpenFlowConnection current = greeted ? connection : null;
        return new ControllerStatus(
                target.target(),
                current != null,
                current == null ? null : current.session().role.label(),
                state.name(),
                wasConnected ? (nowNs - connectedNs) / NS_PER_SECOND : -1,
                wasDisconnected ? (nowNs - disconnectedNs) / NS_PER_SECOND : -1,
                lastError);
    }

    void close() {
        closed = true;
        if (retry != null) {
            retry.cancel(false);
        }
        OpenFlowConnection last = connection;
        connection = null;
        greeted = false;
        if (last != null) {
            last.close();
        }
        if (state == State.LISTENING) {
            agent.stopListening(target.target());
        }
    }
}
