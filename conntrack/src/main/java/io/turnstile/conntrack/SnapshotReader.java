package io.turnstile.conntrack;

import static io.turnstile.conntrack.EntryLayout.DEADLINE;
import static io.turnstile.conntrack.EntryLayout.FLAG_NAT;
import static io.turnstile.conntrack.EntryLayout.FLAG_SCALE_KNOWN;
import static io.turnstile.conntrack.EntryLayout.FLAG_SCALE_UNKNOWN;
import static io.turnstile.conntrack.EntryLayout.FLAG_SPECIAL;

import io.turnstile.conntrack.ConnectionSnapshot.Control;
import io.turnstile.packet.IpProtocols;

/**
 * The reader copies an entry into a snapshot. Threads: any; who has not locked the entry may get halves of two lives,
 * must find that out by the entry's word, and is never led to memory that is not there.
 */
final class SnapshotReader {
    private static final TcpState[] TCP_STATES = TcpState.values();
    private static final SctpState[] SCTP_STATES = SctpState.values();
    private static final Alg[] ALGS = Alg.values();
    private static final Control[] CONTROLS = Control.values();

    private SnapshotReader() {}

    static void copy(ConnectionTable table, int slot, long connectionId, ConnectionSnapshot into, long nowNs) {
        EntryTable entries = table.entries;
        long entry = entries.entry(slot);
        long side = entries.side(slot);
        long extension = entries.extensionOf(entry);
        int kind = OffHeap.getInt(entry + EntryLayout.KIND);
        int flags = EntryLayout.flags(entry);
        into.connectionId = connectionId;
        into.removed = false;
        if (!copyIdentity(entry, extension, kind, flags, into)) {
            return; // half an entry, which the caller will find out
        }
        into.timeLeftNs = OffHeap.getLong(entry + DEADLINE) - nowNs;
        into.timeoutNs = table.timeoutNs(slot, entry);
        into.held = (flags & EntryLayout.FLAG_HELD) != 0;
        into.established = ProtocolTracking.isEstablished(entry);
        into.originalInPort = OffHeap.getInt(side + EntryLayout.ORIGINAL_IN_PORT);
        into.replyInPort = into.replySeen ? OffHeap.getInt(side + EntryLayout.REPLY_IN_PORT) : -1;
        into.alg = ALGS[OffHeap.getUnsignedByte(side + EntryLayout.ALG)];
        into.control = CONTROLS[OffHeap.getUnsignedByte(side + EntryLayout.CONTROL)];
        copyParent(extension, flags, into);
        copyTcp(entry, flags, into);
        copySctp(entry, into);
    }

    /**
     * Copies what an {@linkplain AuditTrail audit record} has of a connection that is not there any more: what is not
     * in it (deadline, ports, windows, parent) has the value of a connection without such.
     */
    static void copyRecord(long record, long extension, ConnectionSnapshot into) {
        int kind = OffHeap.getInt(record + EntryLayout.KIND);
        int flags = EntryLayout.flags(record);
        into.removed = true;
        if (!copyIdentity(record, extension, kind, flags, into)) {
            return; // half a record, which the caller will find out
        }
        boolean tcp = into.protocol == IpProtocols.TCP;
        into.originalTcpState = tcp ? tcpState(record, 0) : TcpState.CLOSED;
        into.replyTcpState = tcp ? tcpState(record, 1) : TcpState.CLOSED;
        into.sctpState = into.protocol == IpProtocols.SCTP ? sctpState(record) : SctpState.CLOSED;
    }

