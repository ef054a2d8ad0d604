package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfErrorCode.Form;
import io.turnstile.pipeline.flow.OfErrorCode.Vendor;
import java.nio.charset.StandardCharsets;

/** OFPT_ERROR with the spec's type and code, and with Open vSwitch's vendor errors where 1.0 has none of its own. */
public final class ErrorCodec {
    /** OFPT_ERROR in every version. */
    public static final int TYPE = 1;

    private static final int NICIRA_VENDOR_ERROR = 0xb0c2;
    /** What is said where the version has no such error (NXBRC_UNENCODABLE_ERROR). */
    private static final Form UNENCODABLE_BEFORE_12 = new Form(Vendor.NICIRA, 1, 521);

    private static final Form UNENCODABLE = new Form(Vendor.NICIRA, Wire.EXPERIMENTER, 5);
    private static final int HELLO_FAILED = 0;
    private static final int MAX_MESSAGE_BYTES = 0xffff;

    private ErrorCodec() {}

    /**
     * Writes an OFPT_ERROR whole.
     *
     * @param request the request, which is quoted whole, so that its sender need not remember it; only what would make
     *     the error itself too long is left off
     */
    public static void write(ByteBuf out, WireVersion version, int xid, OfErrorCode error, ByteBuf request) {
        int start = Wire.startMessage(out, version, TYPE, xid);
        Form form = error.in(version.code());
        boolean early = !version.isAtLeast(WireVersion.OF12);
        Form said = form.exists() ? form : early ? UNENCODABLE_BEFORE_12 : UNENCODABLE;
        switch (said.vendor()) {
            case STANDARD -> out.writeShort(said.type()).writeShort(said.code());
            case NICIRA -> {
                if (early) {
                    out.writeShort(NICIRA_VENDOR_ERROR).writeShort(0).writeInt(Wire.NICIRA);
                    out.writeShort(said.type()).writeShort(said.code());
                } else {
                    experimenter(out, said.code(), Wire.NICIRA);
                }
            }
            case ONF -> experimenter(out, said.code(), Wire.ONF);
        }
        int room = MAX_MESSAGE_BYTES - (out.writerIndex() - start);
        out.writeBytes(request, request.readerIndex(), Math.min(request.readableBytes(), room));
        Wire.endMessage(out, start);
    }

    private static void experimenter(ByteBuf out, int code, int experimenter) {
        out.writeShort(Wire.EXPERIMENTER).writeShort(code).writeInt(experimenter);
    }

    /** OFPHFC_INCOMPATIBLE: there is no version that both sides speak. */
    public static void writeHelloFailed(ByteBuf out, WireVersion version, String reason) {
        int start = Wire.startMessage(out, version, TYPE, 0);
        out.writeShort(HELLO_FAILED).writeShort(0);
        out.writeBytes(reason.getBytes(StandardCharsets.US_ASCII));
        Wire.endMessage(out, start);
    }
}
