package io.turnstile.datapath;

import static io.turnstile.datapath.ScriptedUpcall.translation;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.turnstile.conntrack.CtRequest;
import io.turnstile.datapath.DatapathAction.Ct;
import io.turnstile.datapath.DatapathAction.Output;
import io.turnstile.datapath.DatapathAction.Recirculate;
import io.turnstile.packet.FrameFragments;
import io.turnstile.packet.Frames;
import io.turnstile.packet.Packet;
import io.turnstile.port.DummyPort;
import io.turnstile.time.ManualClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Numbers of ports that were removed: how long they rest, and who is made to forget them. */
@Timeout(60)
class PortNumbersTest {
    private static final List<Field> BY_PORT = List.of(Field.IN_PORT, Field.RECIRC_ID, Field.ETH_TYPE);

    private final ManualClock clock = new ManualClock(Long.MAX_VALUE - 5_000_000_000L, 0);
    private final RecordingConntrack conntrack = new RecordingConntrack();
    private final Datapath datapath = new Datapath(conntrack, clock);

    private int add() {
        return datapath.addPortFrom(1, new MemoryPort("p"));
    }

    private void maintain() {
        datapath.maintain(clock.nowNs());
    }

    private long id(int number) {
        return datapath.portEntry(number).id();
    }

    @Test
    void aNumberRestsUntilItIsForgottenAndOneRoundMore() {
        assertThat(List.of(add(), add(), add())).containsExactly(1, 2, 3);
        datapath.removePort(2);
        assertThat(add()).as("just removed").isEqualTo(4);
        maintain();
        assertThat(conntrack.forgotten).containsExactly(List.of(2));
        assertThat(add()).as("just forgotten").isEqualTo(5);
        maintain();
        assertThat(add()).as("rested").isEqualTo(2);
    }

    @Test
    void oneWalkForgetsAllThatRestAndNoneFollows() {
        for (int i = 0; i < 5; i++) {
            add();
        }
        datapath.removePort(4);
        datapath.removePort(1);
        datapath.removePort(3);
        for (int i = 0; i < 5; i++) {
            maintain();
        }
        assertThat(conntrack.forgotten).containsExactly(List.of(1, 3, 4));
        assertThat(List.of(add(), add(), add(), add())).containsExactly(1, 3, 4, 6);
    }

    @Test
    void whereNothingRestsNobodyWalks() {
        add();
        maintain();
        maintain();
        assertThat(conntrack.forgotten).isEmpty();
    }

    @Test
    void aNumberThatIsAskedForWhileItRestsIsForgottenAtOnce() {
        add();
        datapath.addPort(new MemoryPort("a"), 7);
        datapath.removePort(7);
        datapath.removePort(1);
        assertThat(datapath.addPort(new MemoryPort("b"), 7)).isEqualTo(7);
        assertThat(conntrack.forgotten).containsExactly(List.of(1, 7));
        assertThat(datapath.port(7).name()).isEqualTo("b");
    }

    @Test
    void aNumberThatIsTakenIsRefused() {
        add();
        assertThatThrownBy(() -> datapath.addPort(new MemoryPort("a"), 1)).hasMessage("port number 1 is taken");
    }

    @Test
    void anIdentityIsNeverGivenAgain() {
        add();
        add();
        assertThat(List.of(id(1), id(2))).containsExactly(1L, 2L);
        for (long former = 2; former < 10; former++) {
            datapath.removePort(2);
            assertThat(datapath.portEntry(2)).isNull();
            datapath.addPort(new MemoryPort("again"), 2);
            assertThat(id(2)).isEqualTo(former + 1);
        }
        assertThat(id(1)).isEqualTo(1);
    }

    @Test
    void whoListensIsToldOfEachPortThatComesOrGoes() {
        List<String> told = new ArrayList<>();
        datapath.onPortChange(number -> told.add(number + (datapath.port(number) == null ? " gone" : " there")));
        add();
        datapath.addPort(new MemoryPort("a"), 7);
        datapath.removePort(1);
        datapath.removePort(1);
        assertThat(told).containsExactly("1 there", "7 there", "1 gone");
    }

