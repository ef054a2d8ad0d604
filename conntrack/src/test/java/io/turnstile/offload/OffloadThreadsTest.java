package io.turnstile.offload;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.time.ManualClock;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** With threads of its own, the dispatcher needs nobody to drain it. */
class OffloadThreadsTest {
    private static final long PATIENCE_S = 20;

    private final ManualClock clock = new ManualClock(0, 0);
    private final FakeTracker tracker = new FakeTracker(100);
    private final OffloadDispatcher dispatcher =
            new OffloadDispatcher(tracker, clock, PortDirectory.named(port -> "p" + port));
    private final BlockingQueue<OffloadEvent> events = new LinkedBlockingQueue<>();

    @AfterEach
    void turnOff() {
        dispatcher.close();
        assertThat(tracker.heldSlots()).isZero();
    }

    private OffloadEvent.Kind next() throws InterruptedException {
        OffloadEvent event = events.poll(PATIENCE_S, TimeUnit.SECONDS);
        return event == null ? null : event.kind();
    }

    @Test
    void eachEventReachesTheProviderByItself() throws InterruptedException {
        dispatcher.addEventTap(events::add);
        dispatcher.enable(List.of(new ScriptedProvider("alpha")));
        long id = tracker.commit(7, 1, 0);
        assertThat(next()).isEqualTo(OffloadEvent.Kind.QUERY);
        assertThat(next()).isEqualTo(OffloadEvent.Kind.ADD);
        tracker.reply(id, 2, 0);
        assertThat(next()).isEqualTo(OffloadEvent.Kind.ESTABLISHED);
        tracker.flush(null, 0);
        assertThat(next()).isEqualTo(OffloadEvent.Kind.DELETE);
    }

    @Test
    void callbacksRunOnOffloadThreadsOnlyAndAConnectionStaysWithItsOwn() throws InterruptedException {
        Set<String> threads = ConcurrentHashMap.newKeySet();
        dispatcher.addEventTap(event -> {
            threads.add(
                    Thread.currentThread().getName() + " " + (event.connection().id() & 3));
            events.add(event);
        });
        dispatcher.setThreads(4);
        dispatcher.enable(List.of(new ScriptedProvider("alpha")));
        for (int i = 0; i < 40; i++) {
            tracker.reply(tracker.commit(i, 1, 0), 2, 0);
        }
        for (int i = 0; i < 3 * 40; i++) {
            assertThat(next()).isNotNull();
        }
        assertThat(threads)
                .containsExactlyInAnyOrder(
                        "offload-alpha-0 0", "offload-alpha-1 1", "offload-alpha-2 2", "offload-alpha-3 3");
    }

    @Test
    void whatWasThereBeforeIsReplayedByItself() throws InterruptedException {
        tracker.commit(7, 1, 0);
        dispatcher.addEventTap(events::add);
        dispatcher.enable(List.of(new ScriptedProvider("alpha")));
        assertThat(next()).isEqualTo(OffloadEvent.Kind.QUERY);
        assertThat(next()).isEqualTo(OffloadEvent.Kind.ADD);
    }
}
