package io.turnstile.openflow;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOutboundBuffer;
import io.turnstile.openflow.wire.AsyncCodec;
import io.turnstile.openflow.wire.AsyncCodec.PacketIn;
import io.turnstile.openflow.wire.ErrorCodec;
import io.turnstile.openflow.wire.Wire;
import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.pipeline.OfPort;
import io.turnstile.pipeline.OpenFlowSwitch.FlowStats;
import io.turnstile.pipeline.flow.FlowRemovedReason;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import io.turnstile.pipeline.flow.PacketInReason;
import java.io.IOException;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.projectfloodlight.openflow.protocol.OFPortReason;
import org.projectfloodlight.openflow.types.U32;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection, of a controller or a tool, which is called the peer here as in Netty: greets, agrees on a version,
 * has requests done one after the other, and sends what the peer wants unasked. While a peer does not read its answers,
 * its requests are not read either. Event loop thread only.
 */
final class OpenFlowConnection extends ChannelInboundHandlerAdapter {
    private static final Logger LOG = LoggerFactory.getLogger(OpenFlowConnection.class);
    // These two are understood before a version is agreed on: all versions give them the same number.
    private static final int HELLO = MessageType.HELLO.number(WireVersion.OF10);
    private static final int ERROR = MessageType.ERROR.number(WireVersion.OF10);
    private static final int HELLO_BITMAP = 1;
    /** With this much unsent, a peer is taken for dead rather than slow. */
    private static final long UNSENT_LIMIT_BYTES = 64L << 20;
    /** The same for ended flows that it has not been told of. */
    private static final int UNTOLD_LIMIT = 2_000_000;

    private final BridgeAgent agent;
    private final Session session;
    private final int inactivityProbeMs;
    /** Null until connected. */
    private @Nullable Channel channel;
    /** Null until connected. */
    private @Nullable ReplyPump pump;

    private long lastHeardNs;
    private boolean probed;

    OpenFlowConnection(BridgeAgent agent, boolean service, int inactivityProbeMs) {
        this.agent = agent;
        this.session = new Session(service);
        this.inactivityProbeMs = inactivityProbeMs;
    }

