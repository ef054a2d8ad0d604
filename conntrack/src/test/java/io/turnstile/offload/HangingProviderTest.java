package io.turnstile.offload;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.ConnectionListener.RemovalReason;
import io.turnstile.offload.conformance.IdleProvider;
import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.ProviderContext;
import io.turnstile.offload.spi.Verdict;
import io.turnstile.time.ManualClock;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

/** A provider that does not come back costs nobody else anything, and is cleaned up after if it ever does. */
@Timeout(60)
class HangingProviderTest {
    private static final long PATIENCE_NS = TimeUnit.SECONDS.toNanos(20);
    private static final LaneLimits IMPATIENT = new LaneLimits(
            65_536,
            TimeUnit.SECONDS.toNanos(20),
            3,
            TimeUnit.MILLISECONDS.toNanos(150),
            16,
            1,
            TimeUnit.MILLISECONDS.toNanos(50),
            TimeUnit.MILLISECONDS.toNanos(200),
            LaneLimits.DEFAULTS.provedNs(),
            TimeUnit.MILLISECONDS.toNanos(150),
            TimeUnit.MILLISECONDS.toNanos(150),
            TimeUnit.MILLISECONDS.toNanos(300));

    private final ManualClock clock = new ManualClock(0, 1_700_000_000_000L);
    private final FakeTracker tracker = new FakeTracker(200);
    private final OffloadDispatcher dispatcher = new OffloadDispatcher(
            new DispatcherContext(
                    tracker,
                    clock,
                    PortDirectory.named(port -> "p" + port),
                    true,
                    CountingLaneMetrics.factory(),
                    LoggerFactory.getLogger(HangingProviderTest.class)),
            IMPATIENT);
    private final Gate gate = new Gate();
    private final ScriptedProvider beta = new ScriptedProvider("beta");

    @AfterEach
    void nothingIsHeldInTheEnd() {
        gate.open();
        await("off", dispatcher::disable);
        assertThat(beta.faults()).isEmpty();
        assertThat(beta.held()).isEmpty();
        assertThat(gate.held).isEmpty();
        assertThat(gate.isUp).isFalse();
        assertThat(tracker.heldSlots()).isZero();
        assertThat(tracker.faults).isEmpty();
    }

    /** Takes everything, and can be closed like a gate: who calls the chosen callback then stays in it. */
    private static final class Gate extends IdleProvider {
        private final Set<Long> held = ConcurrentHashMap.newKeySet();
        private final CountDownLatch opened = new CountDownLatch(1);
        private volatile String closedFor = "";
        private volatile boolean isUp;
        private volatile boolean flushes;
        private volatile int stuck;
        private volatile int flushCalls;

        Gate() {
            super("gate");
        }

        void open() {
            closedFor = "";
            opened.countDown();
        }

        private void pass(String callback) {
            if (callback.equals(closedFor)) {
                stuck++;
                try {
                    opened.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
        }

        @Override
        public void init(ProviderContext context) {
            pass("init");
            isUp = true;
        }

        @Override
        public void close() {
            pass("close");
            isUp = false;
        }

        @Override
        public Verdict canOffload(ConnView connection) {
            pass("query");
            return Verdict.accept();
        }

        @Override
        public Verdict connAdd(ConnView connection) {
            pass("add");
            held.add(connection.id());
            return Verdict.accept();
        }

        @Override
        public boolean connEstablished(ConnView connection, PortRef replyIngress) {
            pass("established");
            return true;
        }

        @Override
        public long connUpdate(ConnView connection) {
            pass("update");
            return 0;
        }

        @Override
        public void connDel(ConnView connection, DelReason reason) {
            pass("delete");
            held.remove(connection.id());
        }

        @Override
        public boolean connFlush(DelReason reason) {
            flushCalls++;
            pass("flush");
            if (flushes) {
                held.clear();
            }
            return flushes;
        }
    }

    private int committed;

    private static void await(String what, BooleanSupplier condition) {
        long startNs = System.nanoTime();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime() - startNs).as(what).isLessThan(PATIENCE_NS);
            Thread.onSpinWait();
        }
    }

