package io.turnstile.openflow;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.turnstile.pipeline.OpenFlowSwitch;
import io.turnstile.time.Clock;
import java.nio.channels.spi.SelectorProvider;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * The agent lets bridges be spoken to over OpenFlow. One per process; the event loop group stays the caller's to shut
 * down.
 */
public final class OpenFlowAgent {
    public static final int DEFAULT_BUNDLE_IDLE_SECONDS = 10;

    private static final int COMMITTER_IDLE_SECONDS = 10;
    /** Each connection has one; but those of connections that have gone are made, too. */
    static final int MOST_CHANGES_WAITING = 1024;

    private final EventLoopGroup group;
    private final Shared shared;

    /**
     * @param group of NIO event loops ({@link #newEventLoop()}); each bridge keeps to one of them
     * @param clock says how long a peer has been silent or a controller connected; how often to look is real time
     */
    public OpenFlowAgent(EventLoopGroup group, Clock clock) {
        this(group, clock, failure -> {});
    }

    /**
     * @param failures is told, on an event loop, of requests that failed through no fault of the peer's; they are
     *     logged and answered by an error in any case
     */
    public OpenFlowAgent(EventLoopGroup group, Clock clock, Consumer<RuntimeException> failures) {
        this(group, new Shared(clock, failures, Runtime.getRuntime().maxMemory(), committer()));
    }

    /** @param shared what bridges' agents have in common */
    OpenFlowAgent(EventLoopGroup group, Shared shared) {
        this.group = group;
        this.shared = shared;
    }

    /**
     * One daemon thread named {@code openflow-commit}, while it has something to do; refuses what comes when
     * {@link #MOST_CHANGES_WAITING} wait.
     */
    static Executor committer() {
        return new ThreadPoolExecutor(
                0,
                1,
                COMMITTER_IDLE_SECONDS,
                TimeUnit.SECONDS,
                new LinkedBlockingQueue<>(MOST_CHANGES_WAITING),
                new DefaultThreadFactory("openflow-commit", true));
    }

    /** One daemon thread named {@code openflow}. */
    public static EventLoopGroup newEventLoop() {
        return new MultiThreadIoEventLoopGroup(
                1,
                new DefaultThreadFactory("openflow", true),
                NioIoHandler.newFactory(SelectorProvider.provider(), () -> new BriskSelect(System::nanoTime)));
    }

    /** Takes a bridge on; it is reachable once a listener or a controller is set. */
    public BridgeAgent attach(OpenFlowSwitch bridge) {
        BridgeAgent agent = new BridgeAgent(group.next(), bridge, shared);
        shared.agents().add(agent);
        return agent;
    }

    /**
     * Bundles of which nothing was heard for so long are dropped, and whoever made them is told
     * ({@code other_config:bundle-idle-timeout}); {@link #DEFAULT_BUNDLE_IDLE_SECONDS} at first.
     */
    public void setBundleIdleSeconds(int seconds) {
        shared.setBundleIdleNs(TimeUnit.SECONDS.toNanos(seconds));
    }

    /** Drops those whose time is over, for who has moved the clock and looks next at what came of it. */
    public void dropIdleBundles() {
        shared.agents().forEach(BridgeAgent::dropIdleBundles);
    }

    /** What {@code ssl:} and {@code pssl:} connections are encrypted by; they fail as long as there is nothing. */
    public void setTls(TlsEngines engines) {
        shared.setTls(engines);
    }

    /** As last set. */
    public long bundleIdleSeconds() {
        return TimeUnit.NANOSECONDS.toSeconds(shared.bundleIdleNs());
    }

    /** How many packet-ins, of all bridges that ever were, no connection was quick enough to take. */
    public long droppedPacketIns() {
        return shared.droppedPacketIns().sum();
    }
}
