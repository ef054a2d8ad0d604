package io.turnstile.openflow;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.turnstile.openflow.wire.ErrorCodec;
import io.turnstile.openflow.wire.Wire;
import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.pipeline.ChangeOrigin;
import io.turnstile.pipeline.OpenFlowSwitch;
import io.turnstile.pipeline.OpenFlowSwitch.BundleException;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import io.turnstile.time.Clock;
import java.util.function.Supplier;

/**
 * Bundles of modifications of flows, groups and ports, and of packets to be sent (OpenFlow 1.5.1 §6.9, §7.3.9), applied
 * all at once or not at all. What is wrong with a message is answered when it comes, as Open vSwitch does; a bundle
 * that is misused is gone.
 */
final class BundleRequests {
    private static final int OPEN_REQUEST = 0;
    private static final int CLOSE_REQUEST = 2;
    private static final int COMMIT_REQUEST = 4;
    private static final int DISCARD_REQUEST = 6;
    private static final int FLAG_ATOMIC = 1;
    private static final int FLAG_ORDERED = 2;
    /** Of one connection. */
    static final int MAX_BUNDLES = 64;

    private final OpenFlowSwitch bridge;
    private final BridgeAgent agent;
    /** What all bundles of the process may hold. */
    private final ByteBudget budget;

    private final Clock clock;

    BundleRequests(OpenFlowSwitch bridge, BridgeAgent agent) {
        this.bridge = bridge;
        this.agent = agent;
        this.budget = agent.shared().bundles();
        this.clock = agent.clock();
    }

    /** bundle_id 32, type 16, flags 16. */
    void control(Request request) throws OfException {
        ByteBuf body = request.body();
        Session session = request.session();
        int id = body.readInt();
        int type = body.readUnsignedShort();
        int flags = checked(body.readUnsignedShort());
        switch (type) {
            case OPEN_REQUEST -> {
                if (session.bundles.containsKey(id)) {
                    throw misused(id, session, OfErrorCode.OFPBFC_BAD_ID, "is open already");
                }
                make(id, flags, request);
            }
            case CLOSE_REQUEST -> {
                Bundle bundle = known(id, session);
                if (bundle.isClosed()) {
                    throw misused(id, session, OfErrorCode.OFPBFC_BUNDLE_CLOSED, "is closed already");
                }
                if (bundle.flags() != flags) {
                    throw misused(id, session, OfErrorCode.OFPBFC_BAD_FLAGS, "has other flags");
                }
                bundle.closeToAdditions(clock.nowNs());
            }
            case COMMIT_REQUEST -> {
                commit(id, flags, request);
                return;
            }
            case DISCARD_REQUEST -> {
                known(id, session);
                session.discard(id);
            }
            default -> throw new OfException(OfErrorCode.OFPBFC_BAD_TYPE, "control type " + type);
        }
        answer(id, type + 1, request.reply());
    }

    private static int checked(int flags) throws OfException {
        if ((flags & ~(FLAG_ATOMIC | FLAG_ORDERED)) != 0) {
            throw new OfException(OfErrorCode.OFPBFC_BAD_FLAGS, "flags " + flags);
        }
        return flags;
    }

    private Bundle make(int id, int flags, Request request) throws OfException {
        Session session = request.session();
        if (session.bundles.size() >= MAX_BUNDLES) {
            throw new OfException(OfErrorCode.OFPBFC_OUT_OF_BUNDLES, "more than " + MAX_BUNDLES + " bundles");
        }
        Bundle bundle = Bundle.open(budget, flags, request.version(), request.message(), clock.nowNs());
        session.bundles.put(id, bundle);
        return bundle;
    }

    private static Bundle known(int id, Session session) throws OfException {
        Bundle bundle = session.bundles.get(id);
        if (bundle == null) {
            throw new OfException(OfErrorCode.OFPBFC_BAD_ID, "no bundle " + id);
        }
        return bundle;
    }

    private static OfException misused(int id, Session session, OfErrorCode code, String how) {
        session.discard(id);
        return new OfException(code, "bundle " + id + " " + how);
    }

    /** bundle_id 32, pad 16, flags 16, the message. */
    void add(Request request) throws OfException {
        ByteBuf body = request.body();
        Session session = request.session();
        WireVersion version = request.version();
        int id = body.readInt();
        body.skipBytes(2);
        int flags = body.readUnsignedShort();
        ByteBuf bundled = bundled(body, version, request.reply().xid());
        bridge.check(Bundle.read(bundled, version));
        Bundle bundle = session.bundles.get(id);
        if (bundle == null) {
            bundle = make(id, checked(flags), request);
        } else if (bundle.isClosed()) {
            throw misused(id, session, OfErrorCode.OFPBFC_BUNDLE_CLOSED, "is closed");
        } else if (bundle.flags() != flags) {
            throw misused(id, session, OfErrorCode.OFPBFC_BAD_FLAGS, "has other flags");
        }
        try {
            bundle.add(bundled, clock.nowNs());
        } catch (OfException full) {
            bundle.miss(); // what comes after it may fit again, and must not be taken for the whole
            throw full;
        }
    }