    /**
     * Copies what an entry and an audit record have in common: tuples, mark and label, whether a reply was seen. False
     * if the extension is missing that the tuple stands in: read without lock, an entry may be seen while it is filled.
     */
    private static boolean copyIdentity(long entry, long extension, int kind, int flags, ConnectionSnapshot into) {
        into.zone = EntryLayout.zone(kind);
        into.protocol = EntryLayout.protocol(kind);
        into.ipv6 = EntryLayout.ipv6(kind);
        if (into.ipv6 && extension == 0) {
            return false;
        }
        copyOriginal(entry, extension, kind, into.original);
        if ((flags & FLAG_NAT) != 0 && extension != 0) {
            copyReply(extension, kind, into.reply);
        } else {
            reverse(into.original, kind, into.reply);
        }
        into.mark = OffHeap.getInt(entry + EntryLayout.MARK);
        into.labelHigh = extension == 0 ? 0 : OffHeap.getLong(extension + EntryLayout.LABEL_HIGH);
        into.labelLow = extension == 0 ? 0 : OffHeap.getLong(extension + EntryLayout.LABEL_LOW);
        into.replySeen = (flags & EntryLayout.FLAG_REPLY_SEEN) != 0;
        return true;
    }

    private static TcpState tcpState(long entry, int direction) {
        return TCP_STATES[Math.min(EntryLayout.state(entry, direction), TCP_STATES.length - 1)];
    }

    private static SctpState sctpState(long entry) {
        return SCTP_STATES[Math.min(EntryLayout.state(entry, 0), SCTP_STATES.length - 1)];
    }

    private static void copyParent(long extension, int flags, ConnectionSnapshot into) {
        into.parentId =
                (flags & FLAG_SPECIAL) != 0 && extension != 0 ? OffHeap.getLong(extension + EntryLayout.PARENT_ID) : 0;
        into.hasParent = into.parentId != 0;
        if (into.hasParent) {
            copyAddresses(extension + EntryLayout.PARENT, into.parent);
            fillPorts(
                    into.parent,
                    OffHeap.getInt(extension + EntryLayout.PARENT_KIND),
                    OffHeap.getInt(extension + EntryLayout.PARENT_PORTS));
        }
    }

    /** Copies a tuple that stands in no entry: zone, protocol and original tuple. */
    static void copyTuple(Tuple tuple, ConnectionSnapshot into) {
        into.zone = EntryLayout.zone(tuple.kind);
        into.protocol = EntryLayout.protocol(tuple.kind);
        into.ipv6 = tuple.ipv6();
        copyTuple(tuple, into.original);
    }

    private static void copyTuple(Tuple tuple, ConnectionSnapshot.Tuple into) {
        into.sourceHigh = tuple.sourceHigh;
        into.sourceLow = tuple.sourceLow;
        into.destinationHigh = tuple.destinationHigh;
        into.destinationLow = tuple.destinationLow;
        fillPorts(into, tuple.kind, tuple.joinedPorts());
    }

    private static void copyOriginal(long entry, long extension, int kind, ConnectionSnapshot.Tuple into) {
        if (EntryLayout.ipv6(kind)) {
            copyAddresses(extension, into);
        } else {
            long addresses = OffHeap.getLong(entry + EntryLayout.ADDRESSES);
            into.sourceHigh = 0;
            into.sourceLow = addresses >>> 32;
            into.destinationHigh = 0;
            into.destinationLow = addresses & 0xffff_ffffL;
        }
        fillPorts(into, kind, OffHeap.getInt(entry + EntryLayout.PORTS));
    }

    private static void copyReply(long extension, int kind, ConnectionSnapshot.Tuple into) {
        copyAddresses(extension + EntryLayout.REPLY, into);
        fillPorts(into, EntryLayout.reversed(kind), OffHeap.getInt(extension + EntryLayout.REPLY_PORTS));
    }

    private static void copyAddresses(long at, ConnectionSnapshot.Tuple into) {
        into.sourceHigh = OffHeap.getLong(at + EntryLayout.SOURCE_HIGH);
        into.sourceLow = OffHeap.getLong(at + EntryLayout.SOURCE_LOW);
        into.destinationHigh = OffHeap.getLong(at + EntryLayout.DESTINATION_HIGH);
        into.destinationLow = OffHeap.getLong(at + EntryLayout.DESTINATION_LOW);
    }

