package io.turnstile.datapath;

import io.turnstile.conntrack.Conntrack;
import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.InternetChecksum;
import io.turnstile.packet.Packet;
import io.turnstile.packet.Packet.ChecksumState;
import io.turnstile.packet.PacketBatch;
import io.turnstile.packet.PacketParser;

/**
 * The rewrite of MPLS label stacks (RFC 3032) in packets. The stack stands behind the VLAN tags that the parser has
 * looked at; what is behind it is nobody's business until the last entry is popped.
 *
 * <p>Threads: stateless.
 */
final class LabelRewrite {
    private LabelRewrite() {}

    /** Returns how many packets had no headroom; those are taken out of the batch. None may be joined. */
    static int push(PacketBatch packets, DatapathAction.PushMpls push) {
        int kept = 0;
        for (int i = 0; i < packets.length(); i++) {
            Packet packet = packets.get(i);
            if (push(packet, push)) {
                packets.set(kept++, packet);
            }
        }
        int lost = packets.length() - kept;
        packets.shorten(kept);
        return lost;
    }

    private static boolean push(Packet packet, DatapathAction.PushMpls push) {
        completeChecksum(packet);
        int at = packet.payloadOffset();
        if (!packet.insertBytes(at, LabelStack.ENTRY_BYTES)) {
            return false;
        }
        packet.putU16(at - 2, push.etherType());
        packet.putU32(at, push.entry());
        packet.setPayloadOffset(at);
        becomes(packet, push.etherType());
        return true;
    }

    /** What finds the transport header by the packet's layers does not find it behind labels. */
    private static void completeChecksum(Packet packet) {
        if (packet.checksumState() == ChecksumState.PARTIAL && packet.segmentBytes() == 0) {
            InternetChecksum.complete(packet);
        }
    }

    /** A packet without a whole entry stays as it is. */
    static void pop(PacketBatch packets, DatapathAction.PopMpls pop) {
        for (int i = 0; i < packets.length(); i++) {
            Packet packet = packets.get(i);
            if (hasEntry(packet)) {
                int at = packet.payloadOffset();
                packet.removeBytes(at, LabelStack.ENTRY_BYTES);
                packet.setPayloadOffset(at);
                packet.putU16(at - 2, pop.etherType());
                becomes(packet, pop.etherType());
            }
        }
    }

    /** If it is a tag now, the packet is to be looked at from its beginning before anybody else does. */
    private static void becomes(Packet packet, int etherType) {
        packet.setCtConnection(Conntrack.NO_CONNECTION);
        PacketParser.parsePayload(packet, etherType);
        packet.setChangedTags(packet.vlanTci(), packet.innerVlanTci());
    }

    static void set(Packet packet, DatapathAction.SetField set) {
        if (hasEntry(packet)) {
            int at = packet.payloadOffset();
            packet.putU32(at, (int) (packet.u32(at) & ~set.maskLow() | set.valueLow() & set.maskLow()));
        }
    }

    private static boolean hasEntry(Packet packet) {
        return EtherTypes.isMpls(packet.etherType())
                && packet.lengthBytes() >= packet.payloadOffset() + LabelStack.ENTRY_BYTES;
    }
}
