package io.turnstile.openflow;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.ScheduledFuture;
import io.turnstile.openflow.wire.AsyncCodec;
import io.turnstile.openflow.wire.ErrorCodec;
import io.turnstile.openflow.wire.TableModCodec;
import io.turnstile.openflow.wire.Wire;
import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.pipeline.OfPort;
import io.turnstile.pipeline.OpenFlowSwitch.FlowStats;
import io.turnstile.pipeline.OpenFlowSwitch.PacketIn;
import io.turnstile.pipeline.OpenFlowSwitch.TableDescription;
import io.turnstile.pipeline.TableStatusReason;
import io.turnstile.pipeline.flow.FlowRemovedReason;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Supplier;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import org.projectfloodlight.openflow.protocol.OFPortReason;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * One connection, of a controller or a tool, which is called the peer here as in Netty: greets, agrees on a version,
 * has requests done one after the other, and sends what the peer wants unasked.
 *
 * <p>Requests wait in a queue that holds what one read of the socket brought, and the socket is not read while it holds
 * anything. They are done in turns of {@link #REQUESTS_PER_TURN}, between which all other connections have theirs, and
 * none while the peer does not read its answers. Event loop thread only.
 */
final class OpenFlowConnection extends ChannelInboundHandlerAdapter implements UnsentBudget.Holder {
    private static final Logger LOG = LoggerFactory.getLogger(OpenFlowConnection.class);
    /** By the name of Open vSwitch's module, which those who look for probes know. */
    private static final Logger RCONN = LoggerFactory.getLogger("io.turnstile.openflow.rconn");

    /** As many as Open vSwitch does at once. */
    private static final int REQUESTS_PER_TURN = 50;
    /** A turn also ends with the request that goes beyond this. */
    private static final long TURN_NS = TimeUnit.MILLISECONDS.toNanos(5);
    /** So many are sent at once, whether the peer reads or not. */
    private static final int FEW_FLOWS = 64;
    /** A peer that has not been told of so many ended flows is taken for dead rather than slow. */
    private static final int UNTOLD_LIMIT = 2_000_000;
    /** How often it is looked whether the peer is silent; more often if it is to be probed more often. */
    private static final long LOOK_MS = 1000;
    /** A tool that connects has greeted by then, or is cut off, as by Open vSwitch. */
    static final int GREETING_MS = 1000;

    // These are understood whatever version is agreed on: all versions give them the same number.
    private static final int HELLO = MessageType.HELLO.number(WireVersion.OF10);
    private static final int ERROR = MessageType.ERROR.number(WireVersion.OF10);
    private static final int ECHO_REQUEST = MessageType.ECHO_REQUEST.number(WireVersion.OF10);
    private static final int ECHO_REPLY = MessageType.ECHO_REPLY.number(WireVersion.OF10);

    private final BridgeAgent agent;
    private final Session session;
    private final FlowMonitors monitors;
    private final int inactivityProbeMs;
    private final int greetingMs;
    private final ArrayDeque<ByteBuf> waiting = new ArrayDeque<>();
    // Null until connected.
    private @Nullable Channel channel;
    private @Nullable ReplyPump pump;
    private UnsentBudget.@Nullable Share unsent;
    private @Nullable ScheduledFuture<?> looking;

    private String peer = "";
    private boolean inTurn;
    /** A request is being done on another thread, and the next wait for it. */
    private boolean held;

    private boolean turnQueued;
    /** Nothing more is heard: an error has been sent that is the last word. */
    private boolean ended;

    private long openedNs;
    private long lastHeardNs;
    private boolean probed;
    private long lookedRealNs;
    // How far sending had come when it was last looked: the message, and how much of it.
    private @Nullable Object sending;
    private long sentOfItBytes;

    /**
     * @param service whether it is a tool's
     * @param inactivityProbeMs silence after which the peer is asked for a sign of life; 0: never
     * @param greetingMs how long the peer may take to greet
     */
    OpenFlowConnection(BridgeAgent agent, boolean service, int inactivityProbeMs, int greetingMs) {
        this.agent = agent;
        this.session = new Session(service);
        this.monitors = new FlowMonitors(agent.bridge(), this, new Monitoring());
        this.inactivityProbeMs = inactivityProbeMs;
        this.greetingMs = greetingMs;
    }

    Session session() {
        return session;
    }

    FlowMonitors monitors() {
        return monitors;
    }

    /** True once the version is agreed. */
    boolean isReady() {
        return session.version != null && channel().isActive();
    }

    private Channel channel() {
        return Objects.requireNonNull(channel, "nothing is received or sent before the channel is active");
    }

    private ReplyPump pump() {
        return Objects.requireNonNull(pump, "nothing is received or sent before the channel is active");
    }

    void close() {
        if (channel != null) {
            channel.close();
        }
    }

    // ---- life ----

    @Override
    public void channelActive(ChannelHandlerContext context) {
        Channel opened = context.channel();
        channel = opened;
        pump = new ReplyPump(opened, this::answered, this::replyFailed);
        unsent = agent.shared().unsent().join(this);
        peer = agent.nameOf(opened);
        openedNs = agent.clock().nowNs();
        lastHeardNs = openedNs;
        agent.opened(this);
        ByteBuf out = opened.alloc().buffer();
        agent.versions().writeHello(out, 1);
        send(out);
        long everyMs = inactivityProbeMs > 0 ? Math.min(LOOK_MS, inactivityProbeMs) : LOOK_MS;
        lookedRealNs = System.nanoTime();
        looking = context.executor().scheduleAtFixedRate(() -> look(everyMs), everyMs, everyMs, TimeUnit.MILLISECONDS);
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        if (looking != null) {
            looking.cancel(false);
        }
        if (unsent != null) {
            unsent.leave();
        }
        pump().close();
        monitors.close();
        session.discardAll();
        waiting.forEach(ByteBuf::release);
        waiting.clear();
        agent.closed(this);
    }

    /** Drops the bundles whose time is over by now. */
    void dropIdleBundles() {
        if (channel().isActive()) {
            lookAtBundles(agent.clock().nowNs());
        }
    }

    private void lookAtBundles(long nowNs) {
        if (isBusy() || !waiting.isEmpty()) {
            touchBundles(nowNs); // what the peer says of them may be waiting for us
        } else {
            expireBundles(nowNs);
        }
    }

    /** Looks whether the peer is silent. */
    private void look(long everyMs) {
        long realNs = System.nanoTime();
        boolean late = realNs - lookedRealNs > TimeUnit.MILLISECONDS.toNanos(2 * everyMs);
        lookedRealNs = realNs;
        if (!channel().isActive() || late || held) {
            return; // Where the loop was held up, what was said meanwhile is still to be read.
        }
        long nowNs = agent.clock().nowNs();
        if (session.version == null) {
            if (nowNs - openedNs >= TimeUnit.MILLISECONDS.toNanos(greetingMs)) {
                giveUp(Level.INFO, "connection timed out", "Connection timed out");
            }
            return;
        }
        lookAtBundles(nowNs);
        if (hasSentMore() && !probed) {
            lastHeardNs = nowNs; // it reads what it has asked for
        }
        if (inactivityProbeMs > 0) {
            probe(nowNs);
        }
    }

    /** Whether the peer has taken some of what was waiting for it when it was last looked. */
    private boolean hasSentMore() {
        ChannelOutboundBuffer buffer = channel().unsafe().outboundBuffer();
        Object next = buffer == null ? null : buffer.current();
        long sentOfNextBytes = buffer == null || next == null ? 0 : buffer.currentProgress();
        boolean more = sending != null && (next != sending || sentOfNextBytes != sentOfItBytes);
        sending = next;
        sentOfItBytes = sentOfNextBytes;
        return more;
    }

    /** Sends an echo after one silent interval and gives up after the second. */
    private void probe(long nowNs) {
        long patienceNs = TimeUnit.MILLISECONDS.toNanos(inactivityProbeMs) * (probed ? 2 : 1);
        if (nowNs - lastHeardNs < patienceNs) {
            return;
        }
        if (probed) {
            giveUp(
                    Level.ERROR,
                    "no response to inactivity probe after %d seconds, disconnecting"
                            .formatted(TimeUnit.MILLISECONDS.toSeconds(inactivityProbeMs)),
                    "no response to inactivity probe");
        } else {
            probed = true;
            RCONN.debug(
                    "{}: idle {} seconds, sending inactivity probe",
                    this,
                    TimeUnit.NANOSECONDS.toSeconds(nowNs - lastHeardNs));
            send(MessageType.ECHO_REQUEST, empty -> {});
        }
    }

    private void giveUp(Level level, String why, String status) {
        if (agent.shared().told().isDue(agent.bridgeName() + " " + status)) {
            LOG.atLevel(level).log("{}: {}", this, why);
        }
        agent.report(this, status);
        channel().close();
    }

    private void touchBundles(long nowNs) {
        session.bundles.values().forEach(bundle -> bundle.touch(nowNs));
    }

    private void expireBundles(long nowNs) {
        if (session.bundles.isEmpty()) {
            return;
        }
        long idleNs = agent.shared().bundleIdleNs();
        List<Integer> idle = session.bundles.entrySet().stream()
                .filter(bundle -> bundle.getValue().isIdle(nowNs, idleNs))
                .map(Map.Entry::getKey)
                .toList();
        for (int id : idle) {
            ByteBuf opening = Objects.requireNonNull(session.bundles.get(id)).opening();
            error(opening, opening.getInt(Wire.XID_OFFSET), OfErrorCode.OFPBFC_TIMEOUT);
            session.discard(id);
        }
    }

    /** As {@code bridge<->peer}, which is how Open vSwitch names it. */
    @Override
    public String toString() {
        return agent.bridgeName() + "<->" + peer;
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable thrown) {
        // What a decoder throws is wrapped; that no encryption comes about is the peer's trouble as much as ours.
        Throwable cause = thrown.getCause() instanceof SSLException refused ? refused : thrown;
        if (!(cause instanceof IOException) && agent.shared().told().isDue("closing", cause)) {
            LOG.warn("{}: closing an OpenFlow connection", this, cause);
        }
        agent.report(this, cause.getMessage());
        context.close();
    }

    // ---- what is not sent yet ----

    @Override
    public long unsentBytes() {
        ChannelOutboundBuffer buffer = channel == null ? null : channel.unsafe().outboundBuffer();
        ReplyPump present = pump;
        return (buffer == null ? 0 : buffer.totalPendingWriteBytes()) + (present == null ? 0 : present.heldBytes());
    }

    @Override
    public void cutOff(long unsentBytes, long allUnsentBytes) {
        LOG.warn(
                "{}: disconnecting a peer that does not read: {} bytes wait for it, role {}; {} wait for all peers,"
                        + " of {} that may",
                this,
                unsentBytes,
                session.role.label(),
                allUnsentBytes,
                agent.shared().unsent().limitBytes());
        Channel greedy = channel();
        greedy.eventLoop().execute(() -> {
            agent.report(this, "peer does not read");
            greedy.close();
        });
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        if (context.channel().isWritable()) {
            pump().goOn();
            queueTurn(); // not at once: who flushes is in the middle of something
        }
    }

    // ---- requests ----

    @Override
    public void channelRead(ChannelHandlerContext context, Object received) {
        waiting.add((ByteBuf) received);
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        if (!turnQueued) {
            takeTurn();
        }
    }

    /** After everybody else's: a task that is scheduled comes after the loop has looked at all sockets again. */
    private void queueTurn() {
        if (!turnQueued && !inTurn) {
            turnQueued = true;
            channel().eventLoop().schedule(this::takeTurn, 0, TimeUnit.NANOSECONDS);
        }
    }

    private void takeTurn() {
        turnQueued = false;
        inTurn = true;
        long startNs = System.nanoTime();
        try {
            for (int i = 0; i < REQUESTS_PER_TURN && mayGoOn() && System.nanoTime() - startNs < TURN_NS; i++) {
                take(waiting.remove());
            }
        } catch (Throwable e) { // contained: requests answer for themselves, so it is this connection that is broken
            channel().pipeline().fireExceptionCaught(e);
        } finally {
            inTurn = false;
        }
        if (mayGoOn()) {
            queueTurn();
        }
        channel().config().setAutoRead(waiting.isEmpty() && channel().isWritable() && !isBusy());
    }

    /** Whether there is a request, and room for its answer. */
    private boolean mayGoOn() {
        return !waiting.isEmpty() && channel().isWritable() && !isBusy();
    }

    /** Whether a request is not answered yet, and the next have to wait. */
    private boolean isBusy() {
        return held || pump().isBusy();
    }

    /**
     * Has a request done on another thread, because it would hold up other connections here. The next request waits
     * until it is answered.
     *
     * @param work does it, must not throw, and returns what answers it; that is run here
     */
    void doElsewhere(Supplier<Runnable> work) {
        EventLoop loop = channel().eventLoop();
        held = true;
        try {
            agent.shared().elsewhere().execute(() -> {
                Runnable answer = resultOf(work);
                if (!loop.isShuttingDown()) {
                    loop.execute(() -> goOn(answer));
                }
            });
        } catch (RuntimeException | Error e) { // there is no thread for it
            held = false;
            throw e;
        }
    }

    /** Whoever cannot even be told is disconnected. */
    private Runnable resultOf(Supplier<Runnable> work) {
        try {
            return work.get();
        } catch (Throwable e) { // contained: or the connection would wait for ever
            return () -> replyFailed(e);
        }
    }

    private void goOn(Runnable answer) {
        held = false;
        lastHeardNs = agent.clock().nowNs();
        try {
            answer.run();
        } finally {
            answered();
        }
    }

    /**
     * Answers a request when those who watch flows have been told of everything that has changed so far, while the next
     * requests wait.
     */
    void answerAfterChanges(Runnable answer) {
        if (monitors.isEmpty()) {
            answer.run();
            return;
        }
        waitForChanges(
                agent.bridge().monitorPoint().changeNumber(), () -> pump().start(LongReply.once(answer, () -> {})));
    }

    /** Has the next requests wait if this one changed more than can be told. */
    void keepPace() {
        if (agent.isFarBehind()) {
            waitForChanges(agent.bridge().monitorPoint().changeNumber(), () -> {});
        }
    }

    private void waitForChanges(long changeNumber, Runnable then) {
        held = true;
        agent.whenSeen(changeNumber, () -> goOn(then));
    }

    /** Requests need not wait any more; what they say of bundles was said in time. */
    private void answered() {
        touchBundles(agent.clock().nowNs());
        queueTurn();
    }

    private void take(ByteBuf message) {
        try {
            if (ended) {
                return;
            }
            lastHeardNs = agent.clock().nowNs();
            probed = false;
            agent.snoop(this, message);
            if (session.version == null) {
                greet(message);
            } else {
                request(message);
            }
        } finally {
            message.release();
        }
    }

    private void greet(ByteBuf message) {
        int type = message.getUnsignedByte(message.readerIndex() + Wire.TYPE_OFFSET);
        if (type != HELLO) {
            ended = true;
            giveUp(Level.WARN, "received message while expecting hello: type " + type, "Protocol error");
            return;
        }
        AllowedVersions ours = agent.versions();
        AllowedVersions theirs = AllowedVersions.offeredBy(message);
        WireVersion agreed = ours.agreeWith(theirs);
        if (agreed == null) {
            if (agent.shared().told().isDue(agent.bridgeName() + " no common version")) {
                LOG.warn("{}: version negotiation failed (we support {}, peer supports {})", this, ours, theirs);
            }
            ByteBuf out = channel().alloc().buffer();
            ErrorCodec.writeHelloFailed(
                    out, theirs.newest(), "We support %s, you support %s, no common versions.".formatted(ours, theirs));
            agent.report(this, "Protocol error");
            ended = true;
            channel().writeAndFlush(out).addListener(ChannelFutureListener.CLOSE);
            return;
        }
        session.version = agreed;
        session.async = AsyncMasks.standard(agreed);
        agent.greeted(this);
    }

    private void request(ByteBuf message) {
        int type = message.getUnsignedByte(message.readerIndex() + Wire.TYPE_OFFSET);
        if (type == HELLO || type == ERROR) {
            return; // a second hello changes nothing, and an error is never answered by one
        }
        int xid = message.getInt(message.readerIndex() + Wire.XID_OFFSET);
        try {
            boolean echo = type == ECHO_REQUEST || type == ECHO_REPLY;
            int version = message.getUnsignedByte(message.readerIndex());
            if (version != session.agreedVersion().code() && !echo) {
                refuseVersion(message, version, xid);
                return;
            }
            agent.dispatcher().handle(message, this, new ReplyTo(xid));
        } catch (OfException refused) {
            LOG.debug("{}: request {} refused: {}", agent.bridgeName(), type, refused.getMessage());
            error(message, xid, refused.code());
        } catch (Throwable bug) { // contained: errors too, for a stack can be too small for one request alone
            requestFailed("type " + type, bug);
            error(message, xid, OfErrorCode.OFPBRC_EPERM);
        }
    }

    /** Whoever speaks another version than agreed on is told so in that one, if there is such a version. */
    private void refuseVersion(ByteBuf message, int version, int xid) {
        int agreed = session.agreedVersion().code();
        if (agent.shared().told().isDue(agent.bridgeName() + " version " + version)) {
            LOG.warn("{}: received OpenFlow version 0x%02x != expected %02x".formatted(version, agreed), this);
        }
        WireVersion said = WireVersion.of(version).orElse(session.agreedVersion());
        error(message, xid, OfErrorCode.OFPBRC_BAD_VERSION, said);
    }

    /** A request failed through no fault of the peer's. Threads: any. */
    void requestFailed(String request, Throwable bug) {
        if (agent.shared().told().isDue("request", bug)) {
            LOG.error("{}: request {} failed", this, request, bug);
        }
        agent.requestFailed(bug);
    }

    /** What has been sent of a reply cannot be completed. */
    private void replyFailed(Throwable bug) {
        requestFailed("of many answers", bug);
        channel().close();
    }

    /** Answers a request, of which this is a copy or the message itself, by an error. */
    void error(ByteBuf request, int xid, OfErrorCode code) {
        error(request, xid, code, session.agreedVersion());
    }

    private void error(ByteBuf request, int xid, OfErrorCode code, WireVersion version) {
        ByteBuf out = channel().alloc().buffer();
        ErrorCodec.write(out, version, xid, code, request);
        send(out);
    }

    /** Sends what was not asked for, under transaction id 0. */
    private void send(MessageType type, Consumer<ByteBuf> body) {
        ByteBuf out = channel().alloc().buffer();
        MessageFraming.write(out, type, session.agreedVersion(), 0, body);
        send(out);
    }

    private void send(ByteBuf out) {
        agent.snoop(this, out);
        channel().writeAndFlush(out, channel().voidPromise());
        if (unsent != null) {
            unsent.grown();
        }
    }

    // ---- what is sent unasked ----

    /** A tool gets nothing unasked before it has set a miss_send_len. */
    private boolean wants(AsyncMasks.Kind kind, int reason) {
        return isReady()
                && !(session.service && session.missSendLengthBytes == 0)
                && session.async.wants(kind, session.role, reason);
    }

    /** Whether it is to hear of packets that no flow matches, which from 1.3 on a flow is there for. */
    boolean wantsMisses() {
        WireVersion version = session.version;
        return version != null
                && !version.isAtLeast(WireVersion.OF13)
                && session.controllerId == 0
                && isReady()
                && !(session.service && session.missSendLengthBytes == 0);
    }

    /** What it wants unasked has changed. */
    void wishesChanged() {
        agent.updateMisses();
    }

    /** Sends a packet to a controller that wants it; false if that one is too slow and the packet was dropped. */
    boolean packetIn(PacketIn packet) {
        WireVersion version = session.version;
        if (version == null
                || !packet.reason().isToldTo(version.code())
                || !wants(AsyncMasks.Kind.PACKET_IN, packet.reason().maskBitIn(version.code()))
                || session.controllerId != packet.controllerId()) {
            return true;
        }
        if (!channel().isWritable()) {
            return false;
        }
        switch (session.packetInFormat) {
            case STANDARD -> send(MessageType.PACKET_IN, out -> AsyncCodec.packetIn(out, version, packet));
            case NXM -> send(MessageType.NXT_PACKET_IN, out -> AsyncCodec.packetInNxm(out, version, packet));
            case NXM2 -> send(MessageType.NXT_PACKET_IN2, out -> AsyncCodec.packetInNxm2(out, version, packet));
        }
        return true;
    }

    /**
     * Not dropped, nor is a port's change: a peer that reads neither is cut off when all that is unsent is too much.
     * Many at once are sent as the peer takes them; as in Open vSwitch its requests wait meanwhile, or it could have
     * flows removed without end.
     *
     * @param flows each made when it is asked for
     */
    void flowsRemoved(List<FlowStats> flows, FlowRemovedReason reason) {
        if (!wants(AsyncMasks.Kind.FLOW_REMOVED, reason.number())) {
            return;
        }
        if (flows.size() <= FEW_FLOWS && !pump().isBusy()) {
            flows.forEach(flow -> flowRemoved(flow, reason));
        } else if (pump().isBusy() && pump().waitingItems() + flows.size() > UNTOLD_LIMIT) {
            giveUp(Level.WARN, "disconnecting a peer that does not read which flows have ended", "peer does not read");
        } else {
            pump().start(new RemovedFlows(flows, flow -> flowRemoved(flow, reason)));
        }
    }

    private void flowRemoved(FlowStats flow, FlowRemovedReason reason) {
        if (session.nxmFlowFormat && session.version == WireVersion.OF10) {
            send(MessageType.NXT_FLOW_REMOVED, out -> AsyncCodec.flowRemovedNxm(out, flow, reason));
        } else {
            send(MessageType.FLOW_REMOVED, out -> AsyncCodec.flowRemoved(out, session.agreedVersion(), flow, reason));
        }
    }

    void portStatus(OfPort port, OFPortReason reason) {
        if (wants(AsyncMasks.Kind.PORT_STATUS, reason.ordinal())) {
            ByteBuf out = channel().alloc().buffer();
            session.agreedVersion()
                    .factory()
                    .buildPortStatus()
                    .setReason(reason)
                    .setDesc(PortMessages.describe(port, session.agreedVersion()))
                    .build()
                    .writeTo(out);
            send(out);
        }
    }

    /**
     * OFPT_ROLE_STATUS: another connection became master (OpenFlow 1.5.1 §7.4.4). As from Open vSwitch, whatever the
     * masks say.
     */
    void demoted(long generationId) {
        session.role = Role.SLAVE;
        if (isReady() && session.agreedVersion().isAtLeast(WireVersion.OF13)) {
            send(
                    session.version == WireVersion.OF13 ? MessageType.ONFT_ROLE_STATUS : MessageType.ROLE_STATUS,
                    out -> out.writeInt(session.role.code()).writeInt(0).writeLong(generationId));
        }
    }

    /** OFPT_TABLE_STATUS, since 1.4. */
    void tableStatus(TableDescription table, TableStatusReason reason) {
        if (wants(AsyncMasks.Kind.TABLE_STATUS, reason.number())
                && session.agreedVersion().hasProperties()) {
            send(MessageType.TABLE_STATUS, out -> TableModCodec.writeStatus(out, table, reason));
        }
    }

    boolean wantsForwarded(int reason) {
        return wants(AsyncMasks.Kind.REQUESTFORWARD, reason);
    }

    /** OFPT_REQUESTFORWARD, and what earlier versions have instead. */
    void requestForward(int reason, BiConsumer<ByteBuf, WireVersion> writer) {
        if (wantsForwarded(reason)) {
            WireVersion version = session.agreedVersion();
            MessageType type = switch (version) {
                case OF10, OF11, OF12 -> MessageType.NXT_REQUESTFORWARD;
                case OF13 -> MessageType.ONFT_REQUESTFORWARD;
                case OF14, OF15 -> MessageType.REQUESTFORWARD;
            };
            send(type, out -> writer.accept(out, version));
        }
    }

    /** How flow monitors speak. */
    private final class Monitoring implements FlowMonitors.Peer {
        @Override
        public Reply unasked(Consumer<ByteBuf> sender) {
            return new ReplyTo(0) {
                @Override
                public void send(ByteBuf message) {
                    sender.accept(message);
                }
            };
        }

        @Override
        public void start(LongReply reply) {
            pump().start(reply);
            if (unsent != null) {
                unsent.grown();
            }
        }

        @Override
        public void send(ByteBuf message, Runnable left) {
            agent.snoop(OpenFlowConnection.this, message);
            channel().writeAndFlush(message).addListener(sent -> {
                if (sent.isSuccess()) {
                    channel().eventLoop().execute(left); // not at once: who flushes is in the middle of something
                }
            });
            if (unsent != null) {
                unsent.grown();
            }
        }
    }

    /** Answers on this connection. */
    private class ReplyTo implements Reply {
        private final int xid;

        ReplyTo(int xid) {
            this.xid = xid;
        }

        @Override
        public WireVersion version() {
            return session.agreedVersion();
        }

        @Override
        public int xid() {
            return xid;
        }

        @Override
        public ByteBuf buffer() {
            return channel().alloc().buffer();
        }

        @Override
        public void sendGradually(LongReply reply) {
            pump().start(reply);
        }

        @Override
        public void send(ByteBuf message) {
            OpenFlowConnection.this.send(message);
        }
    }
}
