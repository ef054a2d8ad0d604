package io.turnstile.datapath;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Frames;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.packet.PacketParser;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Buckets of tokens, against one that is kept by hand. */
class MeterTest {
    private static final long START_NS = Long.MAX_VALUE - TimeUnit.SECONDS.toNanos(1);
    private static final int AF11 = 10 << 2;
    private static final int AF13 = 14 << 2;

    private static MeterBand drop(int rate, int burst) {
        return new MeterBand(MeterBand.Type.DROP, rate, burst, 0);
    }

    private static PacketBatch batch(int packets, int payloadBytes) {
        PacketBatch batch = new PacketBatch();
        for (int i = 0; i < packets; i++) {
            Packet packet = Packet.copyOf(
                    Frames.udp("10.0.0.1:1 > 10.0.0.2:2").payload(payloadBytes).bytes());
            PacketParser.parse(packet);
            batch.add(packet);
        }
        return batch;
    }

    @Test
    void kilobitsAreCountedByTheByte() {
        Meter meter = new Meter(0, false, List.of(drop(8, 0)), START_NS);
        int bytes = batch(1, 58).get(0).lengthBytes();
        assertThat(bytes).isEqualTo(100);
        PacketBatch packets = batch(32, 58);
        assertThat(meter.run(packets, START_NS)).isEqualTo(22);
        assertThat(packets.length()).isEqualTo(10);
        assertThat(meter.run(batch(32, 58), START_NS + TimeUnit.MILLISECONDS.toNanos(500)))
                .isEqualTo(27);
    }

    @Test
    void burstIsWhatMayComeAtOnce() {
        Meter meter = new Meter(0, true, List.of(drop(10, 25)), START_NS);
        assertThat(meter.run(batch(32, 8), START_NS)).isEqualTo(7);
        assertThat(meter.run(batch(32, 8), START_NS + TimeUnit.SECONDS.toNanos(1)))
                .isEqualTo(22);
    }

    /** The band with the highest rate of those exceeded is the one that is applied. */
    @Test
    void dropPrecedenceGrowsAndThenPacketsEnd() {
        MeterBand remark = new MeterBand(MeterBand.Type.DSCP_REMARK, 5, 0, 2);
        Meter meter = new Meter(0, true, List.of(remark, drop(10, 0)), START_NS);
        PacketBatch packets = batch(20, 8);
        for (int i = 0; i < packets.length(); i++) {
            ActionExecutor.setField(
                    single(packets.get(i)), new DatapathAction.SetField(Field.NW_TOS, 0, AF11, 0, 0xff));
        }
        assertThat(meter.run(packets, START_NS)).isEqualTo(10);
        int remarked = 0;
        for (int i = 0; i < packets.length(); i++) {
            int tos = packets.get(i).u8(packets.get(i).l3Offset() + 1);
            assertThat(tos).isIn(AF11, AF13);
            remarked += tos == AF13 ? 1 : 0;
        }
        assertThat(remarked).isEqualTo(5);
        assertThat(meter.statistics().bands())
                .extracting(Meter.BandStatistics::packets)
                .containsExactly(5L, 10L);
    }

    private static PacketBatch single(Packet packet) {
        PacketBatch batch = new PacketBatch();
        batch.add(packet);
        return batch;
    }

    @Test
    void onlyAssuredForwardingHasADropPrecedence() {
        assertThat(DropPrecedence.raised(AF11 | 1, 1)).isEqualTo(12 << 2 | 1);
        assertThat(DropPrecedence.raised(AF11, 9)).isEqualTo(AF13);
        for (int other : new int[] {0, 46 << 2, 8 << 2, 11 << 2, 56 << 2}) {
            assertThat(DropPrecedence.raised(other, 1)).isEqualTo(other);
        }
    }

    /** Batches of one packet: then whether it passes is a matter of the bucket alone. */
    @Test
    void anyTrafficGetsWhatOneBucketGives() {
        for (int seed = 0; seed < 50; seed++) {
            Random random = new Random(seed);
            int rate = 1 + random.nextInt(1000);
            int burst = random.nextInt(100);
            Meter meter = new Meter(0, true, List.of(drop(rate, burst)), START_NS);
            long capacity = 1000L * (burst == 0 ? rate : burst);
            long tokens = capacity;
            long nowMs = 0;
            for (int i = 0; i < 500; i++) {
                int passedMs = random.nextInt(20);
                nowMs += passedMs;
                tokens = Math.min(capacity, tokens + (long) passedMs * rate);
                boolean passes = tokens >= 1000;
                tokens -= passes ? 1000 : 0;
                assertThat(meter.run(batch(1, 8), START_NS + TimeUnit.MILLISECONDS.toNanos(nowMs)))
                        .as("seed %d, packet %d", seed, i)
                        .isEqualTo(passes ? 0 : 1);
            }
        }
    }
}
