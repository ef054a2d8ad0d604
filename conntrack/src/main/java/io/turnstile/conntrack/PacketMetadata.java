package io.turnstile.conntrack;

import static io.turnstile.conntrack.EntryLayout.FLAG_SPECIAL;
import static io.turnstile.conntrack.EntryLayout.LABEL_HIGH;
import static io.turnstile.conntrack.EntryLayout.LABEL_LOW;
import static io.turnstile.conntrack.EntryLayout.MARK;

import io.turnstile.conntrack.Expectations.Expectation;
import io.turnstile.packet.Packet;
import io.turnstile.packet.Packet.OriginalTuple;

/**
 * This step writes what {@code ct()} found into the packet, and the request's mark and label into the (locked)
 * connection.
 */
final class PacketMetadata {
    private PacketMetadata() {}

    /**
     * Writes that the packet has no tuple.
     *
     * @param state {@link CtState#INV} if it should have; 0 for a {@link LinkLocalMessage}
     */
    static void writeNoConnection(Packet packet, int state, int zone) {
        packet.ctOriginal().clear();
        packet.setCtConnection(Conntrack.NO_CONNECTION);
        packet.setConntrack(CtState.TRK | state, zone, 0, 0, 0);
    }

    /** Writes that the packet is of no connection: the tuple is the packet's own. */
    static void writeUnknown(Packet packet, int state, int zone, Tuple ofPacket) {
        OriginalTuple tuple = packet.ctOriginal();
        tuple.sourceHigh = ofPacket.sourceHigh;
        tuple.sourceLow = ofPacket.sourceLow;
        tuple.destinationHigh = ofPacket.destinationHigh;
        tuple.destinationLow = ofPacket.destinationLow;
        writeKind(tuple, ofPacket.kind, ofPacket.sourcePort, ofPacket.destinationPort);
        packet.setCtConnection(Conntrack.NO_CONNECTION);
        packet.setConntrack(state | CtState.TRK, zone, 0, 0, 0);
    }

    /**
     * Writes that the packet is of a connection to come that another has announced: mark, label and tuple are that
     * one's.
     */
    static void writeExpected(Packet packet, int state, int zone, Expectation expectation) {
        writeUnknown(packet, state, zone, expectation.parent);
        packet.setConntrack(state | CtState.TRK, zone, expectation.mark, expectation.labelHigh, expectation.labelLow);
    }

    /** Writes state, tuple, mark and label of a connection; returns what {@link #write} does. */
    static int writeWithTuple(Packet packet, int state, CtRequest request, EntryTable entries, long entry, long id) {
        if (!request.writes()) {
            copyWithTuple(packet, state, request.zone(), entries, entry, id);
            return 0;
        }
        writeTuple(packet.ctOriginal(), entries, entry);
        packet.setCtConnection(id);
        return write(packet, state | CtState.TRK, request, entries, entry);
    }

    /**
     * Writes as {@link #writeWithTuple} does for a request that writes nothing; others may change the entry meanwhile.
     */
    static void copyWithTuple(Packet packet, int state, int zone, EntryTable entries, long entry, long id) {
        long markAndExtension = OffHeap.getLong(entry + MARK);
        packet.setCtConnection(id);
        if (OffHeap.second(markAndExtension) != 0) {
            writeTuple(packet.ctOriginal(), entries, entry);
            copy(packet, state | CtState.TRK, zone, entries, entry);
            return;
        }
        long portsAndKind = OffHeap.getLong(entry + EntryLayout.PORTS);
        int ports = OffHeap.first(portsAndKind);
        writeAddresses(packet.ctOriginal(), entry);
        writeKind(packet.ctOriginal(), OffHeap.second(portsAndKind), ports >>> 16, ports & 0xffff);
        packet.setConntrack(state | CtState.TRK, zone, OffHeap.first(markAndExtension), 0, 0);
    }

    private static void writeAddresses(OriginalTuple tuple, long entry) {
        long addresses = OffHeap.getLong(entry + EntryLayout.ADDRESSES);
        tuple.sourceHigh = 0;
        tuple.sourceLow = addresses >>> 32;
        tuple.destinationHigh = 0;
        tuple.destinationLow = addresses & 0xffff_ffffL;
    }