    private String gateState() {
        return dispatcher.providers().getFirst().state();
    }

    /** Lives of which the other provider must hear everything. */
    private void live(int connections) {
        Set<Long> before = beta.held();
        for (int i = 0; i < connections; i++) {
            long id = tracker.commit(1000 + committed++, 1, clock.nowNs());
            tracker.reply(id, 2, clock.nowNs());
        }
        await("beta holds all", () -> beta.held().size() == before.size() + connections);
    }

    private void askAboutExpiry() {
        clock.advance(FakeTracker.TIMEOUT);
        tracker.sweep(clock.nowNs());
    }

    @Test
    void whatLeavesWhileTheProviderIsBeingGivenUpKeepsItsSlotUntilThatIsOver() {
        dispatcher.enable(List.of(gate));
        List<Long> ids = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            ids.add(tracker.commit(1000 + i, 1, clock.nowNs()));
        }
        await("gate holds all", () -> gate.held.size() == 20);
        gate.closedFor = "established";
        long last = ids.getLast(); // its slot is dealt with last
        AtomicInteger heldSlots = new AtomicInteger(-1);
        tracker.afterUnhold = id -> {
            if (tracker.remove(last, RemovalReason.FLUSHED, clock.nowNs())) {
                heldSlots.set(tracker.heldSlots());
            }
        };
        tracker.reply(ids.getFirst(), 2, clock.nowNs());
        await("given up", () -> gateState().startsWith("breaker open: established has not returned since "));
        await("the slot was given back", () -> heldSlots.get() >= 0 && tracker.heldSlots() == 0);
        assertThat(heldSlots).hasValue(1);
        gate.open();
        await("it holds what lives", () -> gate.held.equals(tracker.live()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"query", "add", "established", "update", "delete"})
    void aCallThatHangsIsGivenUpAndTheTrackerGetsItsSlotsBack(String callback) {
        dispatcher.enable(List.of(gate, beta));
        live(20);
        await("gate holds all", () -> gate.held.size() == 20);
        gate.closedFor = callback;
        live(20);
        askAboutExpiry();
        await("the call", () -> gate.stuck > 0 || callback.equals("delete"));
        tracker.flush(null, clock.nowNs());
        await(
                "given up",
                () -> gateState().matches("breaker open: (\\w+/)*" + callback + "(/\\w+)* has not returned since .*"));
        await("beta let go", () -> beta.held().isEmpty());
        await("no slot is held", () -> tracker.heldSlots() == 0);
        live(10); // life goes on
        assertThat(dispatcher.show()).contains(", 1 given up");
        gate.open();
        await("gate is back, and holds what lives", () -> gateState().equals("ready") && gate.held.equals(beta.held()));
    }

    @Test
    void whatIsOwedIsFlushedIfTheProviderCan() {
        gate.flushes = true;
        dispatcher.enable(List.of(gate, beta));
        live(50);
        await("gate holds all", () -> gate.held.size() == 50);
        gate.closedFor = "update";
        askAboutExpiry();
        await("given up", () -> gateState().startsWith("breaker open: "));
        tracker.flush(null, clock.nowNs());
        gate.open();
        await("let go of all", gate.held::isEmpty);
    }

