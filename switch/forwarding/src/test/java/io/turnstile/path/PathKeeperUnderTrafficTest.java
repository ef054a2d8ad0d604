package io.turnstile.path;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.conntrack.CtState;
import io.turnstile.datapath.Datapath;
import io.turnstile.datapath.DatapathAction;
import io.turnstile.datapath.DatapathFlow;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.FlowKey;
import io.turnstile.datapath.ForwardingContext;
import io.turnstile.datapath.Upcall;
import io.turnstile.offload.PathBook;
import io.turnstile.offload.PathHandle;
import io.turnstile.offload.PathOffer;
import io.turnstile.offload.PortDirectory;
import io.turnstile.offload.spi.Direction;
import io.turnstile.offload.spi.PathEnd;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.packet.Frame;
import io.turnstile.packet.Frames;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.port.DummyPort;
import io.turnstile.time.Clock;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Flows die while packets pass, walks are summed up and a provider of its own thread takes its time: whenever a change
 * has waited, nobody carries by a flow that was killed before.
 */
class PathKeeperUnderTrafficTest {
    private static final int CONNECTIONS = 16;
    private static final int CHANGES = 300;
    /** So many directions are carried again before the next change. */
    private static final int CARRIED_BEFORE = 3;

    private final ConnectionTracker tracker = new ConnectionTracker(Clock.system(), 1000);
    private final Datapath datapath = new Datapath(tracker, Clock.system());
    private final AsynchronousBook book = new AsynchronousBook();
    private final PathKeeper keeper = new PathKeeper(datapath, tracker, new Ports(), Clock.system());
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private volatile boolean stopped;

    private static final class Ports implements PortDirectory {
        @Override
        public PortRef port(int number) {
            return new PortRef(number, "p" + number);
        }

        @Override
        public List<PortRef> ports() {
            return List.of();
        }
    }

    /** All is forwarded to the other port, and committed. */
    private static final class Forwarding implements Upcall {
        @Override
        public Translation miss(Packet packet, long[] key, long nowNs) {
            long[] mask = FlowKey.newKey();
            List.of(Field.IN_PORT, Field.RECIRC_ID, Field.ETH_TYPE, Field.CT_STATE, Field.TP_SRC)
                    .forEach(field -> field.setExact(mask));
            DatapathAction[] actions = Field.RECIRC_ID.get(key) == 0
                    ? new DatapathAction[] {
                        new DatapathAction.Ct(CtRequest.lookup(0)), new DatapathAction.Recirculate(1)
                    }
                    : new DatapathAction[] {
                        new DatapathAction.Ct(CtRequest.commit(0)),
                        new DatapathAction.Output(3 - (int) Field.IN_PORT.get(key))
                    };
            boolean established = (Field.CT_STATE.get(key) & CtState.EST) != 0;
            return new Translation(Arrays.copyOf(mask, FlowKey.DATAPATH_WORDS), actions, true, established);
        }

        @Override
        public @Nullable Translation translateAnew(long[] key, long nowNs) {
            return null;
        }

        @Override
        public void userspace(Packet packet, long[] key, Object cookie, long nowNs) {}

        @Override
        public boolean isCurrent(Translation translation) {
            return true;
        }

        @Override
        public void flowInstalled(DatapathFlow flow) {}

        @Override
        public void flowUsed(DatapathFlow flow, long packetsDelta, long bytesDelta, long lastUsedNs) {}

        @Override
        public void flowRemoved(DatapathFlow flow) {}
    }

    /** Ends what is withdrawn by a thread of its own. */
    private final class AsynchronousBook implements PathBook {
        final class Carried implements PathHandle {
            final PathOffer offer;
            volatile boolean over;

            Carried(PathOffer offer) {
                this.offer = offer;
            }

            @Override
            public void withdraw(PathEnd reason) {
                withdrawn.add(this);
            }

            @Override
            public boolean isOver() {
                return over;
            }
        }

        final Set<Carried> carried = ConcurrentHashMap.newKeySet();
        final BlockingQueue<Carried> withdrawn = new LinkedBlockingQueue<>();
        final AtomicInteger offers = new AtomicInteger();
        private final Set<String> settled = ConcurrentHashMap.newKeySet();

