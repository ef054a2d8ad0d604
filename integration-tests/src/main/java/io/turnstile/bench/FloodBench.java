package io.turnstile.bench;

import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.packet.Frames;
import io.turnstile.packet.InternetChecksum;
import io.turnstile.packet.Packet;
import io.turnstile.packet.Packet.ChecksumState;
import io.turnstile.packet.PacketBatch;
import io.turnstile.time.Clock;
import java.io.IOException;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** A SYN flood against a full table, beside established traffic on a thread of its own. */
@CommandLine.Command(name = "flood", description = "a SYN flood against a limit: what it costs established traffic")
public final class FloodBench implements Callable<Integer> {
    private static final CtRequest COMMIT = CtRequest.commit(1);
    private static final int ESTABLISHED = 1000;
    private static final long MEASURED_NS = TimeUnit.SECONDS.toNanos(2);
    private static final int SOURCE_ADDRESS = 14 + 12;

    @Option(names = "--syns", defaultValue = "10000000", description = "distinct tuples (default: ${DEFAULT-VALUE})")
    private int syns;

    @Option(names = "--limit", defaultValue = "1000000", description = "of the table (default: ${DEFAULT-VALUE})")
    private int limit;

    @Override
    public Integer call() throws InterruptedException, IOException {
        ConnectionTracker tracker = new ConnectionTracker(Clock.system(), limit);
        Traffic traffic = new Traffic();
        traffic.populate(tracker, ESTABLISHED);
        rate(tracker, traffic, null); // warm
        long residentBefore = Memory.residentBytes();
        double before = rate(tracker, traffic, null);
        double during = besideFlood(tracker, traffic);
        double after = rate(tracker, traffic, null);
        System.out.printf(
                "established traffic, million packets per CPU second:"
                        + " before %.2f, during the flood %.2f, after %.2f; ratio %.2f%n",
                before / 1e6, during / 1e6, after / 1e6, during / before);
        System.out.printf(
                "connections %d of at most %d, refused %d, memory +%d MiB%n",
                tracker.connectionCount(), limit, tracker.refusals(), Memory.residentBytes() - residentBefore >> 20);
        return 0;
    }

    private double besideFlood(ConnectionTracker tracker, Traffic traffic) throws InterruptedException {
        AtomicBoolean flooding = new AtomicBoolean(true);
        Thread thread = Thread.ofPlatform().start(() -> {
            try {
                flood(tracker);
            } finally {
                flooding.set(false);
            }
        });
        double rate = rate(tracker, traffic, flooding);
        thread.join();
        return rate;
    }

    /** Packets per second of this thread's CPU time, over two seconds or, beside a flood, until it is over. */
    private double rate(ConnectionTracker tracker, Traffic traffic, AtomicBoolean flooding) {
        long startNs = System.nanoTime();
        long cpuNs = CpuTime.ofThisThreadNs();
        long packets = 0;
        while (flooding != null ? flooding.get() : System.nanoTime() - startNs < MEASURED_NS) {
            for (int i = 0; i < 100; i++) {
                int from = (int) (packets % (ESTABLISHED - PacketBatch.CAPACITY));
                tracker.track(traffic.fill(from, 1, PacketBatch.CAPACITY), COMMIT, 1);
                packets += PacketBatch.CAPACITY;
            }
        }
        return packets * 1e9 / (CpuTime.ofThisThreadNs() - cpuNs);
    }

    private void flood(ConnectionTracker tracker) {
        Packet[] packets = new Packet[PacketBatch.CAPACITY];
        PacketBatch batch = new PacketBatch();
        for (int i = 0; i < packets.length; i++) {
            packets[i] = Frames.tcp("10.0.0.1:1234 > 192.0.2.9:80").syn().packet();
            packets[i].putU32(SOURCE_ADDRESS, 0x0000_ffff);
            packets[i].putU16(14 + 10, 0);
            packets[i].putU16(14 + 10, InternetChecksum.finish(InternetChecksum.add(0, packets[i], 14, 34)));
            batch.add(packets[i]);
        }
        for (int made = 0; made < syns; made += PacketBatch.CAPACITY) {
            for (int i = 0; i < packets.length; i++) {
                int number = made + i;
                packets[i].clearConntrack();
                packets[i].setChecksumState(ChecksumState.GOOD);
                packets[i].putU32(SOURCE_ADDRESS, number << 16 | ~number & 0xffff);
                packets[i].putU16(14 + 20, 1024 + (number >>> 16));
            }
            tracker.track(batch, COMMIT, 1);
        }
    }
}
