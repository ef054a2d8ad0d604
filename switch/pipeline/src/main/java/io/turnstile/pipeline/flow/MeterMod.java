package io.turnstile.pipeline.flow;

import io.turnstile.datapath.Meter;
import io.turnstile.datapath.MeterBand;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One change of the meters (OFPT_METER_MOD, {@code ovs-ofctl add-meter}).
 *
 * @param flags {@code FLAG_…}
 * @param bands none for DELETE
 */
public record MeterMod(Command command, int meterId, int flags, List<MeterBand> bands) {
    /** Rates are kilobits a second (OFPMF_KBPS). */
    public static final int FLAG_KBPS = 1;
    /** Rates are packets a second. */
    public static final int FLAG_PKTPS = 1 << 1;
    /** Bands say how much may come at once. */
    public static final int FLAG_BURST = 1 << 2;
    /** Statistics are wanted; they are kept anyway. */
    public static final int FLAG_STATS = 1 << 3;

    public static final int ALL_FLAGS = FLAG_KBPS | FLAG_PKTPS | FLAG_BURST | FLAG_STATS;

    /** The highest id that flows may name, unsigned (OFPM_MAX). */
    public static final int MAX_ID = 0xffff0000;
    /** The meter of packets that cannot be forwarded in the datapath. */
    public static final int SLOW_PATH = 0xfffffffd;
    /** The meter of packets to controllers whose flow names none. */
    public static final int CONTROLLER = 0xfffffffe;
    /** All meters, in deletions and requests. */
    public static final int ALL = 0xffffffff;

    /** What is done; the constants stand in the order of the wire. */
    public enum Command {
        ADD,
        MODIFY,
        DELETE;

        /** The number on the wire. */
        public int number() {
            return ordinal();
        }

        /** The command with that number; null if there is none. */
        public static @Nullable Command ofNumber(int number) {
            return number >= 0 && number < values().length ? values()[number] : null;
        }
    }

    /** Refuses what is wrong with the change by itself, whatever meters there are. */
    public void check() throws OfException {
        if (command == Command.DELETE) {
            return;
        }
        boolean virtual = meterId == SLOW_PATH || meterId == CONTROLLER;
        require(
                meterId != 0 && (virtual || Integer.compareUnsigned(meterId, MAX_ID) <= 0),
                OfErrorCode.OFPMMFC_INVALID_METER,
                "meter " + Integer.toUnsignedString(meterId));
        require(bands.size() <= Meter.MAX_BANDS, OfErrorCode.OFPMMFC_OUT_OF_BANDS, bands.size() + " bands");
        boolean both = (flags & FLAG_KBPS) != 0 && (flags & FLAG_PKTPS) != 0;
        require(
                (flags & ~ALL_FLAGS) == 0 && !both,
                OfErrorCode.OFPMMFC_BAD_FLAGS,
                "flags 0x" + Integer.toHexString(flags));
        for (MeterBand band : bands) {
            require(band.rate() != 0, OfErrorCode.OFPMMFC_BAD_RATE, "a band without a rate");
        }
    }

    private static void require(boolean fine, OfErrorCode code, String detail) throws OfException {
        if (!fine) {
            throw new OfException(code, detail);
        }
    }

    /** Whether rates are packets. */
    public boolean countsPackets() {
        return (flags & FLAG_PKTPS) != 0;
    }
}
