package io.turnstile.openflow;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.turnstile.pipeline.flow.OfException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The pump of one connection sends what is long piece by piece, as quickly as the peer reads, and has changes that take
 * long made by threads of their own. Either way the connection's further requests wait, so that answers come in the
 * order of their requests, while other connections of the event loop go on.
 *
 * <p>Threads: the connection's event loop.
 */
final class ReplyPump {
    /** Threads that make long changes: at most one for each connection, and none while there is no such change. */
    private static final Executor ASIDE = Executors.newCachedThreadPool(
            Thread.ofPlatform().daemon().name("openflow-change-", 0).factory());

    /** A change that takes long. */
    interface Task {
        void run() throws OfException;
    }

    private final Channel channel;
    private final Consumer<ByteBuf> requests;
    private final Consumer<RuntimeException> failures;
    private final Runnable progress;

    private final Deque<LongReply> waiting = new ArrayDeque<>();
    private final Deque<ByteBuf> held = new ArrayDeque<>();
    private int waitingItems;
    /** A request of the connection is being done by another thread. */
    private boolean aside;

    private boolean scheduled;
    private boolean resuming;
    private boolean closed;

    /**
     * @param requests does a request that had to wait, and releases it
     * @param failures is told of a reply that failed, after which the connection is of no use
     * @param progress is told whenever the peer has taken something
     */
    ReplyPump(
            Channel channel, Consumer<ByteBuf> requests, Consumer<RuntimeException> failures, Runnable progress) {
        this.channel = channel;
        this.requests = requests;
        this.failures = failures;
        this.progress = progress;
    }

    /** Whether requests have to wait. */
    boolean isBusy() {
        return aside || !waiting.isEmpty() || !held.isEmpty();
    }

    /** Whether a change is being made that the peer waits for. */
    boolean isAside() {
        return aside;
    }

    /** What is kept alive by things not sent yet that were not asked for. */
    int waitingItems() {
        return waitingItems;
    }

    /** Keeps a request until those before it are answered. The pump releases it. */
    void hold(ByteBuf request) {
        held.add(request);
        read();
    }

    /** Reads on, or not. To be called when the channel's writability has changed. */
    void writabilityChanged() {
        read();
        if (channel.isWritable()) {
            schedule();
        }
    }

    private void read() {
        channel.config().setAutoRead(channel.isWritable() && !isBusy());
    }

    // ---- long replies ----

    /** Sends the reply after those that wait already; the first piece at once if there are none. */
    void start(LongReply reply) {
        if (closed) {
            reply.abandon();
            return;
        }
        waiting.add(reply);
        waitingItems += reply.items();
        if (waiting.size() == 1 && !scheduled) {
            run();
        } else {
            read();
        }
    }

    private void schedule() {
        if (!scheduled && !closed && isBusy()) {
            scheduled = true;
            // Not execute(): the loop runs such tasks until there are none, before it looks at other connections.
            channel.eventLoop().schedule(this::run, 1, TimeUnit.MICROSECONDS);
        }
    }

    private void run() {
        scheduled = false;
        LongReply reply = waiting.peek();
        if (closed || reply != null && !channel.isWritable()) {
            read();
            return;
        }
        if (reply != null && !proceed(reply)) {
            return;
        }
        if (waiting.isEmpty()) {
            resume();
        } else {
            schedule();
        }
        read();
    }

    /** Returns false if it failed. */
    private boolean proceed(LongReply reply) {
        try {
            if (!reply.proceed()) {
                waiting.remove();
                waitingItems -= reply.items();
            }
            progress.run();
            return true;
        } catch (RuntimeException failure) {
            failures.accept(failure);
            return false;
        }
    }

    /** Does the requests that have waited, until one of them makes the others wait. */
    private void resume() {
        if (resuming) {
            return;
        }
        resuming = true;
        try {
            while (!closed && !aside && waiting.isEmpty() && !held.isEmpty()) {
                requests.accept(held.remove());
            }
        } finally {
            resuming = false;
        }
    }

    // ---- long changes ----

    /**
     * Has the task done by another thread.
     *
     * @param then is told on the event loop how it ended: null if well
     */
    void aside(Task task, Consumer<@Nullable Exception> then) {
        aside = true;
        read();
        ASIDE.execute(() -> {
            Exception failure = new IllegalStateException("a change was broken off");
            try {
                task.run();
                failure = null;
            } catch (OfException | RuntimeException e) {
                failure = e;
            } finally {
                Exception end = failure;
                channel.eventLoop().execute(() -> {
                    aside = false;
                    then.accept(end);
                    run();
                });
            }
        });
    }

    /** The connection has ended. */
    void close() {
        closed = true;
        waiting.forEach(LongReply::abandon);
        waiting.clear();
        held.forEach(ByteBuf::release);
        held.clear();
    }
}
