package io.turnstile.bench;

import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.packet.Frames;
import io.turnstile.packet.InternetChecksum;
import io.turnstile.packet.Packet;
import io.turnstile.packet.Packet.ChecksumState;
import io.turnstile.packet.PacketBatch;

/** A batch of UDP packets of which the source is written anew again and again. Threads: one. */
final class Traffic {
    /** Where {@link #answer} and {@link #populate} make connections. */
    static final int ZONE = 1;

    private static final CtRequest COMMIT = CtRequest.commit(ZONE);
    private static final int SOURCE_ADDRESS = 14 + 12;
    private static final int DESTINATION_ADDRESS = 14 + 16;
    private static final int PORTS = 14 + 20;

    private final Packet[] packets = new Packet[PacketBatch.CAPACITY];
    private final PacketBatch batch = new PacketBatch();

    Traffic() {
        for (int i = 0; i < packets.length; i++) {
            packets[i] = Frames.udp("10.0.0.1:1234 > 192.0.2.1:80")
                    .payload(18)
                    .withoutChecksum()
                    .packet();
        }
        fill(0, 0, packets.length);
        for (Packet packet : packets) {
            packet.putU16(14 + 10, 0);
            packet.putU16(14 + 10, InternetChecksum.finish(InternetChecksum.add(0, packet, 14, 34)));
        }
    }

    /** Packets of the connections {@code from}, {@code from + step}, … */
    PacketBatch fill(int from, int step, int length) {
        batch.clear();
        for (int i = 0; i < length; i++) {
            Packet packet = packets[i];
            int number = from + i * step;
            packet.clearConntrack();
            packet.setChecksumState(ChecksumState.GOOD);
            packet.putU32(SOURCE_ADDRESS, address(number));
            // The source port is under no checksum that is looked at.
            packet.putU16(PORTS, 1024 + (number >>> 16));
            batch.add(packet);
        }
        return batch;
    }

    /** An address of 16 bits and their complement keeps the header sum as it is. */
    private static int address(int number) {
        return number << 16 | ~number & 0xffff;
    }

    /** Makes the batch's connections, and has them answered. */
    void answer(ConnectionTracker tracker, PacketBatch batch, long nowNs) {
        answer(tracker, batch, COMMIT, nowNs);
    }

    private static void answer(ConnectionTracker tracker, PacketBatch batch, CtRequest commit, long nowNs) {
        tracker.track(batch, commit, nowNs);
        turn(batch);
        tracker.track(batch, commit, nowNs);
        turn(batch);
    }

    /**
     * Makes packets of the original direction such of the reply direction, and the other way round. To be called again
     * before the next {@link #fill}.
     */
    static void turn(PacketBatch batch) {
        for (int i = 0; i < batch.length(); i++) {
            turn(batch.get(i));
        }
    }

    /** Source and destination change places: the sums stay. */
    private static void turn(Packet packet) {
        int source = packet.u32(SOURCE_ADDRESS);
        packet.putU32(SOURCE_ADDRESS, packet.u32(DESTINATION_ADDRESS));
        packet.putU32(DESTINATION_ADDRESS, source);
        packet.putU32(PORTS, Integer.rotateLeft(packet.u32(PORTS), 16));
        packet.clearConntrack();
    }

    /** So many connections, answered. */
    void populate(ConnectionTracker tracker, int connections) {
        populate(tracker, connections, COMMIT, 0);
    }

    /** @param commit in {@link #ZONE} */
    void populate(ConnectionTracker tracker, int connections, CtRequest commit, long nowNs) {
        for (int n = 0; n < connections; n += packets.length) {
            answer(tracker, fill(n, 1, Math.min(packets.length, connections - n)), commit, nowNs);
        }
        if (tracker.connectionCount() != connections) {
            throw new IllegalStateException(tracker.connectionCount() + " connections instead of " + connections);
        }
    }
}
