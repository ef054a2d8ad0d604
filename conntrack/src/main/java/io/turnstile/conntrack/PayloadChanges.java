package io.turnstile.conntrack;

import io.turnstile.packet.Packet;
import io.turnstile.packet.TcpHeader;

/**
 * The changes of one TCP segment's payload, by their places in the stream as the sender counts it, for
 * {@link SequenceSkew}.
 *
 * <p>Threads: scratch of one.
 */
final class PayloadChanges {
    /** What has to be added to an offset in the frame to have the place in the stream. */
    private int streamOffset;

    private boolean any;
    private int first;

    /** A TCP segment of which nothing was changed yet. */
    void begin(Packet packet) {
        any = false;
        streamOffset = packet.u32(packet.l4Offset() + TcpHeader.SEQUENCE) - FtpControlParser.payloadAt(packet);
    }

    /** The place in the stream of what stands there in the frame, and behind all that was changed. */
    int position(int frameOffset) {
        return frameOffset + streamOffset;
    }

    /** What stood there was replaced by something that is so much longer. */
    void add(long skew, int direction, int position, int byBytes) {
        first = any ? first : position;
        any = true;
        streamOffset -= byBytes;
        SequenceSkew.changed(skew, direction, first, position, byBytes);
    }
}
