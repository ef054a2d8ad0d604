package io.turnstile.datapath;

import io.turnstile.conntrack.CtRequest;
import io.turnstile.packet.PacketBatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.IntPredicate;

/** A tracker of which nothing is asked but by what ports packets came in that it has not forgotten. Threads: any. */
final class TrackedPorts extends RecordingConntrack {
    private final AtomicLongArray packetsByPort = new AtomicLongArray(10_000);
    private final AtomicLong packets = new AtomicLong();

    TrackedPorts() {
        remembering = false;
    }

    @Override
    public int track(PacketBatch batch, CtRequest request, long nowNs) {
        for (int i = 0; i < batch.length(); i++) {
            packetsByPort.incrementAndGet(batch.get(i).inPort());
            packets.incrementAndGet();
        }
        return super.track(batch, request, nowNs);
    }

    @Override
    public void forgetPorts(IntPredicate gone) {
        for (int number = 0; number < packetsByPort.length(); number++) {
            if (gone.test(number)) {
                packetsByPort.set(number, 0);
            }
        }
    }

    boolean has(int number) {
        return packetsByPort.get(number) != 0;
    }

    long packets() {
        return packets.get();
    }
}
