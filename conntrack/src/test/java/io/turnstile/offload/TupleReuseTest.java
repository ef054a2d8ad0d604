package io.turnstile.offload;

import static io.turnstile.packet.Frames.tcp;
import static io.turnstile.packet.Frames.udp;
import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.conntrack.NatRequest;
import io.turnstile.offload.conformance.IdleProvider;
import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.TupleView;
import io.turnstile.offload.spi.Verdict;
import io.turnstile.packet.Frame;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.time.ManualClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/**
 * The same few tuples again and again, as real packets through the real tracker on several threads, flushed and run out
 * beside: a device that goes by zone and tuple never sees an add of a tuple that it has. See {@link Hunt}.
 */
class TupleReuseTest {
    private static final int ROUNDS = 4_000;
    private static final int CONNECTIONS = 400;
    private static final long PATIENCE_NS = TimeUnit.SECONDS.toNanos(30);

    private static final NatRequest TRANSLATED = new NatRequest(
            NatRequest.Kind.SOURCE, false, 0, 0x0a00_0003, 0, 0x0a00_0004, 1000, 1010, false, NatRequest.Choice.RANDOM);

    /** One rule for each direction of each connection. */
    private final class Device extends IdleProvider {
        private final ConcurrentMap<String, Long> rules = new ConcurrentHashMap<>();
        private final Queue<String> faults = new ConcurrentLinkedQueue<>();

        Device() {
            super("device");
        }

        private String key(ConnView c, TupleView t) {
            return c.zone() + " " + c.protocol() + " " + t;
        }

        private void put(ConnView c, String key) {
            Long former = rules.put(key, c.id());
            if (former != null && faults.size() < 20) {
                faults.add("add of a tuple that %x has: %x %s".formatted(former, c.id(), key));
            }
        }

        private void remove(ConnView c, String key) {
            if (!rules.remove(key, c.id()) && faults.size() < 20) {
                faults.add("delete of another one's tuple: %x %s".formatted(c.id(), key));
            }
        }

        @Override
        public Verdict connAdd(ConnView c) {
            put(c, key(c, c.original()));
            put(c, key(c, c.reply()));
            adds.increment();
            return Verdict.accept();
        }

        @Override
        public boolean connEstablished(ConnView c, PortRef replyIngress) {
            return true;
        }

        @Override
        public void connDel(ConnView c, DelReason reason) {
            remove(c, key(c, c.original()));
            remove(c, key(c, c.reply()));
        }
    }

    private final LongAdder adds = new LongAdder();
    private final ManualClock clock =
            new ManualClock(Long.MAX_VALUE - TimeUnit.SECONDS.toNanos(30), 1_700_000_000_000L);

    @Test
    void aTupleIsNeverAddedBeforeItsFormerConnectionIsDeleted() {
        Hunt.over("tuples, real tracker", 6, this::run);
        assertThat(adds.sum()).as("adds in all histories").isPositive();
    }

    private void run(long seed) throws InterruptedException {
        ConnectionTracker tracker = new ConnectionTracker(clock, CONNECTIONS);
        Device device = new Device();
        OffloadDispatcher dispatcher = new OffloadDispatcher(tracker, clock, PortDirectory.named(port -> "p" + port));
        dispatcher.setThreads(1 + (int) (seed % 3));
        dispatcher.enable(List.of(device));
        AtomicReference<Throwable> failure = new AtomicReference<>();
        AtomicBoolean over = new AtomicBoolean();
        List<Thread> senders = new ArrayList<>();
        for (int t = 0; t < 2 + seed % 2; t++) {
            Random random = new Random(seed * 31 + t);
            senders.add(start(failure, () -> send(tracker, random)));
        }
        Thread sweeper = start(failure, () -> {
            Random random = new Random(seed);
            while (!over.get()) {
                clock.advance(Duration.ofMillis(random.nextInt(3000)));
                tracker.sweep(clock.nowNs());
                if (random.nextInt(3) == 0) {
                    tracker.flush(random.nextBoolean() ? null : random.nextInt(2), clock.nowNs());
                }
                LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(random.nextInt(2000)));
            }
        });
        for (Thread sender : senders) {
            sender.join();
        }
        over.set(true);
        sweeper.join();
        tracker.flush(null, clock.nowNs());
        long startNs = System.nanoTime();
        while (!device.rules.isEmpty() && System.nanoTime() - startNs < PATIENCE_NS) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
        }
        assertThat(device.faults).isEmpty();
        assertThat(device.rules).isEmpty();
        assertThat(failure.get()).isNull();
        dispatcher.close();
        assertThat(tracker.connectionCount()).isZero();
    }

    /** Packets of a few tuples, either side the first, plain and translated, in two zones. */
    private void send(ConnectionTracker tracker, Random random) {
        PacketBatch batch = new PacketBatch();
        for (int i = 0; i < ROUNDS; i++) {
            boolean isTcp = random.nextInt(3) == 0;
            int port = 1000 + random.nextInt(8);
            boolean back = random.nextInt(3) == 0;
            String inside = (random.nextInt(4) == 0 ? "10.0.0.3:" : "10.0.0.1:") + port;
            String addresses = back ? "10.0.0.2:53 > " + inside : inside + " > 10.0.0.2:53";
            Frame frame = isTcp ? tcp(addresses) : udp(addresses);
            if (isTcp) {
                frame = switch (random.nextInt(4)) {
                    case 0 -> frame.ack().seq(101).ackNumber(901);
                    case 1 -> frame.synAck().seq(900).ackNumber(101);
                    case 2 -> frame.flags(0x14).seq(101).ackNumber(901);
                    default -> frame.syn().seq(random.nextInt(1000));
                };
            }
            int zone = random.nextInt(5) == 0 ? 1 : 0;
            CtRequest request = switch (random.nextInt(6)) {
                case 0, 1 -> CtRequest.lookup(zone);
                case 2 -> new CtRequest(zone, true, true, random.nextInt(9), -1, 0, 0, 0, 0); // replaces
                default -> CtRequest.commit(zone);
            };
            Packet packet = frame.packet();
            packet.setInPort(back ? 2 : 1);
            batch.clear();
            batch.add(packet);
            tracker.track(batch, random.nextInt(3) == 0 ? request.with(TRANSLATED) : request, clock.nowNs());
        }
    }

    private static Thread start(AtomicReference<Throwable> failure, Runnable work) {
        Thread thread = new Thread(work);
        thread.setUncaughtExceptionHandler((t, e) -> failure.compareAndSet(null, e));
        thread.start();
        return thread;
    }
}
