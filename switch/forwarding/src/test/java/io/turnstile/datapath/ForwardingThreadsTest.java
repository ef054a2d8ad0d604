package io.turnstile.datapath;

import static io.turnstile.datapath.ScriptedUpcall.translation;
import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.datapath.DatapathAction.Output;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.port.DummyPort;
import io.turnstile.port.LinkStatus;
import io.turnstile.port.Port;
import io.turnstile.port.PortStatistics;
import io.turnstile.time.Clock;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Ports in memory served by real threads. */
@Timeout(30)
class ForwardingThreadsTest {
    private static final List<Field> BY_PORT = List.of(Field.IN_PORT, Field.ETH_TYPE);

    private final Datapath datapath = new Datapath(new RecordingConntrack(), Clock.system());
    private final ForwardingThreads threads = new ForwardingThreads(datapath, 2);
    private final DummyPort sink = new DummyPort("sink");
    private final BlockingQueue<Integer> arrived = new LinkedBlockingQueue<>();

    @BeforeEach
    void plug() {
        sink.onSent(frame -> arrived.add(UdpFrame.sourcePort(frame)));
        datapath.setUpcall(new ScriptedUpcall(key -> translation("A", BY_PORT, new Output(0))));
        datapath.addPort(sink, 0);
    }

    @AfterEach
    void close() {
        threads.close();
        threads.close(); // Twice is once.
    }

    private DummyPort serve(int number) {
        DummyPort port = new DummyPort("p" + number);
        datapath.addPort(port, number);
        threads.add(number, port);
        return port;
    }

    private int nextArrived() throws InterruptedException {
        Integer sourcePort = arrived.poll(20, TimeUnit.SECONDS);
        assertThat(sourcePort).as("a packet arrives").isNotNull();
        return sourcePort;
    }

    @Test
    void portsAreServedAsTheyComeAndInOrder() throws Exception {
        DummyPort first = serve(1);
        for (int i = 0; i < 50; i++) {
            first.deliver(UdpFrame.of(i, 80));
        }
        for (int i = 0; i < 50; i++) {
            assertThat(nextArrived()).isEqualTo(i);
        }
        DummyPort second = serve(2);
        second.deliver(UdpFrame.of(1000, 80));
        assertThat(nextArrived()).isEqualTo(1000);
    }

    @Test
    void aRemovedPortIsReadNoMoreAndItsNumberMayBeUsedAgain() throws Exception {
        for (int i = 0; i < 50; i++) {
            DummyPort port = serve(1);
            port.deliver(UdpFrame.of(i, 80));
            assertThat(nextArrived()).isEqualTo(i);
            threads.remove(1, port);
            datapath.removePort(1);
            port.deliver(UdpFrame.of(9999, 80));
            assertThat(port.hasPending()).isTrue();
            port.close();
        }
        assertThat(arrived).isEmpty();
    }

    @Test
    void aPortThatCannotBeReadIsLeftOutAndTheOthersGoOn() throws Exception {
        Semaphore reads = new Semaphore(0);
        Port broken = new BrokenPort(reads);
        datapath.addPort(broken, 5);
        threads.add(5, broken);
        assertThat(reads.tryAcquire(20, TimeUnit.SECONDS)).isTrue();
        DummyPort sameThread = serve(1);
        DummyPort otherThread = serve(2);
        sameThread.deliver(UdpFrame.of(1, 80));
        assertThat(nextArrived()).isEqualTo(1);
        otherThread.deliver(UdpFrame.of(2, 80));
        assertThat(nextArrived()).isEqualTo(2);
        assertThat(reads.availablePermits()).as("not read again").isZero();
        assertThat(threads.failures()).isEqualTo(1);
    }

    @Test
    void closingEndsTheThreads() {
        threads.close();
        assertThat(Thread.getAllStackTraces().keySet())
                .noneMatch(thread -> thread.getName().startsWith("forwarder-") && thread.isAlive());
    }

    private record BrokenPort(Semaphore reads) implements Port {
        @Override
        public String name() {
            return "broken";
        }

        @Override
        public String type() {
            return "memory";
        }

        @Override
        public int pollDescriptor() {
            return -1;
        }

        @Override
        public boolean hasPending() {
            return true;
        }

        @Override
        public int receive(Packet[] pool, PacketBatch into) {
            reads.release();
            throw new IllegalStateException("unplugged");
        }

        @Override
        public void send(Packet packet) {}

        @Override
        public void flush() {}

        @Override
        public PortStatistics statistics() {
            throw new UnsupportedOperationException();
        }

        @Override
        public LinkStatus linkStatus() {
            throw new UnsupportedOperationException();
        }

        @Override
        public void setAdminUp(boolean up) {}

        @Override
        public void close() {}
    }
}
