package io.turnstile.datapath;

import io.turnstile.conntrack.Conntrack;
import io.turnstile.packet.InternetChecksum;
import io.turnstile.packet.Packet;
import io.turnstile.packet.Packet.ChecksumState;
import io.turnstile.packet.PacketBatch;
import io.turnstile.packet.PacketParser;

/**
 * The header that a packet begins with, put on and taken off: Ethernet here, others by the same steps.
 *
 * <p>Threads: stateless.
 */
final class OuterHeader {
    private static final int SOURCE = 6;
    private static final int TYPE = PacketParser.ETHERNET_BYTES - 2;

    private OuterHeader() {}

    /** Makes room in front of everything; false, with nothing changed, if there is none. */
    static boolean push(Packet packet, int sizeBytes) {
        completeChecksum(packet);
        return packet.insertBytes(0, sizeBytes);
    }

    /** What finds the transport header by the packet's layers does not find it behind other headers. */
    static void completeChecksum(Packet packet) {
        if (packet.checksumState() == ChecksumState.PARTIAL && packet.segmentBytes() == 0) {
            InternetChecksum.complete(packet);
        }
    }

    /** The packet begins with a header of that type now, and is looked at anew. */
    static void becomes(Packet packet, int packetType, int maxTags) {
        packet.setCtConnection(Conntrack.NO_CONNECTION);
        packet.setPacketType(packetType);
        PacketParser.parse(packet, maxTags);
    }

    /**
     * Puts Ethernet in front of what has none; others stay as they are.
     *
     * @return how many packets had no headroom; those are taken out of the batch
     */
    static int pushEthernet(PacketBatch packets, DatapathAction.PushEthernet push, int maxTags) {
        int kept = 0;
        for (int i = 0; i < packets.length(); i++) {
            Packet packet = packets.get(i);
            int etherType = packet.etherType();
            if (packet.packetType() != Packet.ETHERNET) {
                if (!push(packet, PacketParser.ETHERNET_BYTES)) {
                    continue;
                }
                packet.putU48(0, push.destination());
                packet.putU48(SOURCE, push.source());
                packet.putU16(TYPE, etherType);
                becomes(packet, Packet.ETHERNET, maxTags);
            }
            packets.set(kept++, packet);
        }
        int lost = packets.length() - kept;
        packets.shorten(kept);
        return lost;
    }

    /** Takes Ethernet off, of frames without a tag; what is behind it must have a type. */
    static void popEthernet(PacketBatch packets, int maxTags) {
        for (int i = 0; i < packets.length(); i++) {
            Packet packet = packets.get(i);
            int etherType = packet.etherType();
            if (packet.packetType() == Packet.ETHERNET && packet.vlanTci() == 0) {
                packet.removeBytes(0, packet.payloadOffset());
                becomes(packet, Packet.typeOf(etherType), maxTags);
            }
        }
    }

    /** Puts an entry of a label stack in front of everything. Returns how many packets had no headroom. */
    static int addMpls(PacketBatch packets, DatapathAction.AddMpls add, int maxTags) {
        int kept = 0;
        for (int i = 0; i < packets.length(); i++) {
            Packet packet = packets.get(i);
            if (push(packet, LabelStack.ENTRY_BYTES)) {
                packet.putU32(0, add.entry());
                becomes(packet, Packet.typeOf(add.etherType()), maxTags);
                packets.set(kept++, packet);
            }
        }
        int lost = packets.length() - kept;
        packets.shorten(kept);
        return lost;
    }
}
