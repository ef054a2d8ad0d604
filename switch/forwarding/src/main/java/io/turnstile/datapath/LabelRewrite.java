package io.turnstile.datapath;

import io.turnstile.conntrack.Conntrack;
import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.Packet;
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
        OuterHeader.completeChecksum(packet);
        int at = packet.payloadOffset();
        if (!packet.insertBytes(at, LabelStack.ENTRY_BYTES)) {
            return false;
        }
        packet.putU32(at, push.entry());
        becomes(packet, at, push.etherType());
        return true;
    }

    /** A packet without a whole entry stays as it is. */
    static void pop(PacketBatch packets, DatapathAction.PopMpls pop) {
        for (int i = 0; i < packets.length(); i++) {
            Packet packet = packets.get(i);
            if (hasEntry(packet)) {
                int at = packet.payloadOffset();
                packet.removeBytes(at, LabelStack.ENTRY_BYTES);
                becomes(packet, at, pop.etherType());
            }
        }
    }

    /** If it is a tag now, the packet is to be looked at from its beginning before anybody else does. */
    private static void becomes(Packet packet, int at, int etherType) {
        packet.setCtConnection(Conntrack.NO_CONNECTION);
        packet.setPayloadOffset(at);
        if (packet.packetType() == Packet.ETHERNET) {
            packet.putU16(at - 2, etherType);
        } else if (etherType == EtherTypes.TRANSPARENT_BRIDGING) {
            packet.setPacketType(Packet.ETHERNET);
            PacketParser.parse(packet);
            return;
        } else {
            packet.setPacketType(Packet.typeOf(etherType));
        }
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
