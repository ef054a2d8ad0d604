package io.turnstile.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import org.junit.jupiter.api.Test;

/** Packets are dropped and counted while the listener is behind; other events never are. */
class EventQueueTest {
    private final Queue<Runnable> tasks = new ArrayDeque<>();
    private final LongAdder dropped = new LongAdder();
    private final List<RuntimeException> failures = new ArrayList<>();
    private final EventQueue queue = new EventQueue(tasks::add, dropped, failures::add);

    @Test
    void packetsBeyondTheLimitAreDroppedAndCounted() {
        AtomicInteger delivered = new AtomicInteger();
        for (int i = 0; i < EventQueue.MAX_WAITING_PACKETS + 3; i++) {
            queue.postPacket(delivered::incrementAndGet);
        }
        queue.post(delivered::incrementAndGet);
        assertThat(dropped.sum()).isEqualTo(3);

        tasks.remove().run();

        assertThat(delivered).hasValue(EventQueue.MAX_WAITING_PACKETS + 1);
        queue.postPacket(delivered::incrementAndGet);
        assertThat(dropped.sum()).as("there is room again").isEqualTo(3);
    }

    @Test
    void whatAListenerThrowsIsToldAndTheNextEventComes() {
        AtomicInteger delivered = new AtomicInteger();
        IllegalStateException thrown = new IllegalStateException("not this one");
        queue.post(() -> {
            throw thrown;
        });
        queue.post(delivered::incrementAndGet);

        tasks.remove().run();

        assertThat(failures).containsExactly(thrown);
        assertThat(delivered).hasValue(1);
    }
}
