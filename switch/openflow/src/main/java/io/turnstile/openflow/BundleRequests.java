package io.turnstile.openflow;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.turnstile.openflow.wire.ErrorCodec;
import io.turnstile.openflow.wire.FlowModCodec;
import io.turnstile.openflow.wire.Wire;
import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.pipeline.OpenFlowSwitch;
import io.turnstile.pipeline.OpenFlowSwitch.BundleException;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;

/** Bundles of flow modifications (OpenFlow 1.5.1 §6.9, §7.3.9), applied all at once or not at all. */
final class BundleRequests {
    private static final int OPEN_REQUEST = 0;
    private static final int CLOSE_REQUEST = 2;
    private static final int COMMIT_REQUEST = 4;
    private static final int DISCARD_REQUEST = 6;
    private static final int FLAG_ATOMIC = 1;
    private static final int FLAG_ORDERED = 2;
    private static final int MAX_MESSAGES = 1_000_000;
    private static final int MAX_BUNDLES = 64;

    private final OpenFlowSwitch bridge;

    BundleRequests(OpenFlowSwitch bridge) {
        this.bridge = bridge;
    }

    /** bundle_id 32, type 16, flags 16. */
    void control(Request request) throws OfException {
        ByteBuf body = request.body();
        Session session = request.session();
        Session.Bundle bundle;
        int id = body.readInt();
        int type = body.readUnsignedShort();
        int flags = body.readUnsignedShort();
        if ((flags & ~(FLAG_ATOMIC | FLAG_ORDERED)) != 0) {
            throw new OfException(OfErrorCode.OFPBFC_BAD_FLAGS, "flags " + flags);
        }
        switch (type) {
            case OPEN_REQUEST -> open(id, flags, session);
            case CLOSE_REQUEST -> {
                bundle = opened(id, session);
                if (bundle.closed) {
                    session.bundles.remove(id);
                    throw new OfException(OfErrorCode.OFPBFC_BUNDLE_CLOSED, "bundle " + id);
                }
                bundle.closed = true;
            }
            case COMMIT_REQUEST -> commit(id, session, request.reply());
            case DISCARD_REQUEST -> {
                opened(id, session);
                session.bundles.remove(id);
            }
            default -> throw new OfException(OfErrorCode.OFPBFC_BAD_TYPE, "control type " + type);
        }
        answer(id, type + 1, flags, request.reply());
    }

    private static void open(int id, int flags, Session session) throws OfException {
        if (session.bundles.containsKey(id)) {
            session.bundles.remove(id);
            throw new OfException(OfErrorCode.OFPBFC_BAD_ID, "bundle " + id + " is open already");
        }
        if (session.bundles.size() >= MAX_BUNDLES) {
            throw new OfException(OfErrorCode.OFPBFC_MSG_TOO_MANY, "too many bundles");
        }
        session.bundles.put(id, new Session.Bundle(flags));
    }

    private static Session.Bundle opened(int id, Session session) throws OfException {
        Session.Bundle bundle = session.bundles.get(id);
        if (bundle == null) {
            throw new OfException(OfErrorCode.OFPBFC_BAD_ID, "no bundle " + id);
        }
        return bundle;
    }

    /** bundle_id 32, pad 16, flags 16, the message. */
    void add(Request request) throws OfException {
        ByteBuf body = request.body();
        Session session = request.session();
        WireVersion version = request.version();
        int id = body.readInt();
        body.skipBytes(2);
        int flags = body.readUnsignedShort();
        ByteBuf message = body.slice();
        int length = message.getUnsignedShort(Wire.LENGTH_OFFSET);
        if (message.getUnsignedByte(0) != version.code()
                || length > message.readableBytes()
                || length < Wire.HEADER_BYTES) {
            throw new OfException(OfErrorCode.OFPBRC_BAD_LEN, "bundled message");
        }
        Session.Bundle bundle = session.bundles.computeIfAbsent(id, key -> new Session.Bundle(flags));
        if (bundle.closed) {
            throw new OfException(OfErrorCode.OFPBFC_BUNDLE_CLOSED, "bundle " + id);
        }
        if (bundle.flags != flags) {
            throw new OfException(OfErrorCode.OFPBFC_BAD_FLAGS, "flags differ from the bundle's");
        }
        if (message.getUnsignedByte(Wire.TYPE_OFFSET) != MessageType.FLOW_MOD.number(version)) {
            throw new OfException(OfErrorCode.OFPBFC_MSG_UNSUP, "only flow_mod may be bundled");
        }
        if (bundle.changes.size() >= MAX_MESSAGES) {
            throw new OfException(OfErrorCode.OFPBFC_MSG_TOO_MANY, "bundle " + id);
        }
        ByteBuf flowMod = message.slice(Wire.HEADER_BYTES, length - Wire.HEADER_BYTES);
        bundle.changes.add(FlowModCodec.read13(flowMod, version));
        bundle.requests.add(Unpooled.copiedBuffer(message.slice(0, length)));
    }

    private void commit(int id, Session session, Reply reply) throws OfException {
        Session.Bundle bundle = opened(id, session);
        session.bundles.remove(id);
        try {
            bridge.applyAll(bundle.changes);
        } catch (BundleException refused) {
            // The message at fault is reported under its own xid, then the commit under that of the commit.
            ByteBuf culprit = bundle.requests.get(refused.index());
            ByteBuf out = reply.buffer();
            OfErrorCode code =
                    refused.getCause() instanceof OfException cause ? cause.code() : OfErrorCode.OFPBFC_MSG_FAILED;
            ErrorCodec.write(out, reply.version(), culprit.getInt(Wire.XID_OFFSET), code, culprit);
            reply.send(out);
            throw new OfException(OfErrorCode.OFPBFC_MSG_FAILED, String.valueOf(refused.getMessage()));
        }
    }

    private static void answer(int id, int type, int flags, Reply reply) {
        MessageType control = switch (reply.version()) {
            case OF10 -> MessageType.BUNDLE_REPLY10;
            case OF13 -> MessageType.ONF_BUNDLE_CONTROL;
            case OF15 -> MessageType.BUNDLE_CONTROL;
        };
        reply.send(control, out -> out.writeInt(id).writeShort(type).writeShort(flags));
    }
}
