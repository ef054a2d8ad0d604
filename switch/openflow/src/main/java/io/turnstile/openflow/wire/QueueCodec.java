package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.pipeline.flow.ActionForm;
import io.turnstile.pipeline.flow.ActionKind;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;

/**
 * The set_queue action, and OpenFlow 1.0's enqueue: queue 32, behind padding to four bytes in Nicira's form. What is
 * read stands after the header.
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

    /** port 16, zero 48, queue 32. */
    static OfAction readEnqueue(ByteBuf in) throws OfException {
        int port = OfAction.Ports.widened(in.readUnsignedShort());
        int queue = in.skipBytes(6).readInt();
        boolean fine = Integer.compareUnsigned(port, OfAction.Ports.MAX) < 0
                || port == OfAction.Ports.IN_PORT
                || port == OfAction.Ports.LOCAL;
        if (!fine) {
            throw new OfException(OfErrorCode.OFPBAC_BAD_OUT_PORT, "enqueue to port " + Integer.toUnsignedString(port));
        }
        return new OfAction.Enqueue(port, queue);
    }

    /** Later versions say it in two actions: the queue, and the output. */
    static void writeEnqueue(ByteBuf out, OfAction.Enqueue a, WireVersion version) {
        if (version.isOxm()) {
            write(out, new OfAction.SetQueue(a.queueId()), version);
            StandardActions.output(out, a.port(), 0, version);
            ActionTable.writeBare(out, ActionKind.POP_QUEUE, version);
            return;
        }
        int start = ActionTable.start(out, a.kind(), version);
        out.writeShort(a.port()).writeZero(6).writeInt(a.queueId());
        ActionTable.end(out, start);
    }

    private static int paddingBytes(ActionForm form) {
        return form.sizeBytes() - ActionTable.headerBytes(form) - QUEUE_BYTES;
    }
}
