package io.turnstile.openflow;

import io.turnstile.conntrack.ConnectionFilter;
import io.turnstile.openflow.wire.CtFlushCodec;
import io.turnstile.openflow.wire.TlvTableCodec;
import io.turnstile.pipeline.OpenFlowSwitch;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;

/**
 * Nicira's requests that no standard message resembles: how the session is to be spoken with, and flushes of the
 * tracker.
 */
final class NiciraRequests {
    private static final int FORMAT_OPENFLOW10 = 0;
    private static final int FORMAT_NXM = 2;

    private final OpenFlowSwitch bridge;

    NiciraRequests(OpenFlowSwitch bridge) {
        this.bridge = bridge;
    }

    void setFlowModTableId(Request request) {
        request.session().flowModTableId = request.body().readByte() != 0;
    }

    void setFlowFormat(Request request) throws OfException {
        int format = request.body().readInt();
        if (format != FORMAT_OPENFLOW10 && format != FORMAT_NXM) {
            throw new OfException(OfErrorCode.OFPBRC_EPERM, "flow format " + format);
        }
        request.session().nxmFlowFormat = format == FORMAT_NXM;
    }

    void setPacketInFormat(Request request) throws OfException {
        int format = request.body().readInt();
        request.session().packetInFormat = switch (format) {
            case 0 -> Session.PacketInFormat.STANDARD;
            case 1 -> Session.PacketInFormat.NXM;
            case 2 -> Session.PacketInFormat.NXM2;
            default -> throw new OfException(OfErrorCode.OFPBRC_EPERM, "packet-in format " + format);
        };
    }

    void setAsyncConfig(Request request) {
        RoleRequests.set(RoleRequests.readMasks(request.body(), request.version()), request);
    }

    void setControllerId(Request request) {
        request.session().controllerId = request.body().skipBytes(6).readUnsignedShort();
        request.connection().wishesChanged();
    }

    void changeTlvTable(Request request) throws OfException {
        TlvTableCodec.apply(request.body(), bridge.tlvTable());
    }

    void tlvTable(Reply reply) {
        reply.send(
                MessageType.NXT_TLV_TABLE_REPLY,
                out -> TlvTableCodec.write(out, bridge.tlvTable().mappings()));
    }

    void flushZone(Request request) throws OfException {
        flush(MessageType.NXT_CT_FLUSH_ZONE, CtFlushCodec.readZone(request.body()), request);
    }

    void flush(Request request) throws OfException {
        flush(MessageType.NXT_CT_FLUSH, CtFlushCodec.read(request.body()), request);
    }

    /** Goes through all connections off the event loop, to the end even if who asked does not wait for it. */
    private void flush(MessageType type, ConnectionFilter filter, Request request) {
        request.changeElsewhere(type, () -> bridge.flushConnections(filter));
    }
}