    /**
     * Writes state, mark and label; the tuple stays.
     *
     * @return what was written with another value: bits of {@link ConnectionListener#onChanged}
     */
    static int write(Packet packet, int state, CtRequest request, EntryTable entries, long entry) {
        int changes = request.markMask() == 0 ? 0 : writeMark(request, entry);
        if ((request.labelMaskHigh() | request.labelMaskLow()) != 0) {
            changes |= writeLabel(request, entries.makeExtension(entry));
        }
        copy(packet, state, request.zone(), entries, entry);
        return changes;
    }

    private static int writeMark(CtRequest request, long entry) {
        int old = OffHeap.getInt(entry + MARK);
        int mark = old & ~request.markMask() | request.mark() & request.markMask();
        OffHeap.putInt(entry + MARK, mark);
        return mark == old ? 0 : ConnectionListener.MARK_CHANGED;
    }

    private static void copy(Packet packet, int state, int zone, EntryTable entries, long entry) {
        long extension = entries.extensionOf(entry);
        packet.setConntrack(
                state,
                zone,
                OffHeap.getInt(entry + MARK),
                extension == 0 ? 0 : OffHeap.getLong(extension + LABEL_HIGH),
                extension == 0 ? 0 : OffHeap.getLong(extension + LABEL_LOW));
    }

    /** @param extension 0 if memory has run out: there are as many extensions as connections, so it has not */
    private static int writeLabel(CtRequest request, long extension) {
        if (extension == 0) {
            return 0;
        }
        long oldHigh = OffHeap.getLong(extension + LABEL_HIGH);
        long oldLow = OffHeap.getLong(extension + LABEL_LOW);
        long high = oldHigh & ~request.labelMaskHigh() | request.labelHigh() & request.labelMaskHigh();
        long low = oldLow & ~request.labelMaskLow() | request.labelLow() & request.labelMaskLow();
        OffHeap.putLong(extension + LABEL_HIGH, high);
        OffHeap.putLong(extension + LABEL_LOW, low);
        return high == oldHigh && low == oldLow ? 0 : ConnectionListener.LABEL_CHANGED;
    }

    /** The original direction's tuple: that of the parent, if the connection was announced by one. */
    private static void writeTuple(OriginalTuple tuple, EntryTable entries, long entry) {
        int kind = OffHeap.getInt(entry + EntryLayout.KIND);
        int ports = OffHeap.getInt(entry + EntryLayout.PORTS);
        long addressesAt = EntryLayout.ipv6(kind) ? entries.extensionOf(entry) : 0;
        if ((EntryLayout.flags(entry) & FLAG_SPECIAL) != 0) {
            long extension = entries.extensionOf(entry);
            if (extension != 0 && OffHeap.getLong(extension + EntryLayout.PARENT_ID) != 0) {
                kind = OffHeap.getInt(extension + EntryLayout.PARENT_KIND);
                ports = OffHeap.getInt(extension + EntryLayout.PARENT_PORTS);
                addressesAt = extension + EntryLayout.PARENT;
            }
        }
        if (addressesAt == 0) {
            writeAddresses(tuple, entry);
        } else {
            tuple.sourceHigh = OffHeap.getLong(addressesAt + EntryLayout.SOURCE_HIGH);
            tuple.sourceLow = OffHeap.getLong(addressesAt + EntryLayout.SOURCE_LOW);
            tuple.destinationHigh = OffHeap.getLong(addressesAt + EntryLayout.DESTINATION_HIGH);
            tuple.destinationLow = OffHeap.getLong(addressesAt + EntryLayout.DESTINATION_LOW);
        }
        writeKind(tuple, kind, ports >>> 16, ports & 0xffff);
    }

    /** Writes protocol and ports; of ICMP the ports are type and code (ovs-fields(7) ct_tp_src). */
    private static void writeKind(OriginalTuple tuple, int kind, int sourcePort, int destinationPort) {
        int protocol = EntryLayout.protocol(kind);
        int icmpClass = EntryLayout.icmpClass(kind);
        tuple.protocol = protocol;
        tuple.ipv6 = EntryLayout.ipv6(kind);
        tuple.sourcePort = icmpClass != 0 ? IcmpTypes.typeOf(protocol, icmpClass) : sourcePort;
        tuple.destinationPort = icmpClass != 0 ? 0 : destinationPort;
    }
}
