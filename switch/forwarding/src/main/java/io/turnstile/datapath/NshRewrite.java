package io.turnstile.datapath;

import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.NshHeader;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;

/**
 * The rewrite of Network Service Headers (RFC 8300) in packets.
 *
 * <p>Threads: stateless.
 */
final class NshRewrite {
    private NshRewrite() {}

    /**
     * Puts the header in front of everything. None of the packets may be joined.
     *
     * @return how many packets had no headroom; those are taken out of the batch
     */
    static int push(PacketBatch packets, DatapathAction.PushNsh push, int maxTags) {
        byte[] header = push.header();
        int kept = 0;
        for (int i = 0; i < packets.length(); i++) {
            Packet packet = packets.get(i);
            if (OuterHeader.push(packet, header.length)) {
                for (int at = 0; at < header.length; at++) {
                    packet.putU8(at, header[at]);
                }
                OuterHeader.becomes(packet, Packet.typeOf(EtherTypes.NSH), maxTags);
                packets.set(kept++, packet);
            }
        }
        int lost = packets.length() - kept;
        packets.shorten(kept);
        return lost;
    }

    /** A packet that does not begin with a whole header of a protocol that is known stays as it is. */
    static void pop(PacketBatch packets, int maxTags) {
        for (int i = 0; i < packets.length(); i++) {
            Packet packet = packets.get(i);
            if (packet.packetType() == Packet.typeOf(EtherTypes.NSH) && NshHeader.isWhole(packet, 0)) {
                int inner = innerType(packet.u8(NshHeader.NEXT_PROTOCOL));
                if (inner != Packet.UNKNOWN_TYPE) {
                    packet.removeBytes(0, NshHeader.lengthBytes(packet, 0));
                    OuterHeader.becomes(packet, inner, maxTags);
                }
            }
        }
    }

    private static int innerType(int nextProtocol) {
        return switch (nextProtocol) {
            case NshHeader.ETHERNET -> Packet.ETHERNET;
            case NshHeader.IPV4 -> Packet.typeOf(EtherTypes.IPV4);
            case NshHeader.IPV6 -> Packet.typeOf(EtherTypes.IPV6);
            case NshHeader.NSH -> Packet.typeOf(EtherTypes.NSH);
            default -> Packet.UNKNOWN_TYPE;
        };
    }

    /** A packet without a whole header stays as it is. */
    static void set(Packet packet, DatapathAction.SetField set) {
        int at = packet.payloadOffset();
        if (packet.etherType() != EtherTypes.NSH || !NshHeader.isWhole(packet, at)) {
            return;
        }
        switch (set.field()) {
            case NSH_FLAGS ->
                putFirstWord(packet, at, merged(NshHeader.flags(packet, at), set), NshHeader.ttl(packet, at));
            case NSH_TTL ->
                putFirstWord(packet, at, NshHeader.flags(packet, at), merged(NshHeader.ttl(packet, at), set));
            case NSH_SPI -> {
                int path = packet.u32(at + NshHeader.PATH);
                packet.putU32(at + NshHeader.PATH, merged(path >>> 8, set) << 8 | path & 0xff);
            }
            case NSH_SI -> packet.putU8(at + NshHeader.PATH + 3, merged(packet.u8(at + NshHeader.PATH + 3), set));
            case NSH_C1 -> setContext(packet, at, 0, set);
            case NSH_C2 -> setContext(packet, at, 1, set);
            case NSH_C3 -> setContext(packet, at, 2, set);
            case NSH_C4 -> setContext(packet, at, 3, set);
            default -> throw new IllegalArgumentException("not of NSH: " + set.field());
        }
    }

    private static void putFirstWord(Packet packet, int at, int flags, int ttl) {
        packet.putU16(at, NshHeader.firstWord(flags, ttl, NshHeader.lengthBytes(packet, at)));
    }

    private static void setContext(Packet packet, int at, int index, DatapathAction.SetField set) {
        if (packet.u8(at + NshHeader.MD_TYPE) == NshHeader.MD_TYPE_1) {
            int context = at + NshHeader.CONTEXT + index * Integer.BYTES;
            packet.putU32(context, merged(packet.u32(context), set));
        }
    }

    private static int merged(int old, DatapathAction.SetField set) {
        return (int) (old & ~set.maskLow() | set.valueLow() & set.maskLow());
    }
}