    /** The message in it, if that is one that may be. */
    private static ByteBuf bundled(ByteBuf body, WireVersion version, int xid) throws OfException {
        int at = body.readerIndex();
        if (body.getUnsignedByte(at) != version.code()) {
            throw new OfException(OfErrorCode.OFPBFC_BAD_VERSION, "bundled message of another version");
        }
        int length = body.getUnsignedShort(at + Wire.LENGTH_OFFSET);
        if (length < Wire.HEADER_BYTES || length > body.readableBytes()) {
            throw new OfException(OfErrorCode.OFPBFC_MSG_BAD_LEN, "bundled message of " + length + " bytes");
        }
        if (body.getInt(at + Wire.XID_OFFSET) != xid) {
            throw new OfException(OfErrorCode.OFPBFC_MSG_BAD_XID, "bundled message under another xid");
        }
        return body.slice(at, length);
    }

    /** A bundle may take seconds: it is applied off the event loop, while the connection waits and others do not. */
    private void commit(int id, int flags, Request request) throws OfException {
        Session session = request.session();
        Bundle bundle = known(id, session);
        if (bundle.flags() != flags) {
            throw misused(id, session, OfErrorCode.OFPBFC_BAD_FLAGS, "has other flags");
        }
        if (bundle.isIncomplete()) {
            throw misused(id, session, OfErrorCode.OFPBFC_MSG_FAILED, "lacks messages for which there was no room");
        }
        session.bundles.remove(id); // neither idle nor to be discarded from now on
        Reply reply = request.reply();
        ByteBuf commit = Unpooled.copiedBuffer(request.message());
        if (bundle.firstPortMod() >= 0 && (flags & FLAG_ATOMIC) != 0) { // ports' changes are seen one by one
            ByteBuf culprit = Unpooled.copiedBuffer(bundle.message(bundle.firstPortMod()));
            bundle.close();
            refuse(culprit, OfErrorCode.OFPBFC_MSG_FAILED, reply);
            refuse(commit, OfErrorCode.OFPBFC_MSG_FAILED, reply);
            return;
        }
        OpenFlowConnection connection = request.connection();
        BundledChanges changes =
                new BundledChanges(bundle, bridge, agent.forwards(connection, GroupRequests.FORWARDED_GROUP_MOD));
        Supplier<Runnable> work = () -> {
            try {
                bridge.applyAll(changes, new ChangeOrigin(connection, changes::xid));
                return () -> {
                    answer(id, COMMIT_REQUEST + 1, reply);
                    changes.forward(connection, agent);
                    bundle.close();
                };
            } catch (BundleException refused) {
                OfErrorCode code =
                        refused.getCause() instanceof OfException cause ? cause.code() : OfErrorCode.OFPBFC_MSG_FAILED;
                ByteBuf culprit = Unpooled.copiedBuffer(bundle.message(refused.index()));
                bundle.close();
                return () -> {
                    // The message at fault is reported under its own xid, then the commit under that of the commit.
                    refuse(culprit, code, reply);
                    refuse(commit, OfErrorCode.OFPBFC_MSG_FAILED, reply);
                };
            } catch (Throwable e) { // contained: who commits is told
                connection.requestFailed(MessageType.BUNDLE_CONTROL.label(), e);
                bundle.close();
                return () -> refuse(commit, OfErrorCode.OFPBRC_EPERM, reply);
            }
        };
        try {
            request.connection().doElsewhere(work);
        } catch (RuntimeException | Error e) { // nobody does it
            bundle.close();
            throw e;
        }
    }

    private static void refuse(ByteBuf message, OfErrorCode code, Reply reply) {
        ByteBuf out = reply.buffer();
        ErrorCodec.write(out, reply.version(), message.getInt(Wire.XID_OFFSET), code, message);
        reply.send(out);
    }

    /** Without the flags of the request, as in Open vSwitch. */
    private static void answer(int id, int type, Reply reply) {
        MessageType control = switch (reply.version()) {
            case OF10, OF11, OF12 -> MessageType.BUNDLE_REPLY10;
            case OF13 -> MessageType.ONF_BUNDLE_CONTROL;
            case OF14, OF15 -> MessageType.BUNDLE_CONTROL;
        };
        reply.send(control, out -> out.writeInt(id).writeShort(type).writeShort(0));
    }
}
