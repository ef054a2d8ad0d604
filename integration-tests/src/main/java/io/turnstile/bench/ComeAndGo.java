package io.turnstile.bench;

import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.offload.OffloadDispatcher;
import io.turnstile.offload.PortDirectory;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.packet.PacketBatch;
import io.turnstile.time.ManualClock;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Connections that come and go in blocks, with providers that have threads of their own: every second block waits until
 * the providers hold it, and of those and of the others one is left to expire and the next is flushed. Time is moved by
 * hand.
 *
 * <p>Threads: one.
 */
final class ComeAndGo implements AutoCloseable {
    /** Connections that live at once. */
    static final int BLOCK = 10_000;
    /** Entries in use at once: of a block, and of the one before it, of which providers are still to be told. */
    static final int AT_ONCE = 2 * BLOCK;

    private static final Duration STEP = Duration.ofSeconds(2);
    private static final Duration LONGEST_LIFE = Duration.ofSeconds(62);
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(130);
    private static final Pattern QUEUE = Pattern.compile("queue: (\\d+) ");
    private static final CtRequest COMMIT = CtRequest.commit(Traffic.ZONE);

    private final ManualClock clock =
            new ManualClock(Long.MAX_VALUE - Duration.ofMinutes(10).toNanos(), 1_700_000_000_000L);
    private final ConnectionTracker tracker = new ConnectionTracker(clock, AT_ONCE);
    private final OffloadDispatcher dispatcher =
            new OffloadDispatcher(tracker, clock, PortDirectory.named(port -> "p" + port));
    private final Traffic traffic = new Traffic();
    private final List<CountingProvider> providers;
    private long lives;
    private long longestQueue;
    private int blocks;

    ComeAndGo(List<CountingProvider> providers) {
        this.providers = providers;
        dispatcher.enable(List.<OffloadProvider>copyOf(providers));
    }

    /** Lets so many connections live, in whole blocks, and has the providers told of all of it. */
    void live(long connections) {
        for (long end = lives + connections; lives < end; ) {
            block(blocks % 2 == 0, blocks / 2 % 2 == 0);
        }
        dispatcher.drain();
    }

    private void block(boolean waits, boolean expires) {
        for (int done = 0; done < BLOCK; done += PacketBatch.CAPACITY) {
            int length = Math.min(PacketBatch.CAPACITY, BLOCK - done);
            traffic.answer(tracker, traffic.fill((int) lives + done, 1, length), clock.nowNs());
        }
        sampleQueue();
        if (waits) {
            dispatcher.drain();
            expectAllHeld();
        }
        for (int done = 0; done < BLOCK; done += PacketBatch.CAPACITY) {
            int length = Math.min(PacketBatch.CAPACITY, BLOCK - done);
            tracker.track(traffic.fill((int) lives + done, 1, length), COMMIT, clock.nowNs());
        }
        if (expires) {
            expire(waits);
        } else {
            tracker.flush(null, clock.nowNs());
        }
        sampleQueue();
        lives += BLOCK;
        blocks++;
        if (tracker.connectionCount() != 0 || tracker.refusals() != 0) {
            throw new IllegalStateException(
                    tracker.connectionCount() + " connections live on, " + tracker.refusals() + " were refused");
        }
    }

    private void expectAllHeld() {
        for (CountingProvider provider : providers) {
            if (provider.held() != BLOCK) {
                throw new IllegalStateException(
                        provider.name() + " holds " + provider.held() + " of " + BLOCK + "\n" + dispatcher.show());
            }
        }
    }

    /** In steps, so that providers are asked before: those that are waited for, about each connection. */
    private void expire(boolean waits) {
        Duration passed = Duration.ZERO;
        for (; passed.compareTo(LONGEST_LIFE) < 0; passed = passed.plus(STEP)) {
            clock.advance(STEP);
            tracker.sweep(clock.nowNs());
            if (waits) {
                dispatcher.drain();
            }
        }
        // Providers who have not had a turn since they were asked hold up the end of what they hold.
        for (; tracker.connectionCount() > 0 && passed.compareTo(LONGEST_WAIT) < 0; passed = passed.plus(STEP)) {
            dispatcher.drain();
            clock.advance(STEP);
            tracker.sweep(clock.nowNs());
        }
    }

    private void sampleQueue() {
        Matcher queues = QUEUE.matcher(dispatcher.show());
        boolean found = false;
        while (queues.find()) {
            longestQueue = Math.max(longestQueue, Long.parseLong(queues.group(1)));
            found = true;
        }
        if (!found) {
            throw new IllegalStateException("no queue in\n" + dispatcher.show());
        }
    }

    /** The most connections that were seen to wait for a provider since this was asked last. */
    long longestQueue() {
        long longest = longestQueue;
        longestQueue = 0;
        return longest;
    }

    int connections() {
        return tracker.connectionCount();
    }

    OffloadDispatcher dispatcher() {
        return dispatcher;
    }

    @Override
    public void close() {
        dispatcher.close();
    }
}