    Session session() {
        return session;
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
        pump = new ReplyPump(opened, this::take, this::replyFailed, this::heard);
        lastHeardNs = agent.clock().nowNs();
        agent.opened(this);
        var factory = WireVersion.newest().factory();
        ByteBuf out = opened.alloc().buffer();
        factory.buildHello()
                .setXid(1)
                .setElements(List.of(factory.buildHelloElemVersionbitmap()
                        .setBitmaps(List.of(U32.of(WireVersion.bitmap())))
                        .build()))
                .build()
                .writeTo(out);
        send(out);
        if (inactivityProbeMs > 0) {
            context.executor()
                    .scheduleAtFixedRate(this::probe, inactivityProbeMs, inactivityProbeMs, TimeUnit.MILLISECONDS);
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        pump().close();
        agent.closed(this);
    }

    /** Sends an echo after one silent interval and gives up after the second. */
    private void probe() {
        if (pump().isAside()) {
            heard(); // The peer waits, not we.
        }
        long patienceNs = TimeUnit.MILLISECONDS.toNanos(inactivityProbeMs) * (probed ? 2 : 1);
        if (!channel().isActive() || agent.clock().nowNs() - lastHeardNs < patienceNs) {
            return;
        }
        if (probed) {
            agent.report(this, "no response to inactivity probe");
            channel().close();
        } else if (isReady()) {
            probed = true;
            send(MessageType.ECHO_REQUEST, empty -> {});
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        if (!(cause instanceof IOException)) {
            LOG.warn("{}: closing an OpenFlow connection", agent.bridgeName(), cause);
        }
        agent.report(this, cause.getMessage());
        context.close();
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        pump().writabilityChanged();
    }

    // ---- requests ----

    @Override
    public void channelRead(ChannelHandlerContext context, Object received) {
        heard();
        if (pump().isBusy()) {
            pump().hold((ByteBuf) received);
        } else {
            take((ByteBuf) received);
        }
    }

    private void heard() {
        lastHeardNs = agent.clock().nowNs();
        probed = false;
    }

    private void take(ByteBuf message) {
        try {
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
        int theirVersion = message.getUnsignedByte(message.readerIndex());
        int type = message.getUnsignedByte(message.readerIndex() + Wire.TYPE_OFFSET);
        WireVersion agreed = type == HELLO ? WireVersion.highest(offered(message, theirVersion)) : null;
        if (agreed == null) {
            ByteBuf out = channel().alloc().buffer();
            ErrorCodec.writeHelloFailed(
                    out,
                    Math.min(theirVersion, WireVersion.newest().code()),
                    message.getInt(message.readerIndex() + Wire.XID_OFFSET),
                    "We support versions " + WireVersion.allCodes() + ".");
            agent.report(this, "no common OpenFlow version");
            channel().writeAndFlush(out).addListener(ChannelFutureListener.CLOSE);
            return;
        }
        session.version = agreed;
        agent.greeted(this);
    }

    /** The hello's bitmap; without one, all versions up to that of the header (OpenFlow 1.3.5 §7.5.1). */
    private static int offered(ByteBuf hello, int headerVersion) {
        int at = hello.readerIndex() + Wire.HEADER_BYTES;
        int end = hello.readerIndex() + hello.readableBytes();
        while (at + 4 <= end) {
            int type = hello.getUnsignedShort(at);
            int length = hello.getUnsignedShort(at + 2);
            if (length < 4 || at + length > end) {
                break;
            }
            if (type == HELLO_BITMAP && length >= 8) {
                return hello.getInt(at + 4);
            }
            at += length + 7 & ~7;
        }
        return (2 << Math.min(headerVersion, 30)) - 1;
    }

    private void request(ByteBuf message) {
        int type = message.getUnsignedByte(message.readerIndex() + Wire.TYPE_OFFSET);
        if (type == HELLO || type == ERROR) {
            return; // a second hello changes nothing, and an error is never answered by one
        }
        int xid = message.getInt(message.readerIndex() + Wire.XID_OFFSET);
        try {
            if (message.getUnsignedByte(message.readerIndex())
                    != session.agreedVersion().code()) {
                throw new OfException(OfErrorCode.OFPBRC_BAD_VERSION, "not the version agreed on");
            }
            agent.dispatcher().handle(message, this, new ReplyTo(message, xid));
        } catch (OfException | RuntimeException failure) {
            refuse(message, failure);
        }
    }

    /** Answers a request that failed, through its own fault or the switch's. */
    private void refuse(ByteBuf message, Exception failure) {
        int type = message.getUnsignedByte(message.readerIndex() + Wire.TYPE_OFFSET);
        int xid = message.getInt(message.readerIndex() + Wire.XID_OFFSET);
        if (failure instanceof OfException refused) {
            LOG.debug("{}: request {} refused: {}", agent.bridgeName(), type, refused.getMessage());
            error(message, xid, refused.code());
        } else {
            LOG.error("{}: request {} failed", agent.bridgeName(), type, failure);
            agent.requestFailed(failure instanceof RuntimeException bug ? bug : new IllegalStateException(failure));
            error(message, xid, OfErrorCode.OFPBRC_EPERM);
        }
    }

    /** What has been sent of the reply cannot be completed. */
    private void replyFailed(RuntimeException bug) {
        LOG.error("{}: a reply failed", agent.bridgeName(), bug);
        agent.requestFailed(bug);
        channel().close();
    }

    private void error(ByteBuf request, int xid, OfErrorCode code) {
        ByteBuf out = channel().alloc().buffer();
        ErrorCodec.write(out, session.agreedVersion(), xid, code, request);
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
    }

    // ---- what is sent unasked ----

    /** A tool gets nothing unasked before it has set a miss_send_len. */
    private boolean wants(int[] masks, int reason) {
        return isReady()
                && !(session.service && session.missSendLengthBytes == 0)
                && AsyncMasks.wants(masks, session.role, reason);
    }

    /** Sends a packet to a controller that wants it; false if that one is too slow and the packet was dropped. */
    boolean packetIn(byte[] frame, PacketInReason reason, int tableId, long cookie, int controllerId, Match metadata) {
        if (!wants(session.async.packetIn, reason.number()) || session.controllerId != controllerId) {
            return true;
        }
        if (!channel().isWritable()) {
            return false;
        }
        PacketIn packet = new PacketIn(frame, reason, tableId, cookie, metadata);
        WireVersion version = session.agreedVersion();
        switch (session.packetInFormat) {
            case STANDARD -> send(MessageType.PACKET_IN, out -> AsyncCodec.packetIn(out, version, packet));
            case NXM -> send(MessageType.NXT_PACKET_IN, out -> AsyncCodec.packetInNxm(out, version, packet));
            case NXM2 -> send(MessageType.NXT_PACKET_IN2, out -> AsyncCodec.packetInNxm2(out, version, packet));
        }
        return true;
    }

    /** @param flows each made when it is asked for */
    void flowsRemoved(List<FlowStats> flows, FlowRemovedReason reason) {
        if (wants(session.async.flowRemoved, reason.number()) && keepsUp()) {
            // As in Open vSwitch the peer's requests wait meanwhile, or it could have flows removed without end.
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
        if (wants(session.async.portStatus, reason.ordinal()) && keepsUp()) {
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

    /** OFPT_ROLE_STATUS: another connection became master (OpenFlow 1.5.1 §7.4.4). */
    void demoted(long generationId) {
        session.role = Role.SLAVE;
        if (isReady() && session.version == WireVersion.OF15) {
            send(
                    MessageType.ROLE_STATUS,
                    out -> out.writeInt(session.role.code()).writeInt(0).writeLong(generationId));
        }
    }

    /** Flow-removed and port-status are not dropped one by one; a peer that reads nothing at all is cut off. */
    private boolean keepsUp() {
        ChannelOutboundBuffer unsent = channel().unsafe().outboundBuffer();
        if (unsent != null && unsent.totalPendingWriteBytes() > UNSENT_LIMIT_BYTES
                || pump().waitingItems() > UNTOLD_LIMIT) {
            agent.report(this, "peer does not read");
            channel().close();
            return false;
        }
        return true;
    }

    /** Answers on this connection. */
    private final class ReplyTo implements Reply {
        private final ByteBuf request;
        private final int xid;

        /** @param request valid during the call that handles it */
        ReplyTo(ByteBuf request, int xid) {
            this.request = request;
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
        public void aside(ReplyPump.Task change) {
            ByteBuf kept = request.retainedDuplicate();
            pump().aside(change, failure -> {
                try {
                    if (failure != null && channel().isActive()) {
                        refuse(kept, failure);
                    }
                } finally {
                    kept.release();
                }
            });
        }

        @Override
        public void send(ByteBuf message) {
            OpenFlowConnection.this.send(message);
        }
    }
}