        void endOne() throws InterruptedException {
            Carried path = withdrawn.take();
            path.offer.user().ended();
            path.over = true;
            carried.remove(path);
            settled.remove(path.offer.connectionId() + " " + path.offer.direction());
        }

        @Override
        public boolean isAsked() {
            return true;
        }

        @Override
        public boolean wants(long connectionId, boolean reply) {
            return !settled.contains(name(connectionId, reply));
        }

        private static String name(long connectionId, boolean reply) {
            return connectionId + " " + (reply ? Direction.REPLY : Direction.ORIGINAL);
        }

        @Override
        public boolean claim(long connectionId, boolean reply) {
            return settled.add(name(connectionId, reply));
        }

        @Override
        public PathHandle offer(PathOffer offer) {
            Carried path = new Carried(offer);
            carried.add(path);
            offers.getAndIncrement();
            return path;
        }

        @Override
        public void refuse(long connectionId, Direction direction, String reason, boolean again) {
            if (!again) {
                failure.compareAndSet(null, new AssertionError(reason));
            }
            settled.remove(connectionId + " " + direction);
        }

        @Override
        public void waysChanged() {}

        @Override
        public boolean awaitOver(Collection<? extends PathHandle> paths, long timeoutNs) {
            while (!paths.stream().allMatch(PathHandle::isOver)) {
                Thread.onSpinWait();
                Thread.yield();
            }
            return true;
        }

        @Override
        public List<DirectionState> states(long connectionId) {
            return List.of();
        }

        @Override
        public Totals totals() {
            return new Totals(0, 0, 0);
        }
    }

    @Test
    void afterAChangeNobodyCarriesByWhatWasThereBefore() throws InterruptedException {
        datapath.setUpcall(new Forwarding());
        datapath.setWalkWatcher(keeper);
        datapath.addPort(new DummyPort("p1"), 1);
        datapath.addPort(new DummyPort("p2"), 2);
        keeper.setBook(book);
        keeper.start();
        Thread traffic = start(this::forward);
        Thread provider = start(() -> {
            while (!stopped) {
                book.endOne();
            }
        });
        try {
            for (int i = 0; i < CHANGES && failure.get() == null; i++) {
                while (book.carried.size() < CARRIED_BEFORE && failure.get() == null) {
                    Thread.yield();
                }
                datapath.invalidate(flow -> true);
                datapath.awaitQuiescence();
                assertThat(book.carried)
                        .as("change %s", i)
                        .allMatch(path -> path.offer.user().isCurrent());
            }
        } finally {
            stopped = true;
            provider.interrupt();
            traffic.join();
            provider.join();
            keeper.close();
        }
        assertThat(failure.get()).isNull();
        assertThat(book.offers.get()).isGreaterThanOrEqualTo(CARRIED_BEFORE * CHANGES);
    }

    private interface Work {
        void run() throws InterruptedException;
    }

    private Thread start(Work work) {
        return Thread.ofPlatform().daemon().start(() -> {
            try {
                work.run();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt(); // the test is over
            } catch (RuntimeException | Error e) {
                failure.compareAndSet(null, e);
            }
        });
    }

    private void forward() {
        byte[][] requests = new byte[CONNECTIONS][];
        byte[][] answers = new byte[CONNECTIONS][];
        for (int i = 0; i < CONNECTIONS; i++) {
            Frame request = Frames.udp("10.0.0.1:" + (1000 + i) + " > 10.0.0.2:80");
            requests[i] = request.bytes();
            answers[i] = request.reply().bytes();
        }
        ForwardingContext context = datapath.newContext();
        PacketBatch batch = new PacketBatch();
        while (!stopped) {
            for (int i = 0; i < CONNECTIONS; i++) {
                batch.clear();
                batch.add(packet(requests[i], 1));
                batch.add(packet(answers[i], 2));
                datapath.process(batch, context);
            }
        }
    }

    private static Packet packet(byte[] frame, int port) {
        Packet packet = Packet.copyOf(frame);
        packet.setInPort(port);
        return packet;
    }
}
