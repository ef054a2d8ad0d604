package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.pipeline.flow.ActionForm;
import io.turnstile.pipeline.flow.ActionKind;

/**
 * Actions that are one number of 32 bits: set_queue, group, meter. In Nicira's form it stands behind padding to four
 * bytes. What is read stands after the header.
 */
final class NumberCodec {
    private static final int NUMBER_BYTES = 4;

    private NumberCodec() {}

    static int read(ActionForm form, ByteBuf in) {
        return in.skipBytes(paddingBytes(form)).readInt();
    }

    static void write(ByteBuf out, ActionKind kind, int number, WireVersion version) {
        ActionForm form = ActionTable.formOf(kind, version);
        int start = ActionTable.start(out, form);
        out.writeZero(paddingBytes(form)).writeInt(number);
        ActionTable.end(out, start);
    }

    private static int paddingBytes(ActionForm form) {
        return form.sizeBytes() - ActionTable.headerBytes(form) - NUMBER_BYTES;
    }
}
