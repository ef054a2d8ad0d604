package io.turnstile.offload;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.turnstile.conntrack.ConnectionListener;
import io.turnstile.conntrack.ConnectionListener.RemovalReason;
import io.turnstile.conntrack.ConnectionSnapshot;
import io.turnstile.conntrack.Conntrack;
import io.turnstile.time.ManualClock;
import java.lang.management.ManagementFactory;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.function.LongPredicate;
import org.junit.jupiter.api.Test;

/** The packet path's side of the dispatcher allocates nothing once each slot has been met. */
class ListenerCostTest {
    private static final int SLOTS = 10_000;

    private final OffloadDispatcher dispatcher = OffloadDispatcher.drainedByCaller(
            knowingEveryConnection(), new ManualClock(0, 0), PortDirectory.named(port -> "p" + port));
    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    /** A tracker to which every id is a connection whose reply has been seen. */
    private static Conntrack knowingEveryConnection() {
        return (Conntrack) Proxy.newProxyInstance(
                Conntrack.class.getClassLoader(),
                new Class<?>[] {Conntrack.class},
                (proxy, method, arguments) -> switch (method.getName()) {
                    case "read" -> {
                        ConnectionSnapshot into = (ConnectionSnapshot) arguments[1];
                        into.connectionId = (long) arguments[0];
                        into.original.sourcePort = ((Long) arguments[0]).intValue();
                        into.reply.destinationPort = into.original.sourcePort;
                        yield true;
                    }
                    case "hold" -> true;
                    case "awaitEstablished" -> false;
                    case "scan" -> -1L;
                    default -> null;
                });
    }

    /** Least of several rounds: the first ones make room for the slots and warm the code up. */
    private long leastBytes(Runnable untold, LongPredicate report) {
        dispatcher.enable(List.of(new ScriptedProvider("alpha", false)));
        long leastBytes = Long.MAX_VALUE;
        for (long generation = 1; generation <= 5; generation++) {
            for (int slot = 0; slot < SLOTS; slot++) {
                dispatcher.onCommitted(generation << 32 | slot, 1, 0);
            }
            untold.run();
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int slot = 0; slot < SLOTS; slot++) {
                if (!report.test(generation << 32 | slot)) {
                    throw new AssertionError("not answered as expected: slot " + slot);
                }
            }
            leastBytes = Math.min(leastBytes, threads.getCurrentThreadAllocatedBytes() - before);
            dispatcher.drain();
        }
        return leastBytes;
    }

    @Test
    void lifeThatNobodyWasToldOfAllocatesNothing() {
        assertThat(leastBytes(
                        () -> {},
                        id -> !dispatcher.onDeadline(id, 0)
                                && !dispatcher.isAwaited(id)
                                && !dispatcher.onRemoved(id, RemovalReason.EXPIRED, 1)))
                .isZero();
    }

    @Test
    void lifeOfAHeldConnectionAllocatesNothing() {
        assertThat(leastBytes(dispatcher::drain, id -> {
                    dispatcher.onEstablished(id, 0);
                    dispatcher.onChanged(id, ConnectionListener.MARK_CHANGED, 0);
                    return dispatcher.onDeadline(id, 0)
                            && dispatcher.isAwaited(id)
                            && dispatcher.onRemoved(id, RemovalReason.EXPIRED, 1);
                }))
                .isZero();
    }

    @Test
    void committingAllocatesNothing() {
        long[] newer = {100L << 32};
        assertThat(leastBytes(() -> newer[0] += 1L << 32, id -> {
                    dispatcher.onRemoved(id, RemovalReason.EXPIRED, 0);
                    dispatcher.onCommitted(newer[0] | id & 0xffff_ffffL, 1, 0);
                    return !dispatcher.onRemoved(newer[0] | id & 0xffff_ffffL, RemovalReason.EXPIRED, 0);
                }))
                .isZero();
    }
}
