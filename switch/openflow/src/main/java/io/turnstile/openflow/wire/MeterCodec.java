package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.datapath.Meter;
import io.turnstile.datapath.MeterBand;
import io.turnstile.pipeline.OpenFlowSwitch.MeterConfig;
import io.turnstile.pipeline.OpenFlowSwitch.MeterStats;
import io.turnstile.pipeline.flow.MeterMod;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import java.util.ArrayList;
import java.util.List;

/** Changes, configurations, statistics and features of meters (OpenFlow 1.3.5 §7.3.4.4, §7.3.5.8–10). */
public final class MeterCodec {
    private static final int HEADER_BYTES = 8;
    private static final int BAND_BYTES = 16;
    private static final int STATS_BYTES = 40;
    /** As in Open vSwitch's userspace datapath. */
    private static final int MAX_METERS = 1 << 18;

    private static final long NS_PER_SECOND = 1_000_000_000L;
    private static final long NS_PER_MS = 1_000_000L;

    private MeterCodec() {}

    /** Reads a change of the meters, which is in order by itself: command 16, flags 16, meter_id 32, bands. */
    public static MeterMod read(ByteBuf in) throws OfException {
        Wire.need(in, HEADER_BYTES, OfErrorCode.OFPBRC_BAD_LEN);
        int number = in.readUnsignedShort();
        MeterMod.Command command = MeterMod.Command.ofNumber(number);
        if (command == null) {
            throw new OfException(OfErrorCode.OFPMMFC_BAD_COMMAND, "command " + number);
        }
        int flags = in.readUnsignedShort();
        int id = in.readInt();
        boolean deletes = command == MeterMod.Command.DELETE;
        MeterMod mod = new MeterMod(command, id, deletes ? 0 : flags, deletes ? List.of() : bands(in));
        mod.check();
        return mod;
    }

    /** type 16, length 16, rate 32, burst_size 32, prec_level 8, pad 24. */
    private static List<MeterBand> bands(ByteBuf in) throws OfException {
        List<MeterBand> bands = new ArrayList<>();
        while (in.isReadable()) {
            Wire.need(in, BAND_BYTES, OfErrorCode.OFPBRC_BAD_LEN);
            int type = in.readUnsignedShort();
            int length = in.readUnsignedShort();
            if (length != BAND_BYTES) {
                throw new OfException(OfErrorCode.OFPBRC_BAD_LEN, "band of " + length + " bytes");
            }
            int rate = in.readInt();
            int burst = in.readInt();
            int levels = in.readUnsignedByte();
            in.skipBytes(3);
            MeterBand.Type kind = kind(type);
            bands.add(new MeterBand(kind, rate, burst, kind == MeterBand.Type.DSCP_REMARK ? levels : 0));
        }
        return List.copyOf(bands);
    }

    private static MeterBand.Type kind(int number) throws OfException {
        for (MeterBand.Type type : MeterBand.Type.values()) {
            if (type.number() == number) {
                return type;
            }
        }
        throw new OfException(OfErrorCode.OFPMMFC_BAD_BAND, "band of type " + number);
    }

    /** The content of a change, as a client sends it. */
    public static void write(ByteBuf out, MeterMod mod) {
        out.writeShort(mod.command().number()).writeShort(mod.flags()).writeInt(mod.meterId());
        writeBands(out, mod.bands());
    }

    private static void writeBands(ByteBuf out, List<MeterBand> bands) {
        for (MeterBand band : bands) {
            out.writeShort(band.type().number())
                    .writeShort(BAND_BYTES)
                    .writeInt(band.rate())
                    .writeInt(band.burst())
                    .writeByte(band.precedenceLevels())
                    .writeZero(3);
        }
    }

    /** The meter that a request is about. */
    public static int readRequest(ByteBuf in) throws OfException {
        Wire.need(in, HEADER_BYTES, OfErrorCode.OFPBRC_BAD_LEN);
        return in.readInt();
    }

    // ---- replies: one entry each ----

    public static void writeConfiguration(ByteBuf out, MeterConfig meter) {
        out.writeShort(HEADER_BYTES + meter.bands().size() * BAND_BYTES)
                .writeShort(meter.flags())
                .writeInt(meter.meterId());
        writeBands(out, meter.bands());
    }

    /** meter_id 32, length 16, pad 48, flow_count 32, packets 64, bytes 64, duration 64, counters of each band. */
    public static void writeStatistics(ByteBuf out, MeterStats meter) {
        List<Meter.BandStatistics> bands = meter.counts().bands();
        out.writeInt(meter.meterId())
                .writeShort(STATS_BYTES + bands.size() * BAND_BYTES)
                .writeZero(6)
                .writeInt(meter.flowCount())
                .writeLong(meter.counts().packets())
                .writeLong(meter.counts().bytes())
                .writeInt((int) (meter.durationNs() / NS_PER_SECOND))
                .writeInt((int) (meter.durationNs() % NS_PER_SECOND / NS_PER_MS * NS_PER_MS));
        bands.forEach(band -> out.writeLong(band.packets()).writeLong(band.bytes()));
    }

    /** The content of a reply that says what meters can do. */
    public static void writeFeatures(ByteBuf out) {
        int types = 0;
        for (MeterBand.Type type : MeterBand.Type.values()) {
            types |= 1 << type.number();
        }
        out.writeInt(MAX_METERS)
                .writeInt(types)
                .writeInt(MeterMod.ALL_FLAGS)
                .writeByte(Meter.MAX_BANDS)
                .writeByte(0)
                .writeShort(0);
    }
}
