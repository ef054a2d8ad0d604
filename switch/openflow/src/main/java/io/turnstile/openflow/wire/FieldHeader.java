package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.pipeline.flow.MatchField;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import org.jspecify.annotations.Nullable;

/** The head of an NXM or OXM field: class, number, whether a mask follows. */
record FieldHeader(MatchField field, boolean masked) {
    /** NXM_NX_COOKIE: only in requests, selects by cookie. */
    private static final int NXM_COOKIE = 1 << 7 | 30;

    private static final int COOKIE_BYTES = 8;

    /**
     * Reads it and checks that its length is that of the field.
     *
     * @param badLength what to say if it is cut or of the wrong length
     * @param unknown what to say of a field that this switch does not have
     */
    static FieldHeader read(ByteBuf in, OfErrorCode badLength, OfErrorCode unknown) throws OfException {
        Wire.need(in, 4, badLength);
        int header = in.readInt();
        boolean masked = (header >>> 8 & 1) != 0;
        int length = header & 0xff;
        int code = header >>> 9;
        if (header >>> 16 == Wire.EXPERIMENTER) {
            Wire.need(in, 4, badLength);
            int experimenter = in.readInt();
            length -= 4;
            MatchField field = switch (experimenter) {
                case Wire.ONF -> MatchField.experimenter13(code & 0x7f);
                case Wire.NICIRA_OXM -> MatchField.coded(code);
                case Wire.NICIRA -> MatchField.ofOlderVendor(code & 0x7f);
                default -> null;
            };
            return checked(field, masked, length, badLength, unknown);
        }
        return checked(MatchField.coded(code), masked, length, badLength, unknown);
    }

    /**
     * Whether the head of NXM_NX_COOKIE comes next, which is no field of a packet. NXM_NX_MPLS_TTL has the same number,
     * and one byte.
     */
    static boolean isCookie(ByteBuf in) {
        if (in.readableBytes() < 4) {
            return false;
        }
        int header = in.getInt(in.readerIndex());
        boolean masked = (header >>> 8 & 1) != 0;
        return header >>> 9 == NXM_COOKIE && (header & 0xff) != (masked ? 2 : 1);
    }

    /** Reads the head of NXM_NX_COOKIE; true if a mask follows the cookie. */
    static boolean readCookie(ByteBuf in, OfErrorCode badLength) throws OfException {
        int header = in.readInt();
        boolean masked = (header >>> 8 & 1) != 0;
        int length = header & 0xff;
        if (length != (masked ? 2 * COOKIE_BYTES : COOKIE_BYTES)) {
            throw new OfException(badLength, "cookie of " + length + " bytes");
        }
        return masked;
    }

    private static FieldHeader checked(
            @Nullable MatchField field, boolean masked, int length, OfErrorCode badLength, OfErrorCode unknown)
            throws OfException {
        if (field == null) {
            throw new OfException(unknown, "unknown match field");
        }
        if (length != (masked ? 2 : 1) * field.wireBytes()) {
            throw new OfException(badLength, field.name() + " of " + length + " bytes");
        }
        return new FieldHeader(field, masked);
    }
}
