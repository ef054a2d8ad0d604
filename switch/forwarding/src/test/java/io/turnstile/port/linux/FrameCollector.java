package io.turnstile.port.linux;

import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.port.Port;
import io.turnstile.port.PortFrames;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/** Waits for frames of one port through a {@link Poller}, as a forwarding thread would. */
final class FrameCollector implements AutoCloseable {
    private static final long PATIENCE_NS = 10_000_000_000L;

    private final Port port;
    private final Poller poller = new Poller();
    private final Packet[] pool = PortFrames.pool();

    FrameCollector(Port port) {
        this.port = port;
        poller.add(port, 0);
    }

    /** The next {@code length} packets that {@code wanted} picks, as copies; fails when none comes for long. */
    List<Packet> take(int length, Predicate<Packet> wanted) {
        List<Packet> taken = new ArrayList<>();
        PacketBatch batch = new PacketBatch();
        int[] ready = new int[1];
        while (taken.size() < length) {
            if (poller.await(ready, PATIENCE_NS) == 0) {
                throw new AssertionError("only " + taken.size() + " of " + length + " frames came");
            }
            batch.clear();
            port.receive(pool, batch);
            for (int i = 0; i < batch.length(); i++) {
                if (wanted.test(batch.get(i))) {
                    Packet copy = Packet.copyOf(new byte[batch.get(i).lengthBytes()]);
                    copy.copyFrom(batch.get(i));
                    taken.add(copy);
                }
            }
        }
        return taken;
    }

    static Predicate<Packet> etherType(int type) {
        return packet -> packet.u16(12) == type;
    }

    @Override
    public void close() {
        poller.close();
    }
}
