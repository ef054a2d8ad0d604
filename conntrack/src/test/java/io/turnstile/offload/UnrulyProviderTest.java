package io.turnstile.offload;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.ProviderContext;
import io.turnstile.offload.spi.Verdict;
import io.turnstile.time.ManualClock;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Providers that say too much, leave their interrupts behind, or never say their names. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class UnrulyProviderTest {
    private static final int HUGE = 100_000_000;
    private static final int KEPT_EVENTS = 50;

    private final ManualClock clock = new ManualClock(0, 0);
    private final FakeTracker tracker = new FakeTracker(100);

    @AfterEach
    void letHangingOnesGo() {
        PluginGate.open();
    }

    // ---- texts ----

    @Test
    void hugeTextsAreCutBeforeAnybodyKeepsThem() {
        List<OffloadEvent> kept = new ArrayList<>();
        ScriptedProvider talker = new ScriptedProvider("talker", false) {
            @Override
            public Verdict connAdd(ConnView connection) {
                throw new IllegalStateException("x".repeat(HUGE));
            }

            @Override
            public List<String> describe() {
                return Collections.nCopies(1000, "x".repeat(1_000_000));
            }
        };
        talker.verdict = connection -> (connection.originalIngress().number() & 1) == 0
                ? Verdict.accept()
                : Verdict.decline("no\nroom" + "x".repeat(HUGE));
        try (OffloadDispatcher dispatcher =
                OffloadDispatcher.drainedByCaller(tracker, clock, PortDirectory.named(port -> "p" + port))) {
            dispatcher.addEventTap(kept::add);
            dispatcher.enable(List.of(talker));
            for (int i = 0; i < KEPT_EVENTS; i++) {
                tracker.commit(i, i, clock.nowNs());
                dispatcher.drain();
            }
            assertThat(kept)
                    .hasSizeGreaterThanOrEqualTo(KEPT_EVENTS)
                    .allSatisfy(event -> assertThat(event.resultText()).hasSizeLessThan(300))
                    .noneSatisfy(event -> assertThat(event.result())
                            .isInstanceOfSatisfying(
                                    OffloadResult.Failed.class,
                                    failed -> assertThat(failed.cause()).isNotNull()))
                    .anySatisfy(event -> assertThat(event.resultText()).startsWith("declined: no roomx"));
            assertThat(dispatcher.failures())
                    .allSatisfy(line -> assertThat(line).hasSizeLessThan(500));
            assertThat(dispatcher.show().lines())
                    .hasSizeLessThan(200)
                    .allSatisfy(line -> assertThat(line).hasSizeLessThan(500));
        }
    }

    // ---- interrupts ----

    private static void awaitSmallCpuTime(String threadName) {
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        long id = Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().equals(threadName))
                .findFirst()
                .orElseThrow()
                .threadId();
        // A thread that spins uses all of each interval, one that sleeps next to nothing: awaited is a quiet interval.
        long intervalNs = TimeUnit.MILLISECONDS.toNanos(200);
        for (int i = 0; i < 20; i++) {
            long startNs = System.nanoTime();
            long startCpuNs = threads.getThreadCpuTime(id);
            while (System.nanoTime() - startNs < intervalNs) {
                LockSupport.parkNanos(intervalNs / 10);
            }
            if (threads.getThreadCpuTime(id) - startCpuNs < intervalNs / 10) {
                return;
            }
        }
        throw new AssertionError(threadName + " spins");
    }

    @Test
    void anInterruptThatACallbackLeavesBehindDoesNotKeepItsThreadAwake() throws InterruptedException {
        BlockingQueue<OffloadEvent> events = new LinkedBlockingQueue<>();
        OffloadProvider interrupter = new ScriptedProvider("alpha") {
            @Override
            public void init(ProviderContext context) {
                super.init(context);
                Thread.currentThread().interrupt();
            }

            @Override
            public Verdict connAdd(ConnView connection) {
                super.connAdd(connection);
                Thread.currentThread().interrupt();
                return Verdict.accept();
            }
        };
        try (OffloadDispatcher dispatcher =
                new OffloadDispatcher(tracker, clock, PortDirectory.named(port -> "p" + port))) {
            dispatcher.addEventTap(events::add);
            dispatcher.enable(List.of(interrupter));
            awaitSmallCpuTime("offload-alpha-0");
            tracker.commit(7, 1, 0);
            OffloadEvent event;
            do {
                event = events.poll(20, TimeUnit.SECONDS);
                assertThat(event).isNotNull();
            } while (event.kind() != OffloadEvent.Kind.ADD);
            awaitSmallCpuTime("offload-alpha-0");
        }
    }

    @Test
    void whoDrainsByHandKeepsHisOwnInterrupt() {
        try (OffloadDispatcher dispatcher =
                OffloadDispatcher.drainedByCaller(tracker, clock, PortDirectory.named(port -> "p" + port))) {
            dispatcher.enable(List.of(new ScriptedProvider("alpha")));
            tracker.commit(7, 1, 0);
            Thread.currentThread().interrupt();
            dispatcher.drain();
            assertThat(Thread.interrupted()).isTrue();
        }
    }

    // ---- names ----

    @Test
    void oneThatNeverSaysItsNameIsShownAsNotRegisteredAndTheOthersGoOn() {
        PluginGate.shut();
        ScriptedProvider alpha = new ScriptedProvider("alpha");
        OffloadProvider mute = new ScriptedProvider("mute") {
            @Override
            public String name() {
                PluginGate.pass();
                return "mute";
            }
        };
        try (OffloadDispatcher dispatcher =
                OffloadDispatcher.drainedByCaller(tracker, clock, PortDirectory.named(port -> "p" + port))) {
            dispatcher.enable(List.of(mute, alpha));
            assertThat(dispatcher.providers())
                    .extracting(ProviderStatus::state)
                    .satisfiesExactly(
                            state -> assertThat(state)
                                    .startsWith("not registered: its name has not returned within 5 s"),
                            state -> assertThat(state).isEqualTo("ready"));
        }
    }
}
