package io.turnstile.openflow;

import io.netty.channel.Channel;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The pump of one connection sends what is long piece by piece, as quickly as the peer reads, and other connections of
 * the event loop have their turns in between. While there is anything to be sent the connection's requests wait, so
 * that answers come in the order of their requests.
 *
 * <p>Threads: the connection's event loop.
 */
final class ReplyPump {
    private static final Logger LOG = LoggerFactory.getLogger(ReplyPump.class);

    private final Channel channel;
    private final Runnable done;
    private final Consumer<Throwable> failures;
    private final Deque<LongReply> waiting = new ArrayDeque<>();
    private int waitingItems;
    private volatile long heldBytes;
    private boolean scheduled;
    private boolean closed;

    /**
     * @param done is told when requests need not wait any more
     * @param failures is told of a reply that failed, after which the connection is of no use
     */
    ReplyPump(Channel channel, Runnable done, Consumer<Throwable> failures) {
        this.channel = channel;
        this.done = done;
        this.failures = failures;
    }

    /** Whether requests have to wait. */
    boolean isBusy() {
        return !waiting.isEmpty();
    }

    /** What is kept alive by replies that nobody asked for and that are not sent yet. */
    int waitingItems() {
        return waitingItems;
    }

    /** What all replies hold that are not sent yet. Threads: any. */
    long heldBytes() {
        return heldBytes;
    }

    /** Sends the reply after those that wait already; the first piece at once if there are none. */
    void start(LongReply reply) {
        if (closed) {
            abandon(reply);
            return;
        }
        waiting.add(reply);
        waitingItems += reply.items();
        heldBytes += reply.heldBytes();
        if (waiting.size() == 1 && channel.isWritable()) {
            proceed();
        }
        goOn();
    }

    /** The peer may take more. Not at once: who flushes is in the middle of something. */
    void goOn() {
        if (isBusy() && !scheduled && channel.isWritable()) {
            scheduled = true;
            // Not execute(): the loop runs such tasks until there are none before it looks at other connections.
            channel.eventLoop().schedule(this::run, 0, TimeUnit.NANOSECONDS);
        }
    }

    private void run() {
        scheduled = false;
        if (isBusy() && channel.isWritable()) {
            proceed();
            if (isBusy()) {
                goOn();
            } else {
                done.run();
            }
        }
    }

    private void proceed() {
        LongReply reply = waiting.element();
        boolean more = false;
        try {
            more = reply.proceed();
        } catch (Throwable failure) { // contained: who asked is disconnected
            abandon(reply);
            failures.accept(failure);
        } finally {
            if (!more && !closed) {
                waiting.remove();
                waitingItems -= reply.items();
                heldBytes -= reply.heldBytes();
            }
        }
    }

    private static void abandon(LongReply reply) {
        try {
            reply.abandon();
        } catch (RuntimeException e) { // contained: what ends with the connection must not keep it from ending
            LOG.debug("abandoning a reply", e);
        }
    }

    /** The connection has ended. */
    void close() {
        closed = true;
        waiting.forEach(ReplyPump::abandon);
        waiting.clear();
    }
}
