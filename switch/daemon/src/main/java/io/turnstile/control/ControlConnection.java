package io.turnstile.control;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * One connection. Requests are answered in the order of their coming, each when the asker has taken the answer before:
 * what the connection does, it does in turns of the event loop, one request or one piece of a reply each, and none
 * while the asker does not read.
 *
 * <p>While a request is being answered, reading goes on for {@link ControlLimits#READ_AHEAD_BYTES}, so that an asker
 * who leaves is noticed; one who has sent more than that is noticed when a reply is written.
 *
 * <p>Threads: the event loop's.
 */
final class ControlConnection extends ChannelInboundHandlerAdapter {
    /** The shortest delay that lets the loop look at other connections first: a task at once would not. */
    private static final long NEXT_TURN_NS = 1;

    private final ControlServer server;
    private final ControlLimits limits;
    private final ControlLog log;
    private final BiFunction<Request, ControlConnection, CompletableFuture<CommandReply>> commands;
    private final RequestReader reader = new RequestReader();
    /** Null until the connection is there. */
    private @Nullable Channel channel;
    /** The request that is being answered; null if there is none. */
    private @Nullable Request request;
    /** The reply that is awaited; null if there is none. */
    private @Nullable CompletableFuture<CommandReply> pending;
    /** The reply that is being sent; null if there is none. */
    private @Nullable ReplyWriter reply;

    private ReplyFormat format = ReplyFormat.TEXT;

    private boolean turnComes;
    /** When something was last read. */
    private long readNs;
    /** Since when no more can be written; meaningful while that is so. */
    private long stalledNs;
    /** Since when half a request waits for the rest; meaningful while {@link #waitsForRest}. */
    private long halfNs;

    private boolean waitsForRest;

    ControlConnection(
            ControlServer server,
            ControlLimits limits,
            ControlLog log,
            BiFunction<Request, ControlConnection, CompletableFuture<CommandReply>> commands) {
        this.server = server;
        this.limits = limits;
        this.log = log;
        this.commands = commands;
    }

    ReplyFormat format() {
        return format;
    }

    /** Of this request's reply on. */
    void setFormat(ReplyFormat format) {
        this.format = format;
    }

    private Channel channel() {
        return Objects.requireNonNull(channel, "active");
    }

    // ---- events ----

    @Override
    public void channelActive(ChannelHandlerContext context) {
        channel = context.channel();
        readNs = System.nanoTime();
        server.opened(this);
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        ByteBuf bytes = (ByteBuf) message;
        try {
            if (context.channel().isActive()) {
                reader.add(bytes);
            }
        } finally {
            bytes.release();
        }
        readNs = System.nanoTime();
        if (!turnComes) {
            turn();
        }
        readOrNot();
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        stalledNs = System.nanoTime();
        if (context.channel().isWritable()) {
            nextTurn();
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        server.closed(this);
        if (pending != null) {
            pending.cancel(false);
            pending = null;
        }
        endReply();
        reader.close();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        context.close(); // It broke, or was reset: the other end's matter.
    }

    // ---- turns ----

    private boolean isBusy() {
        return pending != null || reply != null;
    }

    private void nextTurn() {
        if (!turnComes && channel().isActive()) {
            turnComes = true;
            channel()
                    .eventLoop()
                    .schedule(
                            () -> {
                                turnComes = false;
                                contained(() -> {
                                    turn();
                                    readOrNot();
                                });
                            },
                            NEXT_TURN_NS,
                            TimeUnit.NANOSECONDS);
        }
    }

    /** Nobody else hears what a task of the loop throws: then this connection is of no use any more. */
    private void contained(Runnable task) {
        try {
            task.run();
        } catch (Throwable e) {
            Request asked = request;
            if (asked != null) {
                log.failed(asked, e);
            }
            channel().close();
        }
    }

    /** Does one thing. */
    private void turn() {
        if (!channel().isActive() || !channel().isWritable()) {
            return;
        }
        if (reply != null) {
            sendPiece(reply);
        } else if (pending == null && !beginNext()) {
            return;
        }
        if (pending == null) {
            nextTurn();
        }
    }

    /** Begins to answer the next request; false if there is none. */
    private boolean beginNext() {
        Request next;
        try {
            next = reader.next();
        } catch (MalformedRequestException e) {
            channel().close(); // JSON-RPC 1.0 has nothing to answer with.
            return false;
        }
        if (next == null) {
            boolean half = reader.waitingBytes() > 0;
            halfNs = half && !waitsForRest ? System.nanoTime() : halfNs;
            waitsForRest = half;
            return false;
        }
        waitsForRest = false;
        request = next;
        CompletableFuture<CommandReply> coming = commands.apply(next, this);
        if (coming.isDone()) {
            send(coming);
        } else {
            pending = coming;
            coming.whenCompleteAsync(
                    (done, failure) -> answered(coming), channel().eventLoop());
        }
        return true;
    }

    private void answered(CompletableFuture<CommandReply> done) {
        if (pending == done) { // else nobody waits any more
            pending = null;
            contained(() -> {
                send(done);
                nextTurn();
                readOrNot();
            });
        }
    }

    private void send(CompletableFuture<CommandReply> done) {
        Request asked = Objects.requireNonNull(request, "a reply is to a request");
        CommandReply result = outcome(asked, done);
        ReplyWriter writer = new ReplyWriter(asked.id(), result, format);
        reply = writer;
        if (result.isError()) {
            ByteBuf out = channel().alloc().buffer();
            writer.writeError(result.text(), out);
            write(out, writer);
        } else {
            sendPiece(writer);
        }
    }

    private CommandReply outcome(Request asked, CompletableFuture<CommandReply> done) {
        if (done.state() == Future.State.SUCCESS) {
            return done.resultNow();
        }
        if (done.isCancelled()) {
            return CommandReply.error(asked.method() + ": " + new CancellationException("cancelled"));
        }
        // contained: a command that fails must not end the daemon
        log.failed(asked, done.exceptionNow());
        return CommandReply.error(asked.method() + ": " + done.exceptionNow());
    }

    private void sendPiece(ReplyWriter writer) {
        Request asked = Objects.requireNonNull(request, "a reply is to a request");
        ByteBuf out = channel().alloc().buffer();
        try {
            writer.next(out);
        } catch (RuntimeException | StackOverflowError e) { // contained
            log.failed(asked, e);
            out.clear();
            if (writer.hasBegun()) { // half a reply cannot become an error
                out.release();
                channel().close();
                return;
            }
            writer.writeError(asked.method() + ": " + e, out);
        } catch (Error e) { // there is no memory for it
            out.release();
            throw e;
        }
        write(out, writer);
    }

    private void write(ByteBuf out, ReplyWriter writer) {
        if (writer.hasEnded()) {
            endReply();
        }
        if (out.isReadable()) {
            channel().writeAndFlush(out);
        } else {
            out.release();
        }
    }

    private void endReply() {
        if (reply != null) {
            reply.close();
            reply = null;
            request = null;
        }
    }

    private void readOrNot() {
        if (channel().isActive()) {
            channel().config().setAutoRead(!isBusy() || reader.waitingBytes() < ControlLimits.READ_AHEAD_BYTES);
        }
    }

    // ---- limits ----

    /** Nobody is answered: it may be closed to make room for another. */
    boolean isIdle() {
        return !isBusy();
    }

    long readNs() {
        return readNs;
    }

    void close(String why) {
        log.warn(why);
        channel().close();
    }

    /** To be called about once a second. */
    void checkPatience(long nowNs) {
        if (!channel().isWritable() && hasPassed(limits.stallMs(), stalledNs, nowNs)) {
            close("control connection closed: its reply was not read for " + limits.stallMs() + " ms");
        } else if (waitsForRest && hasPassed(limits.halfRequestMs(), halfNs, nowNs)) {
            close("control connection closed: the rest of a request did not come for " + limits.halfRequestMs()
                    + " ms");
        }
    }

    private static boolean hasPassed(long ms, long sinceNs, long nowNs) {
        return nowNs - sinceNs >= TimeUnit.MILLISECONDS.toNanos(ms);
    }
}