    private static void reverse(ConnectionSnapshot.Tuple tuple, int kind, ConnectionSnapshot.Tuple into) {
        into.sourceHigh = tuple.destinationHigh;
        into.sourceLow = tuple.destinationLow;
        into.destinationHigh = tuple.sourceHigh;
        into.destinationLow = tuple.sourceLow;
        boolean icmp = EntryLayout.icmpClass(kind) != 0;
        fillPorts(
                into,
                EntryLayout.reversed(kind),
                icmp ? tuple.icmpId << 16 | tuple.icmpId : tuple.destinationPort << 16 | tuple.sourcePort);
    }

    /**
     * Fills in ports or ICMP fields: of ICMP both ports are the identifier, of which the destination's is the one that
     * NAT changes.
     */
    private static void fillPorts(ConnectionSnapshot.Tuple into, int kind, int ports) {
        int icmpClass = EntryLayout.icmpClass(kind);
        boolean icmp = icmpClass != 0;
        into.sourcePort = icmp ? 0 : ports >>> 16;
        into.destinationPort = icmp ? 0 : ports & 0xffff;
        into.icmpId = icmp ? ports >>> 16 : 0;
        into.icmpType = icmp ? IcmpTypes.typeOf(EntryLayout.protocol(kind), icmpClass) : 0;
        into.icmpCode = 0;
    }

    private static void copyTcp(long entry, int flags, ConnectionSnapshot into) {
        boolean tcp = into.protocol == IpProtocols.TCP;
        into.originalTcpState = tcp ? tcpState(entry, 0) : TcpState.CLOSED;
        into.replyTcpState = tcp ? tcpState(entry, 1) : TcpState.CLOSED;
        into.originalTcpScale = tcp ? EntryLayout.scale(entry, 0) : 0;
        into.replyTcpScale = tcp ? EntryLayout.scale(entry, 1) : 0;
        into.originalTcpSentEnd = tcp ? sequence(entry, 0, EntryLayout.PEER_SEQUENCE_LOW) : 0;
        into.replyTcpSentEnd = tcp ? sequence(entry, 1, EntryLayout.PEER_SEQUENCE_LOW) : 0;
        into.originalTcpAllowedEnd = tcp ? sequence(entry, 0, EntryLayout.PEER_SEQUENCE_HIGH) : 0;
        into.replyTcpAllowedEnd = tcp ? sequence(entry, 1, EntryLayout.PEER_SEQUENCE_HIGH) : 0;
        into.originalTcpWindow = tcp ? TcpTracking.largestWindow(entry, 0) << into.originalTcpScale : 0;
        into.replyTcpWindow = tcp ? TcpTracking.largestWindow(entry, 1) << into.replyTcpScale : 0;
        into.originalTcpFlags = tcp ? tcpFlags(flags, 0) : 0;
        into.replyTcpFlags = tcp ? tcpFlags(flags, 1) : 0;
    }

    private static int sequence(long entry, int direction, int offset) {
        return OffHeap.getInt(EntryLayout.peer(entry, direction) + offset);
    }

    private static void copySctp(long entry, ConnectionSnapshot into) {
        boolean sctp = into.protocol == IpProtocols.SCTP;
        into.sctpState = sctp ? sctpState(entry) : SctpState.CLOSED;
        into.originalSctpTag = sctp ? SctpTracking.tag(entry, 0) : 0;
        into.replySctpTag = sctp ? SctpTracking.tag(entry, 1) : 0;
    }

    private static int tcpFlags(int flags, int direction) {
        return ((flags & FLAG_SCALE_KNOWN << direction) != 0 ? ConnectionSnapshot.TCP_FLAG_WINDOW_SCALE : 0)
                | ((flags & FLAG_SCALE_UNKNOWN) != 0 ? ConnectionSnapshot.TCP_FLAG_BE_LIBERAL : 0);
    }
}
