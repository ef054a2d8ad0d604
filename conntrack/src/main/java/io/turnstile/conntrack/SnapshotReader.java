package io.turnstile.conntrack;

import static io.turnstile.conntrack.EntryLayout.BYTE;
import static io.turnstile.conntrack.EntryLayout.DEADLINE;
import static io.turnstile.conntrack.EntryLayout.INT;
import static io.turnstile.conntrack.EntryLayout.LONG;
import static io.turnstile.conntrack.EntryLayout.SCALE;
import static io.turnstile.conntrack.EntryLayout.STATE;

import io.turnstile.conntrack.ConnectionSnapshot.Tuple;
import io.turnstile.packet.IpProtocols;
import java.lang.foreign.MemorySegment;

/** Copies an entry into a snapshot. Threads: the entry is locked by the caller. */
final class SnapshotReader {
    private static final TcpState[] TCP_STATES = TcpState.values();
    private static final SctpState[] SCTP_STATES = SctpState.values();

    private SnapshotReader() {
    }

    static void copy(MemorySegment chunk, long base, long connectionId, ConnectionSnapshot into, long nowNs) {
        int kind = chunk.get(INT, base + EntryLayout.KIND);
        into.connectionId = connectionId;
        into.zone = EntryLayout.zone(kind);
        into.protocol = EntryLayout.protocol(kind);
        into.ipv6 = EntryLayout.ipv6(kind);
        copyTuple(chunk, base, into);
        into.mark = chunk.get(INT, base + EntryLayout.MARK);
        into.labelHigh = chunk.get(LONG, base + EntryLayout.LABEL_HIGH);
        into.labelLow = chunk.get(LONG, base + EntryLayout.LABEL_LOW);
        into.timeLeftNs = chunk.get(LONG, base + DEADLINE) - nowNs;
        into.replySeen = (EntryLayout.flags(chunk, base) & EntryLayout.FLAG_REPLY_SEEN) != 0;
        into.originalInPort = chunk.get(INT, base + EntryLayout.ORIGINAL_IN_PORT);
        into.replyInPort = into.replySeen ? chunk.get(INT, base + EntryLayout.REPLY_IN_PORT) : -1;
        copyTcp(chunk, base, into);
        copySctp(chunk, base, into);
    }

    private static void copyTuple(MemorySegment chunk, long base, ConnectionSnapshot into) {
        long sourceHigh = chunk.get(LONG, base + EntryLayout.SOURCE_HIGH);
        long sourceLow = chunk.get(LONG, base + EntryLayout.SOURCE_LOW);
        long destinationHigh = chunk.get(LONG, base + EntryLayout.DESTINATION_HIGH);
        long destinationLow = chunk.get(LONG, base + EntryLayout.DESTINATION_LOW);
        int sourcePort = chunk.get(INT, base + EntryLayout.SOURCE_PORT);
        int destinationPort = chunk.get(INT, base + EntryLayout.DESTINATION_PORT);
        fill(into.original, sourceHigh, sourceLow, destinationHigh, destinationLow);
        fill(into.reply, destinationHigh, destinationLow, sourceHigh, sourceLow);
        boolean icmp = into.protocol == IpProtocols.ICMP || into.protocol == IpProtocols.ICMPV6;
        fillPorts(into.original, icmp, sourcePort, destinationPort);
        fillPorts(into.reply, icmp, destinationPort, sourcePort);
    }

    private static void fill(Tuple tuple, long sourceHigh, long sourceLow, long destinationHigh, long destinationLow) {
        tuple.sourceHigh = sourceHigh;
        tuple.sourceLow = sourceLow;
        tuple.destinationHigh = destinationHigh;
        tuple.destinationLow = destinationLow;
    }

    private static void fillPorts(Tuple tuple, boolean icmp, int sourcePort, int destinationPort) {
        tuple.sourcePort = icmp ? 0 : sourcePort;
        tuple.destinationPort = icmp ? 0 : destinationPort;
        tuple.icmpId = icmp ? sourcePort >>> 16 : 0;
        tuple.icmpType = icmp ? sourcePort >>> 8 & 0xff : 0;
        tuple.icmpCode = 0;
    }

    private static void copyTcp(MemorySegment chunk, long base, ConnectionSnapshot into) {
        boolean tcp = into.protocol == IpProtocols.TCP;
        into.originalTcpState = tcp ? TCP_STATES[chunk.get(BYTE, base + STATE)] : null;
        into.replyTcpState = tcp ? TCP_STATES[chunk.get(BYTE, base + STATE + 1)] : null;
        int original = tcp ? chunk.get(BYTE, base + SCALE) : 0;
        int reply = tcp ? chunk.get(BYTE, base + SCALE + 1) : 0;
        into.originalTcpScale = original & TcpTracking.SCALE_MASK;
        into.replyTcpScale = reply & TcpTracking.SCALE_MASK;
        into.originalTcpFlags = tcpFlags(original);
        into.replyTcpFlags = tcpFlags(reply);
    }

    private static void copySctp(MemorySegment chunk, long base, ConnectionSnapshot into) {
        boolean sctp = into.protocol == IpProtocols.SCTP;
        into.sctpState = sctp ? SCTP_STATES[chunk.get(BYTE, base + SctpTracking.STATE)] : null;
        into.originalSctpTag = sctp ? chunk.get(INT, base + SctpTracking.TAGS) : 0;
        into.replySctpTag = sctp ? chunk.get(INT, base + SctpTracking.TAGS + SctpTracking.TAG_BYTES) : 0;
    }

    private static int tcpFlags(int scale) {
        return ((scale & TcpTracking.SCALE_KNOWN) != 0 ? ConnectionSnapshot.TCP_FLAG_WINDOW_SCALE : 0)
                | ((scale & TcpTracking.SCALE_UNKNOWN) != 0 ? ConnectionSnapshot.TCP_FLAG_BE_LIBERAL : 0);
    }
}
