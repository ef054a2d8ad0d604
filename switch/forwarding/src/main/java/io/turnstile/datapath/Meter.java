package io.turnstile.datapath;

import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * A meter: a bucket of tokens for each band, filled as time goes by and emptied by packets, as in Open vSwitch's
 * userspace datapath. Of the bands whose bucket has not enough for a packet the one with the highest rate is applied to
 * it.
 *
 * <p>A joined frame counts as the frames that it stands for. It passes or ends as a whole: it passes where there is
 * enough for the first of them, and the bucket owes the rest, so that on average the rate is kept.
 *
 * <p>Threads: any; nothing is locked. Buckets are changed by compare-and-set, one after the other.
 */
public final class Meter {
    /** As in Open vSwitch's userspace datapath. */
    public static final int MAX_BANDS = 8;

    private static final long NS_PER_MS = 1_000_000;
    /** A token is a thousandth of a packet or a bit, so that rates by the second are tokens by the millisecond. */
    private static final long TOKENS_PER_UNIT = 1000;

    private static final int NO_BAND = -1;
    private static final int BITS_PER_BYTE = 8;

    /** What the meter has been told, and what came of it since. */
    private static final class Setting {
        private final boolean countsPackets;
        private final List<MeterBand> bands;
        private final long[] capacities;
        /** Tokens, less than none where a joined frame has left debts. */
        private final AtomicLongArray buckets;
        /** The longest time in which no bucket can overflow. */
        private final long fullAfterMs;

        private final AtomicLong filledNs;
        private final AtomicLong packets = new AtomicLong();
        private final AtomicLong bytes = new AtomicLong();
        private final AtomicLongArray bandPackets;
        private final AtomicLongArray bandBytes;

        Setting(boolean countsPackets, List<MeterBand> bands, long nowNs) {
            this.countsPackets = countsPackets;
            this.bands = List.copyOf(bands);
            this.capacities = bands.stream().mapToLong(Setting::capacity).toArray();
            this.buckets = new AtomicLongArray(capacities);
            long longest = 0;
            for (int i = 0; i < capacities.length; i++) {
                // Twice, because a bucket may owe as much as a frame has, and more than that is as good as full.
                longest = Math.max(longest, 2 * capacities[i] / Math.max(1, rate(bands.get(i))) + TOKENS_PER_UNIT);
            }
            this.fullAfterMs = longest;
            this.filledNs = new AtomicLong(nowNs);
            this.bandPackets = new AtomicLongArray(capacities.length);
            this.bandBytes = new AtomicLongArray(capacities.length);
        }

        private static long rate(MeterBand band) {
            return Integer.toUnsignedLong(band.rate());
        }

        private static long capacity(MeterBand band) {
            return TOKENS_PER_UNIT * Integer.toUnsignedLong(band.burst() == 0 ? band.rate() : band.burst());
        }

        /** Fills all buckets at once, since others may use them next. */
        void fill(long nowNs) {
            long before;
            long passedMs;
            do {
                before = filledNs.get();
                passedMs = (nowNs - before) / NS_PER_MS;
            } while (passedMs > 0 && !filledNs.compareAndSet(before, before + passedMs * NS_PER_MS));
            long countedMs = Math.min(passedMs, fullAfterMs);
            for (int i = 0; countedMs > 0 && i < capacities.length; i++) {
                add(i, countedMs * rate(bands.get(i)));
            }
        }

        private void add(int band, long tokens) {
            long before;
            do {
                before = buckets.get(band);
            } while (!buckets.compareAndSet(band, before, Math.min(capacities[band], before + tokens)));
        }

        /** Takes tokens out of the bucket if there are at least so many in it. */
        boolean take(int band, long tokens, long atLeast) {
            long before;
            do {
                before = buckets.get(band);
                if (before < atLeast) {
                    return false;
                }
            } while (!buckets.compareAndSet(band, before, before - tokens));
            return true;
        }

        long tokens(long frames, long bytes) {
            return countsPackets ? frames * TOKENS_PER_UNIT : bytes * BITS_PER_BYTE;
        }
    }

