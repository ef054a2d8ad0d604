package io.turnstile.port;

import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.InternetChecksum;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketParser;
import io.turnstile.packet.TcpHeader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;

/**
 * The segmenter cuts a super-frame ({@link Packet#segmentBytes()}) into the frames it stands for, as network hardware
 * would: for ports that cannot pass it on as it is.
 *
 * <p>Threads: stateless. Allocates one buffer a super-frame.
 */
public final class GsoSegmenter {
    private static final int LABEL_BYTES = 4;
    private static final int BOTTOM_OF_STACK = 1 << 8;
    private static final int UDP_LENGTH_OFFSET = 4;
    private static final int IPV4_ID_OFFSET = 4;
    private static final int IPV4_CHECKSUM_OFFSET = 10;

    private GsoSegmenter() {}

    /** Gives each segment in order to {@code send}; the packet it is given is reused for the next one. */
    public static void forEachSegment(Packet packet, Consumer<Packet> send) {
        int transport = packet.checksumStart();
        boolean tcp = packet.checksumField() - transport == TcpHeader.CHECKSUM;
        int headerBytes = transport + (tcp ? TcpHeader.headerBytes(packet, transport) : PacketParser.UDP_BYTES);
        int payloadBytes = packet.lengthBytes() - headerBytes;
        int segmentBytes = packet.segmentBytes();
        Packet segment =
                new Packet(Arena.ofAuto().allocate(Packet.HEADROOM_BYTES + (long) headerBytes + segmentBytes, 64));
        for (int done = 0, index = 0; done < payloadBytes; done += segmentBytes, index++) {
            int bytes = Math.min(segmentBytes, payloadBytes - done);
            segment.reset(headerBytes + bytes);
            copy(packet, 0, segment, 0, headerBytes);
            copy(packet, headerBytes + done, segment, headerBytes, bytes);
            int l3 = networkOffset(segment, transport);
            int etherType = typeAt(segment, l3);
            fixNetworkHeader(segment, etherType, l3, transport, index);
            if (tcp) {
                fixTcp(segment, transport, done, done + bytes == payloadBytes);
            } else {
                segment.putU16(transport + UDP_LENGTH_OFFSET, segment.lengthBytes() - transport);
            }
            segment.setPayloadOffset(l3);
            PacketParser.parsePayload(segment, etherType);
            fixTransportChecksum(segment, transport, packet.checksumField());
            send.accept(segment);
        }
    }

    private static void copy(Packet from, int fromOffset, Packet to, int toOffset, int bytes) {
        MemorySegment.copy(
                from.buffer(),
                from.frameStart() + (long) fromOffset,
                to.buffer(),
                to.frameStart() + (long) toOffset,
                bytes);
    }

    /** Where the network header is, behind tags and, after them, labels (RFC 3032). */
    private static int networkOffset(Packet segment, int transport) {
        int l3 = PacketParser.ETHERNET_BYTES;
        while (l3 < transport && EtherTypes.isTag(segment.u16(l3 - 2))) {
            l3 += PacketParser.VLAN_TAG_BYTES;
        }
        if (EtherTypes.isMpls(segment.u16(l3 - 2))) {
            while (l3 + LABEL_BYTES < transport && (segment.u32(l3) & BOTTOM_OF_STACK) == 0) {
                l3 += LABEL_BYTES;
            }
            l3 += LABEL_BYTES;
        }
        return l3;
    }

    /** Behind labels the version alone tells. */
    private static int typeAt(Packet segment, int l3) {
        int type = segment.u16(l3 - 2);
        boolean known = type == EtherTypes.IPV4 || type == EtherTypes.IPV6;
        return known ? type : segment.u8(l3) >>> 4 == 6 ? EtherTypes.IPV6 : EtherTypes.IPV4;
    }

    private static void fixNetworkHeader(Packet segment, int type, int l3, int transport, int index) {
        if (type == EtherTypes.IPV6) {
            segment.putU16(l3 + 4, segment.lengthBytes() - l3 - PacketParser.IPV6_BYTES);
            return;
        }
        segment.putU16(l3 + 2, segment.lengthBytes() - l3);
        segment.putU16(l3 + IPV4_ID_OFFSET, segment.u16(l3 + IPV4_ID_OFFSET) + index);
        segment.putU16(l3 + IPV4_CHECKSUM_OFFSET, 0);
        segment.putU16(
                l3 + IPV4_CHECKSUM_OFFSET, InternetChecksum.finish(InternetChecksum.add(0, segment, l3, transport)));
    }

    private static void fixTcp(Packet segment, int transport, int done, boolean last) {
        segment.putU32(transport + TcpHeader.SEQUENCE, segment.u32(transport + TcpHeader.SEQUENCE) + done);
        int flags = segment.u8(transport + TcpHeader.FLAGS);
        flags = last ? flags : flags & ~(TcpHeader.FIN | TcpHeader.PSH);
        // RFC 3168 §6.1.2: the window reduction is announced once.
        flags = done == 0 ? flags : flags & ~TcpHeader.CWR;
        segment.putU8(transport + TcpHeader.FLAGS, flags);
    }

    private static void fixTransportChecksum(Packet segment, int transport, int field) {
        if (segment.l4Offset() != transport) {
            return; // Behind a second tag, or a tunnel: nothing that a receiver of ours asked for.
        }
        segment.putU16(field, 0);
        long sum = InternetChecksum.pseudoHeader(segment, segment.lengthBytes() - transport);
        int value = InternetChecksum.finish(InternetChecksum.add(sum, segment, transport, segment.lengthBytes()));
        segment.putU16(field, value == 0 ? 0xffff : value);
        segment.setChecksumState(Packet.ChecksumState.GOOD);
    }
}
