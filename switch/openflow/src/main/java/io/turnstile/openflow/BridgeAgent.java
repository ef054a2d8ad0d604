package io.turnstile.openflow;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.ScheduledFuture;
import io.turnstile.openflow.wire.Wire;
import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.pipeline.FlowChanges;
import io.turnstile.pipeline.OfPort;
import io.turnstile.pipeline.OpenFlowSwitch;
import io.turnstile.pipeline.OpenFlowSwitch.FlowStats;
import io.turnstile.pipeline.OpenFlowSwitch.PacketIn;
import io.turnstile.pipeline.OpenFlowSwitch.TableDescription;
import io.turnstile.pipeline.PortStatusReason;
import io.turnstile.pipeline.TableStatusReason;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.FlowRemovedReason;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import io.turnstile.time.Clock;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.util.ArrayDeque;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.projectfloodlight.openflow.protocol.OFPortReason;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One bridge's OpenFlow connections. Public methods may be called from any thread but the event loop's own, and return
 * when what they ask for is done; everything else happens on the event loop.
 */
public final class BridgeAgent implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(BridgeAgent.class);
    /** Of one listener; the memory that a connection takes without having said anything is not counted. */
    static final int MAX_CONNECTIONS = 512;
    /** Changes of flows that those who watch have not been told of yet; beyond, whoever makes them waits. */
    private static final int MAX_UNTOLD_CHANGES = 4096;

    private final EventLoop loop;
    private final OpenFlowSwitch bridge;
    private final Shared shared;
    private final RequestDispatcher dispatcher;
    private final EventBacklog backlog;
    private final AutoCloseable subscription;

    /** Whether a connection is to hear of packets that no flow matches. Written by the event loop thread. */
    private volatile boolean wantsMisses;
    /** The same of changes of flows. */
    private volatile boolean wantsFlowChanges;

    // Event loop thread only.
    private final Map<String, Channel> listeners = new LinkedHashMap<>();
    private final Set<OpenFlowConnection> connections = new LinkedHashSet<>();
    private final Set<Channel> snoopers = new LinkedHashSet<>();
    private final Map<ControllerTarget, ControllerLink> controllers = new LinkedHashMap<>();
    private AllowedVersions versions = AllowedVersions.ALL;
    private boolean generationKnown;
    private long generationId;
    private boolean anyConnected;
    private int unixPeers;
    private boolean closed;
    /** Whether the bridge tells of every change of flows. */
    private boolean watching;
    /** The last change of flows that was told. */
    private long changesSeen;

    private final ArrayDeque<Awaited> awaited = new ArrayDeque<>();

    /** Something that is to be done when that change has been told. */
    private record Awaited(long changeNumber, Runnable action) {}

    BridgeAgent(EventLoop loop, OpenFlowSwitch bridge, Shared shared) {
        this.loop = loop;
        this.bridge = bridge;
        this.shared = shared;
        this.dispatcher = new RequestDispatcher(bridge, this);
        this.backlog = new EventBacklog(loop, shared, this::requestFailed);
        this.subscription = bridge.subscribe(new FromBridge());
    }

    /** A request, or a report to the peers, failed through no fault of theirs. */
    void requestFailed(Throwable failure) {
        try {
            shared.failures()
                    .accept(failure instanceof RuntimeException bug ? bug : new IllegalStateException(failure));
        } catch (RuntimeException e) {
            if (shared.told().isDue("listener", e)) {
                LOG.error("{}: a listener of failures failed", bridge.name(), e);
            }
        }
    }

    // ---- what the owner calls ----

    /**
     * Accepts tools and controllers at {@code punix:path}, {@code ptcp:[port][:ip]} or {@code pssl:[port][:ip]}; doing
     * so twice changes nothing.
     *
     * @return where it listens, with the port that the system chose if 0 was asked for
     * @throws IOException if the address cannot be bound
     */
    public SocketAddress listen(String target) throws IOException {
        return onLoop(() -> bind(target, false, ControllerTarget.DEFAULT_INACTIVITY_PROBE_MS * 12));
    }

    /** Mirrors what controllers and bridge say to each other to whoever connects ({@code ovs-ofctl snoop}). */
    public SocketAddress listenSnoop(String target) throws IOException {
        return onLoop(() -> bind(target, true, 0));
    }

    /** Replaces the controllers: those not in the list are disconnected, those unchanged are left alone. */
    public void setControllers(List<ControllerTarget> targets) throws IOException {
        onLoop(() -> {
            for (var gone : List.copyOf(controllers.entrySet())) {
                if (!targets.contains(gone.getKey())) {
                    controllers.remove(gone.getKey());
                    gone.getValue().close();
                }
            }
            for (ControllerTarget target : targets) {
                if (!controllers.containsKey(target)) {
                    ControllerLink link = new ControllerLink(this, loop, target);
                    controllers.put(target, link);
                    link.start();
                }
            }
            updateConnected();
            return null;
        });
    }

    /**
     * Says which versions are spoken. If they change, all connections end, so that controllers and tools come back and
     * agree anew.
     */
    public void setVersions(AllowedVersions allowed) throws IOException {
        onLoop(() -> {
            speak(allowed);
            return null;
        });
    }

    void speak(AllowedVersions allowed) {
        if (!allowed.equals(versions)) {
            versions = allowed;
            List.copyOf(connections).forEach(OpenFlowConnection::close);
        }
    }

    /** One per controller, in the order in which they were set. */
    public List<ControllerStatus> controllerStatus() {
        try {
            return onLoop(() ->
                    controllers.values().stream().map(ControllerLink::status).toList());
        } catch (IOException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    /** Drops the bundles whose time is over by now. */
    void dropIdleBundles() {
        try {
            onLoop(() -> {
                connections.forEach(OpenFlowConnection::dropIdleBundles);
                return null;
            });
        } catch (IOException | RejectedExecutionException e) { // it is just being closed
            LOG.debug("{}: bundles go with their connections", bridge.name(), e);
        }
    }

    /** Ends all connections and listeners and removes the sockets' files. */
    @Override
    public void close() {
        shared.agents().remove(this);
        try {
            subscription.close();
            backlog.close();
            onLoop(() -> {
                closed = true;
                listeners.forEach(BridgeAgent::closeListener);
                listeners.clear();
                controllers.values().forEach(ControllerLink::close);
                controllers.clear();
                List.copyOf(connections).forEach(OpenFlowConnection::close);
                List.copyOf(snoopers).forEach(Channel::close);
                return null;
            });
        } catch (Exception e) {
            throw new IllegalStateException("closing the OpenFlow agent of " + bridge.name(), e);
        }
    }

    private <T> T onLoop(Callable<T> task) throws IOException {
        if (loop.inEventLoop()) {
            throw new IllegalStateException("called from the event loop");
        }
        var done = loop.submit(task).awaitUninterruptibly();
        if (done.isSuccess()) {
            return done.getNow();
        }
        if (done.cause() instanceof IOException e) {
            throw e;
        }
        if (done.cause() instanceof RuntimeException e) {
            throw e;
        }
        throw new IOException(done.cause());
    }

    // ---- listening ----

    SocketAddress bind(String target, boolean snoop, int probeMs) throws IOException {
        Channel present = listeners.get(target);
        if (present != null) {
            return present.localAddress();
        }
        SocketTarget parsed = SocketTarget.parse(target);
        if (!parsed.passive()) {
            throw new IllegalArgumentException(target + ": not a passive connection method");
        }
        if (parsed.isLoopbackByDefault()) {
            LOG.info("{}: {}", target, SocketTarget.LOOPBACK_NOTE);
        }
        if (parsed.address() instanceof UnixDomainSocketAddress unix) {
            SocketFile.makeRoom(unix.getPath());
        }
        ServerBootstrap bootstrap = new ServerBootstrap()
                .group(loop)
                .channel(parsed.unix() ? NioServerDomainSocketChannel.class : NioServerSocketChannel.class)
                .childOption(ChannelOption.RECVBUF_ALLOCATOR, oneReadAtATime())
                .childHandler(new Accepted(target, parsed.tls(), snoop, probeMs));
        // On the loop itself registering and binding are done at once, so that nothing needs to be waited for.
        Channel channel = bootstrap.register().channel();
        var binding = channel.bind(parsed.address());
        if (!binding.isSuccess()) {
            channel.close();
            String why =
                    binding.cause() == null ? "cannot bind" : binding.cause().getMessage();
            throw new IOException(target + ": " + why, binding.cause());
        }
        listeners.put(target, channel);
        return channel.localAddress();
    }

    void stopListening(String target) {
        Channel listener = listeners.remove(target);
        if (listener != null) {
            closeListener(target, listener);
        }
    }

    private static void closeListener(String target, Channel listener) {
        SocketAddress address = SocketTarget.parse(target).address();
        listener.close();
        if (address instanceof UnixDomainSocketAddress unix) {
            try {
                SocketFile.remove(unix.getPath());
            } catch (IOException e) {
                LOG.warn("{}: cannot remove the socket: {}", target, e.getMessage());
            }
        }
    }

    /** A socket is read once before the loop looks at the others. */
    static RecvByteBufAllocator oneReadAtATime() {
        return new AdaptiveRecvByteBufAllocator().maxMessagesPerRead(1);
    }

    private final class Accepted extends ChannelInitializer<Channel> {
        private final String target;
        private final boolean tls;
        private final boolean snoop;
        private final int probeMs;
        /** Event loop thread only. */
        private int present;

        Accepted(String target, boolean tls, boolean snoop, int probeMs) {
            this.target = target;
            this.tls = tls;
            this.snoop = snoop;
            this.probeMs = probeMs;
        }

        @Override
        protected void initChannel(Channel channel) {
            if (present >= MAX_CONNECTIONS) {
                if (shared.told().isDue("too many at " + target)) {
                    LOG.warn("{}: {}: more than {} connections, refused", bridge.name(), target, MAX_CONNECTIONS);
                }
                channel.close();
                return;
            }
            if (tls && !encrypt(channel)) {
                channel.close();
                return;
            }
            present++;
            channel.closeFuture().addListener(closed -> present--);
            if (snoop) {
                channel.pipeline().addLast(new OpenFlowFramer(), new Snooper());
            } else {
                channel.pipeline()
                        .addLast(
                                new OpenFlowFramer(),
                                new OpenFlowConnection(
                                        BridgeAgent.this, true, probeMs, OpenFlowConnection.GREETING_MS));
            }
        }
    }

    private boolean encrypt(Channel channel) {
        try {
            channel.pipeline().addLast(new SslHandler(shared.tls().server()));
            return true;
        } catch (IOException e) {
            if (shared.told().isDue("no certificate")) {
                LOG.warn("{}: a connection cannot be encrypted: {}", bridge.name(), e.getMessage());
            }
            return false;
        }
    }

    /**
     * Someone who watches. It greets and is greeted like a peer, and shown what others say from then on; what else it
     * says is thrown away.
     */
    private final class Snooper extends ChannelInboundHandlerAdapter {
        private @Nullable ScheduledFuture<?> patience;

        @Override
        public void channelActive(ChannelHandlerContext context) {
            ByteBuf out = context.alloc().buffer();
            AllowedVersions.ALL.writeHello(out, 1);
            context.writeAndFlush(out, context.voidPromise());
            patience = context.executor()
                    .schedule(() -> context.close(), OpenFlowConnection.GREETING_MS, TimeUnit.MILLISECONDS);
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            stopWaiting();
            snoopers.remove(context.channel());
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object received) {
            ReferenceCountUtil.release(received); // the first message is its hello, and any version will do
            stopWaiting();
            snoopers.add(context.channel());
        }

        private void stopWaiting() {
            if (patience != null) {
                patience.cancel(false);
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            context.close();
        }
    }

    // ---- what connections call ----

    String bridgeName() {
        return bridge.name();
    }

    AllowedVersions versions() {
        return versions;
    }

    Clock clock() {
        return shared.clock();
    }

    Shared shared() {
        return shared;
    }

    /** What a peer is called in the log, in Open vSwitch's words. */
    String nameOf(Channel channel) {
        SocketAddress peer = channel.remoteAddress();
        if (peer instanceof InetSocketAddress inet && inet.getAddress() != null) {
            String host = inet.getAddress().getHostAddress();
            String method = channel.pipeline().get(SslHandler.class) == null ? "tcp:" : "ssl:";
            return method + (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + inet.getPort();
        }
        String path = peer instanceof UnixDomainSocketAddress unix ? unix.toString() : "";
        return path.isEmpty() ? "unix#" + ++unixPeers : "unix:" + path;
    }

    RequestDispatcher dispatcher() {
        return dispatcher;
    }

    void opened(OpenFlowConnection connection) {
        connections.add(connection);
        if (closed) {
            connection.close();
        }
    }

    void greeted(OpenFlowConnection connection) {
        controllers.values().forEach(link -> link.greeted(connection));
        updateConnected();
        updateMisses();
    }

    void closed(OpenFlowConnection connection) {
        connections.remove(connection);
        controllers.values().forEach(link -> link.lost(connection));
        updateConnected();
        updateMisses();
        updateWatching();
    }

    /** To be called when a connection has come, gone or said what it wants. */
    void updateMisses() {
        boolean wanted = connections.stream().anyMatch(OpenFlowConnection::wantsMisses);
        if (wanted != wantsMisses) {
            wantsMisses = wanted;
            refreshSubscribers();
        }
    }

    // ---- changes of flows ----

    OpenFlowSwitch bridge() {
        return bridge;
    }

    long changesSeen() {
        return changesSeen;
    }

    /** Something that the peer may have asked for in vain. */
    interface Refusable {
        void run() throws OfException;
    }

    /**
     * Does something for the connection once every change of flows is told, from the next one on: at once if that is so
     * already, and otherwise while the connection's requests wait, for a change may be under way.
     */
    void watchFlows(OpenFlowConnection connection, Request request, Refusable action) throws OfException {
        if (watching) {
            action.run();
            return;
        }
        wantsFlowChanges = true;
        ByteBuf copy = Unpooled.copiedBuffer(request.message());
        connection.doElsewhere(() -> {
            long before = bridge.monitorPoint().changeNumber();
            bridge.refreshSubscribers();
            return () -> {
                watching = true;
                changesSeen = Math.max(changesSeen, before);
                try {
                    action.run();
                } catch (OfException refused) {
                    connection.error(copy, copy.getInt(Wire.XID_OFFSET), refused.code());
                }
            };
        });
    }

    /** To be called when monitors have come or gone. */
    void updateWatching() {
        boolean wanted = connections.stream().anyMatch(each -> !each.monitors().isEmpty());
        if (watching && !wanted) {
            watching = false;
            wantsFlowChanges = false;
            refreshSubscribers();
        }
    }

    /** Does something once that change has been told; waits for nothing if no changes are. */
    void whenSeen(long changeNumber, Runnable action) {
        if (!watching || changesSeen >= changeNumber) {
            action.run();
        } else {
            awaited.add(new Awaited(changeNumber, action));
        }
    }

    /** Whether the bridge changes faster than that is told. */
    boolean isFarBehind() {
        return watching && bridge.monitorPoint().changeNumber() - changesSeen > MAX_UNTOLD_CHANGES;
    }

    private void changed(FlowChanges changes) {
        changesSeen = changes.number();
        List.copyOf(connections).forEach(each -> each.monitors().changed(changes));
        while (!awaited.isEmpty() && awaited.element().changeNumber <= changesSeen) {
            awaited.remove().action.run();
        }
    }

    /** The bridge may be busy with a long change, and the loop must not wait for it. */
    private void refreshSubscribers() {
        if (closed) {
            return;
        }
        try {
            shared.elsewhere().execute(bridge::refreshSubscribers);
        } catch (RejectedExecutionException tooMuchToDo) {
            loop.schedule(this::refreshSubscribers, 1, TimeUnit.SECONDS);
        }
    }

    void report(OpenFlowConnection connection, @Nullable String error) {
        controllers.values().forEach(link -> link.failed(connection, error));
    }

    /** Tools do not count: only a controller keeps the bridge from falling back to standalone. */
    private void updateConnected() {
        boolean any = controllers.values().stream().anyMatch(ControllerLink::isConnected);
        if (any != anyConnected) {
            anyConnected = any;
            bridge.controllerConnected(any);
        }
    }

    void snoop(OpenFlowConnection connection, ByteBuf message) {
        if (connection.session().service || snoopers.isEmpty()) {
            return;
        }
        for (Channel snooper : snoopers) {
            if (snooper.isWritable()) {
                snooper.writeAndFlush(message.copy(), snooper.voidPromise());
            }
        }
    }

    void checkGeneration(long id) throws OfException {
        if (generationKnown && id - generationId < 0) {
            throw new OfException(OfErrorCode.OFPRRFC_STALE, "generation id " + Long.toUnsignedString(id));
        }
        generationKnown = true;
        generationId = id;
    }

    /** All ones while no controller has given one. */
    long generationId() {
        return generationKnown ? generationId : -1L;
    }

    /** Whether anybody else wants to know what this connection changes. */
    boolean forwards(OpenFlowConnection source, int reason) {
        return connections.stream().anyMatch(other -> other != source && other.wantsForwarded(reason));
    }

    /**
     * OFPT_REQUESTFORWARD: tells the other connections of what this one has changed, if they want to know.
     *
     * @param reason the bit of {@link AsyncMasks.Kind#REQUESTFORWARD}
     * @param first the first version that has such requests
     * @param writer writes the request under the version of who is told
     */
    void forward(OpenFlowConnection source, int reason, WireVersion first, BiConsumer<ByteBuf, WireVersion> writer) {
        for (OpenFlowConnection other : List.copyOf(connections)) {
            if (other != source
                    && other.isReady()
                    && other.session().agreedVersion().isAtLeast(first)) {
                other.requestForward(reason, writer);
            }
        }
    }

    void setRole(OpenFlowConnection connection, Role role) {
        if (role == Role.MASTER) {
            for (OpenFlowConnection other : connections) {
                if (other != connection && other.session().role == Role.MASTER) {
                    other.demoted(generationId());
                }
            }
        }
        connection.session().role = role;
    }

    // ---- what the bridge reports ----

    private final class FromBridge implements OpenFlowSwitch.Events {
        @Override
        public void packetIn(PacketIn packet) {
            boolean room = backlog.offerPacket(packet.frame().length, () -> {
                boolean slow = false;
                for (OpenFlowConnection connection : connections) {
                    slow |= !connection.packetIn(packet);
                }
                if (slow) {
                    shared.droppedPacketIns().increment();
                }
            });
            if (!room) {
                shared.droppedPacketIns().increment();
            }
        }

        @Override
        public boolean wantsPacketInOnMiss() {
            return wantsMisses;
        }

        @Override
        public void flowRemoved(FlowStats flow, FlowRemovedReason reason) {
            if (flow.flags().contains(FlowMod.Flag.SEND_FLOW_REM)) {
                flowsRemoved(List.of(flow), reason);
            }
        }

        @Override
        public void flowsRemoved(List<FlowStats> flows, FlowRemovedReason reason) {
            backlog.put(() -> List.copyOf(connections).forEach(c -> c.flowsRemoved(flows, reason)));
        }

        @Override
        public void portStatus(OfPort port, PortStatusReason reason) {
            OFPortReason named = switch (reason) {
                case ADD -> OFPortReason.ADD;
                case DELETE -> OFPortReason.DELETE;
                case MODIFY -> OFPortReason.MODIFY;
            };
            backlog.put(() -> List.copyOf(connections).forEach(c -> c.portStatus(port, named)));
        }

        @Override
        public boolean wantsFlowChanges() {
            return wantsFlowChanges;
        }

        @Override
        public void flowsChanged(FlowChanges changes) {
            backlog.put(() -> changed(changes));
        }

        @Override
        public void tableStatus(TableDescription table, TableStatusReason reason) {
            backlog.put(() -> List.copyOf(connections).forEach(c -> c.tableStatus(table, reason)));
        }
    }
}
