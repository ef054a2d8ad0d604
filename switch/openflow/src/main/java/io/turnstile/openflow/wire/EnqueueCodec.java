package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.pipeline.flow.ActionKind;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;

/** OpenFlow 1.0's enqueue: port 16, zero 48, queue 32. What is read stands after the header. */
final class EnqueueCodec {
    private EnqueueCodec() {}

    static OfAction read(ByteBuf in) throws OfException {
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
    static void write(ByteBuf out, OfAction.Enqueue a, WireVersion version) {
        if (version.hasInstructions()) {
            NumberCodec.write(out, ActionKind.SET_QUEUE, a.queueId(), version);
            StandardActions.output(out, a.port(), 0, version);
            ActionTable.writeBare(out, ActionKind.POP_QUEUE, version);
            return;
        }
        int start = ActionTable.start(out, a.kind(), version);
        out.writeShort(a.port()).writeZero(6).writeInt(a.queueId());
        ActionTable.end(out, start);
    }
}