    /** A packet that came in by the port is still on its way to the tracker when housekeeping comes round. */
    @Test
    void nothingIsForgottenWhileABatchOfThePortIsUnderWay() throws InterruptedException {
        CountDownLatch inBatch = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        datapath.setUpcall(new ScriptedUpcall(key -> {
            inBatch.countDown();
            awaitQuietly(goOn);
            return translation("A", BY_PORT, new Ct(CtRequest.commit(0)));
        }));
        MemoryPort port = new MemoryPort("in").delivering(UdpFrame.of(1, 2));
        int number = datapath.addPortFrom(1, port);
        List<Integer> trackedBefore = new ArrayList<>();
        conntrack.duringForgetting = () -> trackedBefore.addAll(conntrack.batchLengths);
        ForwardingContext context = datapath.newContext();
        Thread forwarder = Thread.ofPlatform().start(() -> datapath.receiveAndProcess(number, port, context));
        assertThat(inBatch.await(10, TimeUnit.SECONDS)).isTrue();
        Thread remover = Thread.ofPlatform().start(() -> datapath.removePort(number));
        while (datapath.port(number) != null) {
            Thread.onSpinWait();
        }
        Thread housekeeping = Thread.ofPlatform().start(this::maintain);
        assertThat(housekeeping.join(Duration.ofMillis(100))).isFalse();
        assertThat(conntrack.forgotten).isEmpty();
        goOn.countDown();
        for (Thread each : List.of(forwarder, remover, housekeeping)) {
            each.join();
        }
        assertThat(conntrack.forgotten).containsExactly(List.of(number));
        assertThat(trackedBefore).as("the packet was tracked before").containsExactly(1);
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            assertThat(latch.await(10, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void fragmentsThatCameInByThePortWaitOnAndNameNoPort() {
        datapath.setUpcall(
                new ScriptedUpcall(key -> translation("A", BY_PORT, new Ct(CtRequest.commit(0)), new Output(9))));
        List<byte[]> cut = FrameFragments.cut(
                Frames.udp("10.0.0.1:1 > 10.0.0.2:2").payload(2000).bytes(), 5, 1400);
        MemoryPort first = new MemoryPort("p1").delivering(cut.getFirst());
        int number = datapath.addPortFrom(1, first);
        ForwardingContext context = datapath.newContext();
        datapath.receiveAndProcess(number, first, context);
        assertThat(datapath.fragments().status().held()).isEqualTo(1);
        datapath.removePort(number);
        maintain();
        maintain();
        MemoryPort next = new MemoryPort("q1").delivering(cut.getLast());
        assertThat(datapath.addPortFrom(1, next)).isEqualTo(number);
        datapath.receiveAndProcess(number, next, context);
        assertThat(datapath.fragments().status().held()).isZero();
        assertThat(conntrack.inPorts).containsExactly(-1);
    }

    /** The sender of a packet-out has looked its ingress port's number up, and then the port goes. */
    @Test
    void aPacketOutByAPortThatHasJustGoneComesInByNone() {
        List<Long> inPorts = new ArrayList<>();
        datapath.setUpcall(new ScriptedUpcall(key -> {
            inPorts.add(Field.IN_PORT.get(key));
            return translation("A", BY_PORT);
        }));
        int number = add();
        Packet packet = Packet.copyOf(UdpFrame.of(1, 2));
        packet.setInPort(number);
        datapath.removePort(number);
        datapath.execute(packet, new DatapathAction[] {new Recirculate(1)}, datapath.newContext());
        assertThat(packet.inPort()).isEqualTo(-1);
        assertThat(inPorts).containsExactly(0xffff_ffffL);
    }

    /**
     * Ports come, receive and go while two threads forward and a third keeps house: the tracker has forgotten a number
     * whenever another port gets it.
     */
    @Test
    void underTrafficNoPortGetsANumberThatTheTrackerStillHas() throws InterruptedException {
        TrackedPorts tracked = new TrackedPorts();
        Datapath busy = new Datapath(tracked, clock);
        busy.setUpcall(new ScriptedUpcall(key -> translation("A", BY_PORT, new Ct(CtRequest.commit(0)))));
        AtomicBoolean stop = new AtomicBoolean();
        Thread housekeeping = Thread.ofPlatform().start(() -> {
            while (!stop.get()) {
                busy.maintain(clock.nowNs());
            }
        });
        List<Integer> wrong = new ArrayList<>();
        List<Integer> numbers = new ArrayList<>();
        try (ForwardingThreads threads = new ForwardingThreads(busy, 2)) {
            for (int i = 0; i < 3000; i++) {
                DummyPort port = new DummyPort("p" + i);
                int number = i % 7 == 0 ? busy.addPort(port, 5) : busy.addPortFrom(1, port);
                if (tracked.has(number)) {
                    wrong.add(number);
                }
                numbers.add(number);
                threads.add(number, port);
                long before = tracked.packets();
                port.deliver(UdpFrame.of(i, 80));
                if (i % 2 == 0) { // The others go while their packet is on its way, or before.
                    while (tracked.packets() == before) {
                        Thread.onSpinWait();
                    }
                }
                busy.removePort(number);
                threads.remove(number, port);
                port.close();
            }
        } finally {
            stop.set(true);
            housekeeping.join();
        }
        assertThat(wrong).isEmpty();
        assertThat(tracked.packets()).isGreaterThanOrEqualTo(1500);
        assertThat(numbers.stream().distinct().count())
                .as("numbers are used again")
                .isLessThan(3000);
    }
}
