package io.turnstile.openflow;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.turnstile.time.ManualClock;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a bridge reports is bounded while the loop is behind: packets are dropped, other reports wait. */
class EventBacklogTest {
    private static final int PACKET_BYTES = 1000;
    private static final int PATIENCE_SECONDS = 10;

    private final EventLoopGroup group = OpenFlowAgent.newEventLoop();
    private final EventLoop loop = group.next();
    private final Shared shared =
            new Shared(new ManualClock(0, 0), failure -> {}, 32 * 100 * PACKET_BYTES, Runnable::run);
    private final List<Throwable> failures = new CopyOnWriteArrayList<>();
    private final EventBacklog backlog = new EventBacklog(loop, shared, failures::add);
    private final CompletableFuture<Void> goOn = new CompletableFuture<>();

    @AfterEach
    void stop() {
        goOn.complete(null);
        backlog.close();
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
    }

    @Test
    void packetsBeyondTheBytesOfAllBridgesAreDropped() throws Exception {
        loop.execute(goOn::join);
        int taken = 0;
        for (int i = 0; i < 200; i++) {
            taken += backlog.offerPacket(PACKET_BYTES, () -> {}) ? 1 : 0;
        }
        assertThat(taken).isEqualTo(100);
        EventBacklog other = new EventBacklog(loop, shared, failures::add);
        assertThat(other.offerPacket(1, () -> {})).isFalse();
        backlog.close();
        assertThat(other.offerPacket(1, () -> {}))
                .as("what is closed holds nothing")
                .isTrue();
    }

    @Test
    void whoReportsSomethingElseWaitsForRoomAndTheOrderIsKept() throws Exception {
        loop.execute(goOn::join);
        List<Integer> delivered = new CopyOnWriteArrayList<>();
        AtomicInteger reported = new AtomicInteger();
        int all = EventBacklog.MAX_OTHERS + 1000;
        Thread reporter = Thread.ofPlatform().start(() -> {
            for (int i = 0; i < all; i++) {
                int number = i;
                backlog.put(() -> delivered.add(number));
                reported.incrementAndGet();
            }
        });
        while (reporter.getState() != Thread.State.TIMED_WAITING) {
            assertThat(reported.get()).isLessThanOrEqualTo(EventBacklog.MAX_OTHERS);
            Thread.onSpinWait();
        }
        assertThat(reported).hasValue(EventBacklog.MAX_OTHERS);
        goOn.complete(null);
        assertThat(reporter.join(java.time.Duration.ofSeconds(PATIENCE_SECONDS)))
                .isTrue();
        CompletableFuture<Void> last = new CompletableFuture<>();
        backlog.put(() -> last.complete(null));
        last.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        List<Integer> expected = new ArrayList<>();
        for (int i = 0; i < all; i++) {
            expected.add(i);
        }
        assertThat(delivered).isEqualTo(expected);
    }

    @Test
    void theLoopDoesSomethingElseBetweenManyReports() throws Exception {
        loop.execute(goOn::join);
        List<String> order = new CopyOnWriteArrayList<>();
        CompletableFuture<Void> last = new CompletableFuture<>();
        for (int i = 0; i < 1000; i++) {
            backlog.put(() -> order.add("report"));
        }
        backlog.put(() -> last.complete(null));
        loop.execute(() -> order.add("something else"));
        goOn.complete(null);
        last.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        assertThat(order.indexOf("something else")).isBetween(0, 999);
    }

    @Test
    void aReportThatFailsIsToldAndTheNextOneComes() throws Exception {
        CompletableFuture<Void> last = new CompletableFuture<>();
        Error thrown = new StackOverflowError();
        backlog.put(() -> {
            throw thrown;
        });
        backlog.put(() -> last.complete(null));
        last.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        assertThat(failures).containsExactly(thrown);
    }
}
