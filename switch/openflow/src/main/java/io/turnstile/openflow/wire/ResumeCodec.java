package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.pipeline.PausedWalk;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;

/** NXT_RESUME: the properties of an NXT_PACKET_IN2 with a continuation, with packet and fields as they are to be. */
public final class ResumeCodec {
    private ResumeCodec() {}

    /** A packet that is to go on. */
    public record Resume(PausedWalk paused, Match fields, byte[] frame) {}

    /** Reads what stands behind the Nicira header; of properties that come twice the last one counts. */
    public static Resume read(ByteBuf in, WireVersion version) throws OfException {
        PausedWalk paused = ContinuationCodec.read(in.slice(0, 0), version);
        Match fields = Match.ANY;
        byte[] frame = new byte[0];
        int wholeBytes = 0;
        while (in.isReadable()) {
            Property property = Property.read(in);
            switch (property.type()) {
                case AsyncCodec.NXPINT_PACKET -> frame = bytes(property.value());
                case AsyncCodec.NXPINT_FULL_LEN -> wholeBytes = property.value32();
                case AsyncCodec.NXPINT_BUFFER_ID -> property.value32();
                case AsyncCodec.NXPINT_TABLE_ID, AsyncCodec.NXPINT_REASON -> property.atLeast8();
                case AsyncCodec.NXPINT_COOKIE -> property.value64();
                case AsyncCodec.NXPINT_METADATA -> fields = MatchCodec.readRaw(property.value());
                case AsyncCodec.NXPINT_USERDATA -> {
                    // What the flow said to the controller.
                }
                case AsyncCodec.NXPINT_CONTINUATION -> paused = ContinuationCodec.read(property.nested(), version);
                default -> throw property.unknownPrivately();
            }
        }
        boolean longer = wholeBytes != 0 && Integer.compareUnsigned(wholeBytes, frame.length) < 0;
        if (frame.length == 0 || longer) {
            throw new OfException(OfErrorCode.OFPBRC_BAD_LEN, "no packet, or one that is longer than it says");
        }
        return new Resume(paused, fields, frame);
    }

    private static byte[] bytes(ByteBuf in) {
        byte[] bytes = new byte[in.readableBytes()];
        in.readBytes(bytes);
        return bytes;
    }
}
