package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.pipeline.flow.ActionForm;
import io.turnstile.pipeline.flow.OfAction;

/**
 * The set_queue action: queue 32, behind padding to four bytes in Nicira's form. What is read stands after the header.
 */
final class QueueCodec {
    private static final int QUEUE_BYTES = 4;

    private QueueCodec() {}

    static OfAction read(ActionForm form, ByteBuf in) {
        return new OfAction.SetQueue(in.skipBytes(paddingBytes(form)).readInt());
    }

    static void write(ByteBuf out, OfAction.SetQueue a, WireVersion version) {
        ActionForm form = ActionTable.formOf(a.kind(), version);
        int start = ActionTable.start(out, form);
        out.writeZero(paddingBytes(form)).writeInt(a.queueId());
        ActionTable.end(out, start);
    }

    private static int paddingBytes(ActionForm form) {
        return form.sizeBytes() - ActionTable.headerBytes(form) - QUEUE_BYTES;
    }
}
