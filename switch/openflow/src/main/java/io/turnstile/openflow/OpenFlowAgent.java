package io.turnstile.openflow;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.turnstile.pipeline.OpenFlowSwitch;
import io.turnstile.time.Clock;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;

/**
 * The agent lets bridges be spoken to over OpenFlow. One per process; the event loop group stays the caller's to shut
 * down.
 */
public final class OpenFlowAgent {
    private final EventLoopGroup group;
    private final Clock clock;
    private final Consumer<RuntimeException> failures;
    private final LongAdder droppedPacketIns = new LongAdder();

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
        this.group = group;
        this.clock = clock;
        this.failures = failures;
    }

    /** One daemon thread named {@code openflow}. */
    public static EventLoopGroup newEventLoop() {
        return new MultiThreadIoEventLoopGroup(
                1, new DefaultThreadFactory("openflow", true), NioIoHandler.newFactory());
    }

    /** Takes a bridge on; it is reachable once a listener or a controller is set. */
    public BridgeAgent attach(OpenFlowSwitch bridge) {
        return new BridgeAgent(group.next(), bridge, clock, droppedPacketIns, failures);
    }

    /** How many packet-ins, of all bridges that ever were, no connection was quick enough to take. */
    public long droppedPacketIns() {
        return droppedPacketIns.sum();
    }
}
