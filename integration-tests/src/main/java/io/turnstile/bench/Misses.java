package io.turnstile.bench;

import io.turnstile.datapath.Datapath;
import io.turnstile.datapath.ForwardingContext;
import io.turnstile.packet.Frames;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;

/**
 * Packets that meet no datapath flow, one after the other, and how long each was on its way, collections of garbage
 * taken off as far as the machine tells of them.
 */
final class Misses extends Thread {
    private static final long PAUSE_NS = 50_000;
    private static final long LONG_WAIT_NS = 2_000_000;
    private static final int MOST_WAITS = 1 << 20;

    private final Datapath datapath;
    private final int port;
    private final long[] waitsNs = new long[MOST_WAITS];
    private int count;
    private volatile boolean stopped;

    Misses(Datapath datapath, int port) {
        super("misses");
        this.datapath = datapath;
        this.port = port;
        setDaemon(true);
    }

    @Override
    public void run() {
        ForwardingContext context = datapath.newContext();
        PacketBatch batch = new PacketBatch();
        Random random = new Random(1);
        while (!stopped) {
            Packet packet = Packet.copyOf(Frames.udp("192.168." + random.nextInt(256) + "." + random.nextInt(256) + ":"
                            + random.nextInt(1 << 16) + " > 10.0.0.1:" + random.nextInt(1 << 16))
                    .bytes());
            packet.setInPort(port);
            batch.clear();
            batch.add(packet);
            long collectingNs = Memory.collectingNs();
            long beforeNs = System.nanoTime();
            datapath.process(batch, context);
            long waitNs = System.nanoTime() - beforeNs;
            if (waitNs > LONG_WAIT_NS) {
                waitNs -= Math.min(waitNs, Memory.collectingNs() - collectingNs);
            }
            waitsNs[count++ % MOST_WAITS] = waitNs;
            LockSupport.parkNanos(PAUSE_NS);
        }
        datapath.retire(context);
    }

    /** Ends, and says how long it took. */
    String end() throws InterruptedException {
        stopped = true;
        join();
        int kept = Math.min(count, MOST_WAITS);
        Arrays.sort(waitsNs, 0, kept);
        return kept == 0
                ? "none"
                : "%d, median %.3f, p99 %.2f, longest %.1f ms"
                        .formatted(count, ms(kept / 2), ms(kept - 1 - kept / 100), ms(kept - 1));
    }

    private double ms(int index) {
        return waitsNs[index] / 1e6;
    }
}
