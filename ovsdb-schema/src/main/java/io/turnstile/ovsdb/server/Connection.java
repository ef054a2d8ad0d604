package io.turnstile.ovsdb.server;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.turnstile.ovsdb.data.OvsdbException;
import java.io.IOException;
import java.net.ProtocolException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One client's socket. Requests are taken up one at a time, each in a turn of its own and only once the client has
 * taken all that it was sent, as ovsdb-server does: whoever does not read is not served.
 *
 * <p>Threads: the server's event loop.
 */
final class Connection extends SimpleChannelInboundHandler<ByteBuf> implements Peer {
    /** A message that was begun is whole by then. */
    static final long MESSAGE_NS = 60_000_000_000L;

    private final String name;
    private final Channel channel;
    private final Inbox inbox;
    private final Outbox outbox;
    private final OvsdbSession session;
    private final ClientBudget.Account account;
    private final RareLog log;
    private final LongSupplier clockNs;
    private final LongSupplier probeIntervalMs;
    private boolean turnIsDue;
    private boolean reads;
    private boolean hasSpoken;
    private boolean probed;
    private long activeNs;
    private long begunNs;

    /**
     * A client's connection.
     *
     * @param name what the log calls the client
     * @param probeIntervalMs after how long a silence the client is asked whether it is there; 0: never
     */
    Connection(
            String name,
            Channel channel,
            ServerLimits limits,
            ClientBudget budget,
            Function<Peer, OvsdbSession> sessions,
            LongSupplier probeIntervalMs,
            RareLog log,
            LongSupplier clockNs) {
        this.name = name;
        this.channel = channel;
        this.inbox = new Inbox(limits);
        this.outbox = new Outbox(channel, this::onProgress);
        this.session = sessions.apply(this);
        this.account = budget.open(this::rows, reason -> cutOff("budget", reason + session.describe()));
        this.log = log;
        this.clockNs = clockNs;
        this.probeIntervalMs = probeIntervalMs;
        this.activeNs = clockNs.getAsLong();
    }

    // ---- in ----

    @Override
    public void channelActive(ChannelHandlerContext context) {
        readMore();
    }

    private void readMore() {
        if (!reads) {
            reads = true;
            var _ = channel.read();
        }
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, ByteBuf bytes) throws IOException {
        reads = false;
        active();
        byte[] copy = new byte[bytes.readableBytes()];
        bytes.readBytes(copy);
        inbox.feed(copy);
        turnSoon();
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        if (reads) { // Nothing came after all.
            reads = false;
            turnSoon();
        }
    }

    private void active() {
        activeNs = clockNs.getAsLong();
        probed = false;
    }

    /** One request, one turn: whoever sends many at once waits for the others in between. */
    private void turnSoon() {
        if (!turnIsDue) {
            turnIsDue = true;
            // Not execute(): the loop runs such tasks until there are none before it looks at other sockets.
            channel.eventLoop().schedule(this::turn, 0, TimeUnit.NANOSECONDS);
        }
    }

    private void turn() {
        turnIsDue = false;
        if (!channel.isActive() || !outbox.isEmpty()) {
            return; // The client's reading brings the next turn.
        }
        session.tellGathered();
        if (!outbox.isEmpty()) {
            return;
        }
        try {
            boolean wasBegun = inbox.isBegun();
            Inbox.Read read = inbox.next();
            account.set(ClientBudget.Held.REQUEST, inbox.costBytes());
            switch (read) {
                case null -> {
                    if (!wasBegun) {
                        begunNs = clockNs.getAsLong();
                    }
                    readMore();
                }
                case Inbox.TooLarge(JsonNode id) -> refuse(id);
                case Inbox.Message(JsonNode json, long costBytes) -> {
                    account.set(ClientBudget.Held.REQUEST, costBytes);
                    hasSpoken = true;
                    active(); // also of what has waited here
                    session.receive(json, costBytes);
                    turnSoon();
                }
            }
        } catch (JsonProcessingException | IllegalArgumentException e) {
            cutOff("not JSON", "error parsing stream: " + firstLine(e));
        } catch (ProtocolException e) {
            cutOff(String.valueOf(e.getMessage()), "received bad JSON-RPC message: " + e.getMessage());
        } catch (IOException | RuntimeException e) {
            exceptionCaught(e);
        }
    }

    private void refuse(@Nullable JsonNode id) throws ProtocolException {
        if (id == null) {
            throw new ProtocolException("too large");
        }
        log.warn("too large", name + ": refused a request that is too large");
        session.refuse(id, new OvsdbException("resources exhausted", "The request is too large."));
        turnSoon();
    }

    // ---- out ----

    @Override
    public void send(JsonNode json, RowsHeld rows) {
        outbox.send(json, rows);
        account.set(ClientBudget.Held.UNSENT, outbox.unsentBytes());
    }

    @Override
    public boolean isBehind() {
        return !outbox.isEmpty();
    }

    @Override
    public void charge(ClientBudget.Held what, long bytes) {
        account.charge(what, bytes);
    }

    private RowsHeld rows() {
        List<RowsHeld> rows = outbox.rows();
        rows.addAll(session.gatheredRows());
        return RowsHeld.sum(rows);
    }

    private void onProgress() {
        account.set(ClientBudget.Held.UNSENT, outbox.unsentBytes());
        if (outbox.isEmpty()) {
            turnSoon();
        }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        if (channel.isWritable()) {
            active(); // It takes what it is sent: as good as an answer to a probe.
            outbox.pump();
        }
    }

    // ---- the end ----

    /** Looks at the clock: silence, and messages that do not come to an end. */
    void tick() {
        long nowNs = clockNs.getAsLong();
        if (inbox.isBegun() && reads && nowNs - begunNs > MESSAGE_NS) {
            cutOff("half a message", "sent the beginning of a message and not its end, disconnecting");
            return;
        }
        long intervalMs = probeIntervalMs.getAsLong();
        if (intervalMs > 0 && nowNs - activeNs >= TimeUnit.MILLISECONDS.toNanos(intervalMs)) {
            activeNs = nowNs;
            if (probed) {
                cutOff(
                        "probe",
                        "no response to inactivity probe after %s seconds, disconnecting".formatted(intervalMs / 1000));
            } else {
                probed = true;
                session.probe();
            }
        }
    }

    /** True if it has sent a whole message. */
    boolean hasSpoken() {
        return hasSpoken;
    }

    String name() {
        return name;
    }

    /** Lets the client go, and says so. */
    void cutOff(String cause, String reason) {
        if (channel.isActive()) {
            log.warn(cause, name + ": " + reason);
            var _ = channel.close();
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        session.close();
        outbox.close();
        account.close();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        exceptionCaught(cause);
    }

    private void exceptionCaught(Throwable cause) {
        StackTraceElement[] trace = cause.getStackTrace();
        String place = cause instanceof IOException || trace.length == 0 ? "" : " at " + trace[0];
        cutOff(cause.getClass().getName() + place, firstLine(cause) + place);
    }

    private static String firstLine(Throwable cause) {
        String line = String.valueOf(cause.getMessage()).lines().findFirst().orElse("");
        return cause instanceof JsonProcessingException
                ? line
                : cause.getClass().getSimpleName() + ": " + line;
    }
}
