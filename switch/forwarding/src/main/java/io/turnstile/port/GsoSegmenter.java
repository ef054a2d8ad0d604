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
            fixNetworkHeader(segment, transport, index);
            if (tcp) {
                fixTcp(segment, transport, done, done + bytes == payloadBytes);
            } else {
                segment.putU16(transport + UDP_LENGTH_OFFSET, segment.lengthBytes() - transport);
            }
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

    private static void fixNetworkHeader(Packet segment, int transport, int index) {
        int l3 = PacketParser.ETHERNET_BYTES;
        int type = segment.u16(l3 - 2);
        while (type == EtherTypes.VLAN || type == EtherTypes.QINQ) {
            l3 += PacketParser.VLAN_TAG_BYTES;
            type = segment.u16(l3 - 2);
        }
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
        PacketParser.parse(segment);
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
