package io.turnstile.embedded;

import io.turnstile.packet.Frame;
import io.turnstile.packet.FrameView;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A TCP connection through two ports of a bridge, with right sequence and acknowledgement numbers; made by
 * {@link EmbeddedBridge#tcpHandshake}. Each side answers what arrived at it: where the bridge translates addresses, the
 * reply side sees, and answers, the translated ones. Frames that were sent by the two ports before stay to be taken.
 *
 * <pre>{@code
 * TcpDialogue web = sw.tcpHandshake(1, 2, "10.0.0.1:1234 > 10.0.0.2:80");
 * assertThat(web.send("GET /").payloadText()).isEqualTo("GET /");
 * assertThat(web.answer("200 OK").toString()).endsWith("Flags [P.], seq 5001:5007, ack 1006, length 6");
 * web.fin();
 * }</pre>
 *
 * <p>Errors: a segment that does not come out at the other side, as exactly one frame, is an
 * {@link IllegalStateException} that says what came out instead. Threads: those of the switch.
 */
public final class TcpDialogue {
    private static final byte[] NO_OPTIONS = {};

    /** One of the two ends. */
    private static final class Side {
        private final int port;
        /** Segments that this side sends look like this; null until its first is known. */
        private @Nullable Frame like;

        private long sequence;
        private long acknowledged;

        private Side(int port) {
            this.port = port;
        }

        private Frame segment() {
            return FrameView.of(Objects.requireNonNull(like, "the handshake has not come to this side")
                            .bytes())
                    .toFrame()
                    .options(NO_OPTIONS) // Those of a SYN stay with it (RFC 7323 §2.2, RFC 9293 §3.2).
                    .seq(sequence)
                    .ackNumber(acknowledged)
                    .payload(0);
        }
    }

    private final EmbeddedBridge bridge;
    private final Side original;
    private final Side reply;

    private TcpDialogue(EmbeddedBridge bridge, int port, int replyPort) {
        this.bridge = bridge;
        original = new Side(port);
        reply = new Side(replyPort);
    }

    static TcpDialogue begin(EmbeddedBridge bridge, int port, int replyPort, Frame like) {
        TcpDialogue dialogue = new TcpDialogue(bridge, port, replyPort);
        dialogue.handshake(like);
        return dialogue;
    }

    private void handshake(Frame like) {
        FrameView first = FrameView.of(like.bytes());
        if (!first.isTcp()) {
            throw new IllegalArgumentException("a handshake is TCP's: " + first);
        }
        Frame syn = first.toFrame().syn().payload(0);
        original.like = syn;
        original.sequence = syn.view().seq();
        FrameView synOut = pass(original, reply, syn);
        Frame answer = synOut.reply();
        reply.like = answer;
        reply.sequence = answer.view().seq();
        pass(reply, original, reply.segment().synAck());
        pass(original, reply, original.segment().ack());
    }

    /** Data from the side that opened the connection; returns the segment as it came out at the other side. */
    public FrameView send(String data) {
        return data(original, reply, data.getBytes(StandardCharsets.UTF_8));
    }

    public FrameView send(byte[] data) {
        return data(original, reply, data);
    }

    /** Data from the side that was asked; returns the segment as it came out at the side that opened the connection. */
    public FrameView answer(String data) {
        return data(reply, original, data.getBytes(StandardCharsets.UTF_8));
    }

    public FrameView answer(byte[] data) {
        return data(reply, original, data);
    }

    private FrameView data(Side from, Side to, byte[] data) {
        return pass(from, to, from.segment().push().payload(data));
    }

    /** An orderly end: FIN by the side that opened the connection, FIN by the other, and the last acknowledgement. */
    public void fin() {
        pass(original, reply, original.segment().fin());
        pass(reply, original, reply.segment().fin());
        pass(original, reply, original.segment().ack());
    }

    /** The side that opened the connection resets it; returns the segment as it came out. */
    public FrameView rst() {
        return pass(original, reply, original.segment().rst());
    }

    /** The side that was asked resets it; returns the segment as it came out. */
    public FrameView rstByReply() {
        return pass(reply, original, reply.segment().rst());
    }

    private FrameView pass(Side from, Side to, Frame segment) {
        List<byte[]> before = bridge.takeSentBytes(to.port);
        List<FrameView> out;
        try {
            bridge.receive(from.port, segment);
            out = bridge.takeSent(to.port);
        } finally {
            bridge.putBack(to.port, before);
        }
        if (out.size() != 1 || !out.getFirst().isTcp()) {
            throw new IllegalStateException("received at port " + from.port + ", but not sent by port " + to.port
                    + " as one segment: " + segment + "; sent there: " + out);
        }
        FrameView arrived = out.getFirst();
        from.sequence = from.sequence + consumed(segment.view()) & 0xffff_ffffL;
        to.acknowledged = arrived.seq() + consumed(arrived) & 0xffff_ffffL;
        return arrived;
    }

    /** How far a segment moves the sequence number (RFC 9293 §3.4): SYN and FIN count as a byte each. */
    private static int consumed(FrameView segment) {
        String flags = segment.tcpFlags();
        return segment.payload().length + (flags.contains("S") ? 1 : 0) + (flags.contains("F") ? 1 : 0);
    }
}
