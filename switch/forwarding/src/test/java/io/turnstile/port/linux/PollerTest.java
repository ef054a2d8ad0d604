package io.turnstile.port.linux;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.turnstile.packet.PacketBatch;
import io.turnstile.port.DummyPort;
import io.turnstile.port.PortFrames;
import java.lang.management.ManagementFactory;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class PollerTest {
    private static final long FOR_EVER = -1;

    private final Poller poller = new Poller();
    private final DummyPort port = new DummyPort("p");
    private final int[] ready = new int[4];

    @AfterEach
    void close() {
        poller.close();
    }

    @Test
    void aPortWithFramesIsReportedUntilTheyAreTaken() {
        poller.add(port, 7);
        port.deliver(new byte[60]);
        assertThat(poller.await(ready, FOR_EVER)).isEqualTo(1);
        assertThat(ready[0]).isEqualTo(7);
        assertThat(poller.await(ready, FOR_EVER)).isEqualTo(1);
        port.receive(PortFrames.pool(), new PacketBatch());
        assertThat(poller.await(ready, 0)).isZero();
    }

    @Test
    void aDeliveryWakesASleeper() throws InterruptedException {
        poller.add(port, 3);
        CountDownLatch started = new CountDownLatch(1);
        int[] found = new int[1];
        Thread sleeper = Thread.ofPlatform().start(() -> {
            started.countDown();
            do {
                found[0] = poller.await(ready, FOR_EVER);
            } while (found[0] == 0);
        });
        started.await();
        port.deliver(new byte[60]);
        sleeper.join();
        assertThat(found[0]).isEqualTo(1);
        assertThat(ready[0]).isEqualTo(3);
    }

    @Test
    void noDeliveryIsMissedWhileTheReceiverGoesToSleep() throws InterruptedException {
        poller.add(port, 0);
        int frames = 20_000;
        Thread sender = Thread.ofPlatform().start(() -> {
            for (int i = 0; i < frames; ) {
                i += port.deliver(new byte[60]) ? 1 : 0;
            }
        });
        PacketBatch batch = new PacketBatch();
        var pool = PortFrames.pool();
        int taken = 0;
        while (taken < frames) {
            if (poller.await(ready, FOR_EVER) > 0) {
                batch.clear();
                taken += port.receive(pool, batch);
            }
        }
        sender.join();
        assertThat(taken).isEqualTo(frames);
    }

    @Test
    void aWakeupBeforeTheWaitIsNotLost() {
        poller.wakeup();
        assertThat(poller.await(ready, FOR_EVER)).isZero();
    }

    @Test
    void aRemovedPortIsNotReported() {
        poller.add(port, 1);
        poller.remove(port);
        port.deliver(new byte[60]);
        assertThat(poller.await(ready, 0)).isZero();
    }

    @Test
    void morePortsThanPlacesAreReportedAsFarAsTheyFit() {
        for (int i = 0; i < 6; i++) {
            DummyPort each = new DummyPort("p" + i);
            each.deliver(new byte[60]);
            poller.add(each, i);
        }
        assertThat(poller.await(ready, FOR_EVER)).isEqualTo(4);
    }

    @Test
    void waitingAllocatesNothing() {
        poller.add(port, 1);
        port.deliver(new byte[60]);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long allocated = -1;
        // Compiled code allocates nothing; how soon the compiler comes to it is its own affair.
        for (int round = 0; round < 200 && allocated != 0; round++) {
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < 10_000; i++) {
                poller.await(ready, 0);
            }
            allocated = threads.getCurrentThreadAllocatedBytes() - before;
        }
        assertThat(allocated).isZero();
    }
}
