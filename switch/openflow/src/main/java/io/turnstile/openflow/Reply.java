package io.turnstile.openflow;

import io.netty.buffer.ByteBuf;
import io.turnstile.openflow.wire.WireVersion;
import java.util.function.Consumer;
import org.projectfloodlight.openflow.protocol.OFFactory;
import org.projectfloodlight.openflow.protocol.OFMessage;

/** Where a request's answers go, with what is needed to frame them. */
interface Reply {
    WireVersion version();

    /** The request's transaction id. */
    int xid();

    /** A buffer for one message; given to {@link #send(ByteBuf)}. */
    ByteBuf buffer();

    void send(ByteBuf message);

    default OFFactory factory() {
        return version().factory();
    }

    /** Sends what is long piece by piece; the peer's further requests wait until it is complete. */
    void sendGradually(LongReply reply);

    default void send(OFMessage message) {
        ByteBuf out = buffer();
        message.writeTo(out);
        send(out);
    }

    /** Sends a message that is framed here. */
    default void send(MessageType type, Consumer<ByteBuf> body) {
        ByteBuf out = buffer();
        MessageFraming.write(out, type, version(), xid(), body);
        send(out);
    }

    default long unsignedXid() {
        return Integer.toUnsignedLong(xid());
    }
}