    private List<Long> carriedElsewhere() {
        synchronized (tracker) {
            return List.copyOf(tracker.unheld);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whatItHeldComesBackToSoftwareWhenItIsGivenUpAndWhenItLetsGo(boolean flushes) {
        gate.flushes = flushes;
        dispatcher.enable(List.of(gate, beta));
        for (int i = 0; i < 20; i++) {
            tracker.commit(i, 1, clock.nowNs());
        }
        await("gate holds all", () -> gate.held.size() == 20);
        Set<Long> all = tracker.live();
        gate.closedFor = "add";
        tracker.commit(20, 1, clock.nowNs());
        await("carried elsewhere so far", () -> carriedElsewhere().containsAll(all));
        synchronized (tracker) {
            tracker.unheld.clear();
        }
        gate.open();
        await("let go of", () -> carriedElsewhere().containsAll(all));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aFlushThatComesBackAfterAllIsNotAskedForAgain(boolean flushes) {
        gate.flushes = flushes;
        dispatcher.enable(List.of(gate, beta));
        live(20);
        await("gate holds all", () -> gate.held.size() == 20);
        gate.closedFor = "flush";
        assertThat(dispatcher.disable()).isFalse();
        assertThat(gateState()).startsWith("breaker open: flush has not returned since ");
        gate.open();
        await("off", dispatcher::disable);
        assertThat(gate.held).isEmpty();
        assertThat(gate.flushCalls).isEqualTo(1);
    }

    @Test
    void whatACallHasDoneThatThrowsAfterItWasGivenUpIsDeleted() {
        Set<Long> inDevice = ConcurrentHashMap.newKeySet();
        AtomicBoolean hangs = new AtomicBoolean(true);
        CountDownLatch goesOn = new CountDownLatch(1);
        BulkProvider device = new BulkProvider("device", operations -> {
            for (OffloadOperation operation : operations) {
                if (operation instanceof OffloadOperation.Add add) {
                    inDevice.add(add.connection().id());
                } else if (operation instanceof OffloadOperation.Delete delete) {
                    inDevice.remove(delete.connection().id());
                }
            }
            if (!inDevice.isEmpty() && hangs.getAndSet(false)) {
                try {
                    goesOn.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
                throw new IllegalStateException("ring is full");
            }
            return BulkProvider.agreeing(operations);
        });
        dispatcher.enable(List.of(device));
        tracker.commit(7, 1, clock.nowNs());
        await("given up", () -> dispatcher.providers().getFirst().state().startsWith("breaker open"));
        tracker.flush(null, clock.nowNs());
        assertThat(inDevice).hasSize(1);
        goesOn.countDown();
        await("deleted", inDevice::isEmpty);
    }

    @Test
    void turningOffloadOffDoesNotWaitForIt() {
        dispatcher.enable(List.of(gate, beta));
        live(5);
        await("gate holds all", () -> gate.held.size() == 5);
        gate.closedFor = "delete";
        assertThat(dispatcher.disable()).isFalse();
        assertThat(gateState()).startsWith("breaker open: delete has not returned since ");
        assertThat(beta.held()).isEmpty();
        assertThat(tracker.heldSlots()).isZero();
        dispatcher.enable(List.of(gate, beta));
        await("beta is back", () -> beta.held().size() == 5);
        gate.open();
        await("gate is back", () -> gateState().equals("ready") && gate.held.size() == 5);
    }

    @ParameterizedTest
    @ValueSource(strings = {"init", "close", "flush"})
    void comingUpAndDownMayHangToo(String callback) {
        dispatcher.enable(List.of(beta));
        live(5);
        gate.closedFor = callback;
        dispatcher.enable(List.of(gate, beta));
        live(5);
        assertThat(dispatcher.disable()).isFalse();
        assertThat(beta.held()).isEmpty();
        dispatcher.enable(List.of(beta));
        await("beta is back", () -> beta.held().size() == 10);
        await("gate hangs", () -> gate.stuck > 0);
    }

    @Test
    void ofSeveralThreadsOneThatHangsIsEnough() {
        dispatcher.setThreads(3);
        dispatcher.enable(List.of(gate, beta));
        live(30);
        await("gate holds all", () -> gate.held.size() == 30);
        gate.closedFor = "established";
        long id = tracker.commit(1, 1, clock.nowNs());
        tracker.reply(id, 2, clock.nowNs());
        await("given up", () -> gateState().startsWith("breaker open: "));
        tracker.flush(null, clock.nowNs());
        await("beta let go", () -> beta.held().isEmpty());
        await("no slot is held", () -> tracker.heldSlots() == 0);
        gate.open();
        await(
                "gate is back, with nothing to prove itself by",
                () -> gateState().equals("half-open") && gate.held.isEmpty());
        live(1);
        await("gate has proved itself", () -> gateState().equals("ready"));
    }
}
