package io.turnstile.openflow;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.turnstile.openflow.wire.Wire;
import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.pipeline.ChangeOrigin;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import org.projectfloodlight.openflow.exceptions.OFParseError;
import org.projectfloodlight.openflow.protocol.OFFactories;
import org.projectfloodlight.openflow.protocol.OFMessage;

/**
 * One message of a controller or a tool, as its handler gets it. The bytes are only valid during the call.
 *
 * @param message the whole message
 * @param body what stands behind the head that says which message it is
 * @param connection where it came from
 * @param reply where its answers go
 */
record Request(ByteBuf message, ByteBuf body, OpenFlowConnection connection, Reply reply) {

    Session session() {
        return connection.session();
    }

    WireVersion version() {
        return session().agreedVersion();
    }

    /** Who asks for what the request changes. */
    ChangeOrigin origin() {
        return ChangeOrigin.of(connection, reply.xid());
    }

    /** A change of the bridge; {@link OfException} refuses it. */
    interface Change {
        void make() throws OfException;
    }

    /** Makes a change off the event loop, while the connection waits and others do not; answers nothing but errors. */
    void changeElsewhere(MessageType type, Change change) {
        changeElsewhere(type, change, () -> {});
    }

    /** The same; {@code then} is done on the event loop if it was not refused. */
    void changeElsewhere(MessageType type, Change change, Runnable then) {
        ByteBuf copy = Unpooled.copiedBuffer(message);
        int xid = copy.getInt(Wire.XID_OFFSET);
        connection.doElsewhere(() -> {
            try {
                change.make();
                return then;
            } catch (OfException refused) {
                return () -> connection.error(copy, xid, refused.code());
            } catch (Throwable e) { // contained: who asked is told
                connection.requestFailed(type.label(), e);
                return () -> connection.error(copy, xid, OfErrorCode.OFPBRC_EPERM);
            }
        });
    }

    /** The message as OpenFlowJ reads it. */
    <T extends OFMessage> T parse(Class<T> kind) throws OfException {
        return parse(message, kind);
    }

    /** A message as OpenFlowJ reads it. */
    static <T extends OFMessage> T parse(ByteBuf message, Class<T> kind) throws OfException {
        OFMessage parsed = parse(message);
        if (!kind.isInstance(parsed)) {
            throw notSupported(parsed);
        }
        return kind.cast(parsed);
    }

    /** What is wrong with a message that nobody here answers: it is malformed, or its type is not supported. */
    static OfException unsupported(ByteBuf message) throws OfException {
        return notSupported(parse(message));
    }

    private static OfException notSupported(OFMessage parsed) {
        return new OfException(OfErrorCode.OFPBRC_BAD_TYPE, parsed.getType() + " is not supported");
    }

    private static OFMessage parse(ByteBuf message) throws OfException {
        try {
            OFMessage parsed = OFFactories.getGenericReader().readFrom(message.duplicate());
            if (parsed == null) {
                throw new OfException(OfErrorCode.OFPBRC_BAD_LEN, "incomplete message");
            }
            return parsed;
        } catch (OFParseError | RuntimeException | StackOverflowError malformed) { // messages may hold messages
            int type = message.getUnsignedByte(message.readerIndex() + 1);
            boolean unknown = String.valueOf(malformed.getMessage()).contains("discriminator");
            throw new OfException(
                    unknown ? OfErrorCode.OFPBRC_BAD_TYPE : OfErrorCode.OFPBRC_BAD_LEN,
                    "message type " + type + ": " + malformed.getMessage());
        }
    }
}
