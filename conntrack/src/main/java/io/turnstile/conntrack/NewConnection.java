package io.turnstile.conntrack;

import io.turnstile.conntrack.ConnectionSnapshot.Control;
import io.turnstile.conntrack.Expectations.Expectation;
import io.turnstile.packet.IpProtocols;
import io.turnstile.packet.Packet;
import org.jspecify.annotations.Nullable;

/**
 * What is known of a connection that is about to be made, beyond its original tuple and its first packet.
 *
 * <p>Threads: scratch of one.
 */
final class NewConnection {
    private static final int FTP_PORT = 21;
    private static final int TFTP_PORT = 69;

    /** The reply tuple, folded and hashed, if it is not the original one turned round; else null. */
    @Nullable
    TupleKey reply;
    /** {@code NAT_…} of {@link Translation}, with {@link #reply}. */
    int natFlags;

    int policy;
    Alg alg = Alg.NONE;
    /** Id of the connection that announced this one; 0 if none did. */
    long parentId;

    final Tuple parent = new Tuple();
    /** What the connection begins with: its parent's. */
    int mark;

    long labelHigh;
    long labelLow;

    /** What {@link ConnectionTable#insert} leaves the entry locked with. */
    long lockedWord;

    /** Nothing but what the request says. */
    void reset(CtRequest request, Tuple original) {
        reply = null;
        natFlags = 0;
        policy = request.timeoutPolicy();
        alg = fitting(request.alg(), original);
        parentId = 0;
        mark = 0;
        labelHigh = 0;
        labelLow = 0;
    }

    /** A helper is not given to a connection that is plainly the other helper's. */
    private static Alg fitting(Alg wanted, Tuple original) {
        int protocol = EntryLayout.protocol(original.kind);
        boolean ftp = protocol == IpProtocols.TCP
                && (original.sourcePort == FTP_PORT || original.destinationPort == FTP_PORT);
        boolean tftp = protocol == IpProtocols.UDP && original.destinationPort == TFTP_PORT;
        return switch (wanted) {
            case NONE -> Alg.NONE;
            case FTP -> tftp ? Alg.NONE : Alg.FTP;
            case TFTP -> ftp ? Alg.NONE : Alg.TFTP;
        };
    }

    /** What is known of a helper's dialogue from the first packet; the rest comes with {@link AlgTracking}. */
    Control control(Tuple original, Packet packet) {
        int protocol = EntryLayout.protocol(original.kind);
        return switch (alg) {
            case NONE -> Control.NO;
            case FTP ->
                parentId != 0 || protocol != IpProtocols.TCP
                        ? Control.NO
                        : hasPort(original, FTP_PORT) ? Control.YES : Control.UNKNOWN;
            case TFTP ->
                parentId == 0 && protocol == IpProtocols.UDP && (isTo(original, TFTP_PORT) || TftpRequest.is(packet))
                        ? Control.YES
                        : Control.NO;
        };
    }

    private boolean hasPort(Tuple original, int port) {
        return original.sourcePort == port || isTo(original, port);
    }

    /** The port may be the one behind the translation. */
    private boolean isTo(Tuple original, int port) {
        return original.destinationPort == port || reply != null && reply.sourcePort == port;
    }

    /** A connection that another one has announced. */
    void expectedBy(Expectation expectation) {
        parentId = expectation.parentId;
        parent.copyFrom(expectation.parent);
        mark = expectation.mark;
        labelHigh = expectation.labelHigh;
        labelLow = expectation.labelLow;
    }

    void writeParentTo(long extension) {
        OffHeap.putLong(extension + EntryLayout.PARENT_ID, parentId);
        parent.writeAddresses(extension + EntryLayout.PARENT);
        OffHeap.putInt(extension + EntryLayout.PARENT_PORTS, parent.joinedPorts());
        OffHeap.putInt(extension + EntryLayout.PARENT_KIND, parent.kind);
    }
}
