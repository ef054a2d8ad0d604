package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.datapath.Field;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfAction.Ports;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import io.turnstile.pipeline.flow.PacketOut;
import java.util.List;

/** OFPT_PACKET_OUT, whose actions may be Nicira's. */
public final class PacketOutCodec {
    /** OFPT_PACKET_OUT in every version. */
    public static final int TYPE = 13;

    private PacketOutCodec() {}

    /** Reads what stands behind the header. */
    public static PacketOut read(ByteBuf in, WireVersion version) throws OfException {
        Wire.need(in, version.hasInstructions() && version != WireVersion.OF15 ? 16 : 8, OfErrorCode.OFPBRC_BAD_LEN);
        Wire.needNoBuffer(in.readInt());
        int inPort = switch (version) {
            case OF10 -> Ports.widened(in.readUnsignedShort());
            case OF11, OF12, OF13, OF14 -> in.readInt();
            case OF15 -> Ports.NONE;
        };
        Match fields = Match.ANY;
        int actionsLength = in.readUnsignedShort();
        if (version == WireVersion.OF15) {
            in.skipBytes(2);
            fields = MatchCodec.read(in);
            inPort = fields.matchesOn(Field.IN_PORT) ? (int) fields.value(Field.IN_PORT) : Ports.NONE;
        } else if (version.hasInstructions()) {
            in.skipBytes(6);
        }
        checkInPort(inPort);
        Wire.need(in, actionsLength, OfErrorCode.OFPBRC_BAD_LEN);
        List<OfAction> actions = ActionCodec.read(in.readSlice(actionsLength), version);
        byte[] frame = new byte[in.readableBytes()];
        in.readBytes(frame);
        return new PacketOut(inPort, fields, actions, frame);
    }

    private static void checkInPort(int port) throws OfException {
        boolean physical = Integer.compareUnsigned(port, Ports.MAX) < 0;
        if (!physical && port != Ports.LOCAL && port != Ports.NONE && port != Ports.CONTROLLER) {
            throw new OfException(OfErrorCode.OFPBRC_BAD_PORT, "in_port " + Integer.toUnsignedString(port));
        }
    }
}
