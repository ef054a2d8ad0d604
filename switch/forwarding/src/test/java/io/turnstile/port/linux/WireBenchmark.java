package io.turnstile.port.linux;

import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.port.Port;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A wire between two devices, nothing else: what remains of a switch when only its ports count. Arguments: two devices,
 * seconds, nanoseconds to spin before sleeping, whether to join segments.
 */
public final class WireBenchmark {
    private static final long STRIDE_BYTES = Packet.HEADROOM_BYTES + Packet.MAX_FRAME_BYTES + 4096 + 192;

    private WireBenchmark() {}

    public static void main(String[] arguments) {
        long spinNs = arguments.length > 3 ? Long.parseLong(arguments[3]) : 0;
        long endNs = System.nanoTime() + Long.parseLong(arguments[2]) * 1_000_000_000L;
        boolean joinSegments = arguments.length > 4 && Boolean.parseBoolean(arguments[4]);
        try (Port left = AfPacketPort.open(arguments[0], joinSegments);
                Port right = AfPacketPort.open(arguments[1], joinSegments);
                Poller poller = new Poller()) {
            Port[] ports = {left, right};
            poller.add(left, 0);
            poller.add(right, 1);
            run(poller, ports, pool(), spinNs, endNs);
            System.out.println(left.statistics());
            System.out.println(right.statistics());
        }
    }

    private static void run(Poller poller, Port[] ports, Packet[] pool, long spinNs, long endNs) {
        PacketBatch batch = new PacketBatch();
        int[] ready = new int[ports.length];
        long frames = 0;
        long batches = 0;
        long waits = 0;
        while (System.nanoTime() < endNs) {
            waits++;
            poller.await(ready, 100_000_000);
            long idleSinceNs = System.nanoTime();
            boolean busy;
            do {
                busy = false;
                for (int i = 0; i < ports.length; i++) {
                    batch.clear();
                    int received = ports[i].receive(pool, batch);
                    if (received > 0) {
                        busy = true;
                        frames += received;
                        batches++;
                        for (int k = 0; k < received; k++) {
                            ports[1 - i].send(batch.get(k));
                        }
                        ports[1 - i].flush();
                    }
                }
                if (busy) {
                    idleSinceNs = System.nanoTime();
                }
            } while (busy || spinNs > 0 && System.nanoTime() - idleSinceNs < spinNs);
        }
        System.out.printf("frames %d, %.1f a batch, waits %d%n", frames, (double) frames / Math.max(1, batches), waits);
    }

    private static Packet[] pool() {
        Packet[] pool = new Packet[PacketBatch.CAPACITY];
        MemorySegment memory = Arena.global().allocate(STRIDE_BYTES * pool.length, 64);
        for (int i = 0; i < pool.length; i++) {
            pool[i] = new Packet(memory.asSlice(i * STRIDE_BYTES, STRIDE_BYTES));
        }
        return pool;
    }
}