    /**
     * What passed through a meter.
     *
     * @param packets frames on the wire that came to it
     * @param bands what each band was applied to
     */
    public record Statistics(long packets, long bytes, List<BandStatistics> bands) {}

    /** What one band was applied to. */
    public record BandStatistics(long packets, long bytes) {}

    private final int number;
    private volatile Setting setting;

    /**
     * A meter with full buckets.
     *
     * @param number by which datapath flows show it
     * @param countsPackets rates and bursts are packets; else kilobits
     */
    public Meter(int number, boolean countsPackets, List<MeterBand> bands, long nowNs) {
        this.number = number;
        this.setting = new Setting(countsPackets, bands, nowNs);
    }

    public int number() {
        return number;
    }

    /** Starts anew with other bands. Packets under way may still be measured by the former ones. */
    public void configure(boolean countsPackets, List<MeterBand> bands, long nowNs) {
        setting = new Setting(countsPackets, bands, nowNs);
    }

    /** What came since it was configured. */
    public Statistics statistics() {
        Setting now = setting;
        BandStatistics[] bands = new BandStatistics[now.bands.size()];
        for (int i = 0; i < bands.length; i++) {
            bands[i] = new BandStatistics(now.bandPackets.get(i), now.bandBytes.get(i));
        }
        return new Statistics(now.packets.get(), now.bytes.get(), List.of(bands));
    }

    /**
     * Takes out of the batch what exceeds the rate, remarks what is to be remarked; returns how many were taken out.
     */
    int run(PacketBatch packets, long nowNs) {
        Setting now = setting;
        now.fill(nowNs);
        int exceeded = takeForAll(now, packets);
        return exceeded == 0 ? 0 : takeOneByOne(now, packets, exceeded);
    }

    /** Counts the batch, and pays for it as a whole; returns the bands, one bit each, whose bucket has not enough. */
    private static int takeForAll(Setting now, PacketBatch packets) {
        long frames = 0;
        long bytes = 0;
        for (int i = 0; i < packets.length(); i++) {
            frames += JoinedFrame.frames(packets.get(i));
            bytes += JoinedFrame.wireBytes(packets.get(i));
        }
        now.packets.getAndAdd(frames);
        now.bytes.getAndAdd(bytes);
        long tokens = now.tokens(frames, bytes);
        int exceeded = 0;
        for (int i = 0; i < now.bands.size(); i++) {
            exceeded |= now.take(i, tokens, tokens) ? 0 : 1 << i;
        }
        return exceeded;
    }

    private static int takeOneByOne(Setting now, PacketBatch packets, int exceeded) {
        int kept = 0;
        for (int i = 0; i < packets.length(); i++) {
            Packet packet = packets.get(i);
            int band = bandExceededBy(packet, now, exceeded);
            if (band == NO_BAND || apply(now, band, packet)) {
                packets.set(kept++, packet);
            }
        }
        int dropped = packets.length() - kept;
        packets.shorten(kept);
        return dropped;
    }

    private static int bandExceededBy(Packet packet, Setting now, int exceeded) {
        int frames = JoinedFrame.frames(packet);
        long bytes = JoinedFrame.wireBytes(packet);
        long tokens = now.tokens(frames, bytes);
        long ofFirst = now.tokens(1, frames == 1 ? bytes : JoinedFrame.headerBytes(packet) + packet.segmentBytes());
        int fired = NO_BAND;
        for (int i = 0; i < now.bands.size(); i++) {
            if ((exceeded & 1 << i) != 0
                    && !now.take(i, tokens, ofFirst)
                    && (fired == NO_BAND || Setting.rate(now.bands.get(i)) > Setting.rate(now.bands.get(fired)))) {
                fired = i;
            }
        }
        return fired;
    }

    /** Returns whether the packet goes on. */
    private static boolean apply(Setting now, int band, Packet packet) {
        now.bandPackets.getAndAdd(band, JoinedFrame.frames(packet));
        now.bandBytes.getAndAdd(band, JoinedFrame.wireBytes(packet));
        MeterBand applied = now.bands.get(band);
        return switch (applied.type()) {
            case DROP -> false;
            case DSCP_REMARK -> {
                ActionExecutor.remark(packet, applied.precedenceLevels());
                yield true;
            }
        };
    }
}
