package io.turnstile.conntrack;

import static io.turnstile.conntrack.EntryLayout.INT;
import static io.turnstile.conntrack.EntryLayout.LABEL_HIGH;
import static io.turnstile.conntrack.EntryLayout.LABEL_LOW;
import static io.turnstile.conntrack.EntryLayout.LONG;
import static io.turnstile.conntrack.EntryLayout.MARK;

import io.turnstile.packet.IpProtocols;
import io.turnstile.packet.Packet;
import io.turnstile.packet.Packet.OriginalTuple;
import java.lang.foreign.MemorySegment;

/** Writes what {@code ct()} found into the packet, and the request's mark and label into the (locked) connection. */
final class PacketMetadata {
    private PacketMetadata() {
    }

    /** Of nothing that could be tracked. */
    static void writeInvalid(Packet packet, int zone) {
        packet.ctOriginal().clear();
        packet.setCtConnection(Conntrack.NO_CONNECTION);
        packet.setConntrack(CtState.TRK | CtState.INV, zone, 0, 0, 0);
    }

    /** Of no connection: the tuple is the packet's own. */
    static void writeUnknown(Packet packet, int state, int zone, TupleKey key) {
        OriginalTuple tuple = packet.ctOriginal();
        tuple.sourceHigh = key.sourceHigh;
        tuple.sourceLow = key.sourceLow;
        tuple.destinationHigh = key.destinationHigh;
        tuple.destinationLow = key.destinationLow;
        writeKind(tuple, key.kind, key.sourcePort, key.destinationPort);
        packet.setCtConnection(Conntrack.NO_CONNECTION);
        packet.setConntrack(state | CtState.TRK, zone, 0, 0, 0);
    }

    /** Of a connection: state, tuple, mark and label. */
    static void writeWithTuple(Packet packet, int state, CtRequest request, MemorySegment chunk, long base, long id) {
        OriginalTuple tuple = packet.ctOriginal();
        tuple.sourceHigh = chunk.get(LONG, base + EntryLayout.SOURCE_HIGH);
        tuple.sourceLow = chunk.get(LONG, base + EntryLayout.SOURCE_LOW);
        tuple.destinationHigh = chunk.get(LONG, base + EntryLayout.DESTINATION_HIGH);
        tuple.destinationLow = chunk.get(LONG, base + EntryLayout.DESTINATION_LOW);
        writeKind(tuple, chunk.get(INT, base + EntryLayout.KIND), chunk.get(INT, base + EntryLayout.SOURCE_PORT),
                chunk.get(INT, base + EntryLayout.DESTINATION_PORT));
        packet.setCtConnection(id);
        write(packet, state | CtState.TRK, request, chunk, base);
    }

    /** Mark and label only; the state is taken as given. */
    static void write(Packet packet, int state, CtRequest request, MemorySegment chunk, long base) {
        int mark = chunk.get(INT, base + MARK);
        if (request.markMask() != 0) {
            mark = mark & ~request.markMask() | request.mark() & request.markMask();
            chunk.set(INT, base + MARK, mark);
        }
        long high = chunk.get(LONG, base + LABEL_HIGH);
        long low = chunk.get(LONG, base + LABEL_LOW);
        if ((request.labelMaskHigh() | request.labelMaskLow()) != 0) {
            high = high & ~request.labelMaskHigh() | request.labelHigh() & request.labelMaskHigh();
            low = low & ~request.labelMaskLow() | request.labelLow() & request.labelMaskLow();
            chunk.set(LONG, base + LABEL_HIGH, high);
            chunk.set(LONG, base + LABEL_LOW, low);
        }
        packet.setConntrack(state, request.zone(), mark, high, low);
    }

    /** For ICMP the ports are type and code (ovs-fields(7) ct_tp_src). */
    private static void writeKind(OriginalTuple tuple, int kind, int sourcePort, int destinationPort) {
        int protocol = EntryLayout.protocol(kind);
        boolean icmp = protocol == IpProtocols.ICMP || protocol == IpProtocols.ICMPV6;
        tuple.protocol = protocol;
        tuple.ipv6 = EntryLayout.ipv6(kind);
        tuple.sourcePort = icmp ? sourcePort >>> 8 & 0xff : sourcePort;
        tuple.destinationPort = icmp ? 0 : destinationPort;
    }
}
