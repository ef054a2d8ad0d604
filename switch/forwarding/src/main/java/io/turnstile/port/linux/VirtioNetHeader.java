package io.turnstile.port.linux;

import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.InternetChecksum;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketParser;
import io.turnstile.packet.TcpHeader;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * {@code struct virtio_net_hdr} (linux/virtio_net.h), which the kernel puts before each frame of an AF_PACKET socket
 * with PACKET_VNET_HDR and of a TAP device with IFF_VNET_HDR. It says what the sender left undone: the transport
 * checksum, and cutting a super-frame into segments. Passing it on leaves both undone, for a local receiver needs
 * neither; but for SCTP's checksum, which the header cannot say is a CRC.
 *
 * <p>Threads: stateless.
 */
final class VirtioNetHeader {
    static final int SIZE_BYTES = 10;

    private static final int FLAGS_OFFSET = 0;
    private static final int GSO_TYPE_OFFSET = 1;
    private static final int HEADER_BYTES_OFFSET = 2;
    private static final int GSO_SIZE_OFFSET = 4;
    private static final int CSUM_START_OFFSET = 6;
    private static final int CSUM_OFFSET_OFFSET = 8;

    private static final int NEEDS_CSUM = 1;
    private static final int DATA_VALID = 2;
    private static final int GSO_TCPV4 = 1;
    private static final int GSO_TCPV6 = 4;
    private static final int GSO_UDP_L4 = 5;
    private static final int GSO_ECN = 0x80;

    private static final ValueLayout.OfShort U16 = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final ValueLayout.OfLong U64 = ValueLayout.JAVA_LONG_UNALIGNED;

    private VirtioNetHeader() {}

    /**
     * Takes what the header at {@code offset} says over into the packet, whose bytes are set already.
     *
     * @return false if it contradicts the frame
     */
    static boolean apply(MemorySegment memory, long offset, Packet packet) {
        int flags = memory.get(ValueLayout.JAVA_BYTE, offset + FLAGS_OFFSET);
        if ((flags & NEEDS_CSUM) != 0) {
            int start = memory.get(U16, offset + CSUM_START_OFFSET) & 0xffff;
            int field = start + (memory.get(U16, offset + CSUM_OFFSET_OFFSET) & 0xffff);
            if (field + 2 > packet.lengthBytes()) {
                return false;
            }
            packet.setPartialChecksum(start, field);
            if (memory.get(ValueLayout.JAVA_BYTE, offset + GSO_TYPE_OFFSET) != 0) {
                packet.setSegmentBytes(memory.get(U16, offset + GSO_SIZE_OFFSET) & 0xffff);
            }
        } else if ((flags & DATA_VALID) != 0) {
            packet.setChecksumState(Packet.ChecksumState.GOOD);
        }
        return true;
    }

    /** Whether the kernel can cut the packet: it cuts no joined frame behind labels that did not come by a route. */
    static boolean canSay(Packet packet) {
        return packet.segmentBytes() == 0 || !EtherTypes.isMpls(networkType(packet));
    }

    /** Writes the header of {@code packet} at {@code offset}; the frame is to be taken afterwards. */
    static void write(MemorySegment memory, long offset, Packet packet) {
        memory.set(U64, offset, 0);
        memory.set(U16, offset + CSUM_OFFSET_OFFSET, (short) 0);
        if (packet.checksumState() != Packet.ChecksumState.PARTIAL) {
            return;
        }
        if (packet.segmentBytes() == 0 && InternetChecksum.isOfSctp(packet)) {
            InternetChecksum.complete(packet);
            return;
        }
        int start = packet.checksumStart();
        int checksumOffset = packet.checksumField() - start;
        memory.set(ValueLayout.JAVA_BYTE, offset + FLAGS_OFFSET, (byte) NEEDS_CSUM);
        memory.set(U16, offset + CSUM_START_OFFSET, (short) start);
        memory.set(U16, offset + CSUM_OFFSET_OFFSET, (short) checksumOffset);
        if (packet.segmentBytes() != 0) {
            boolean tcp = checksumOffset == TcpHeader.CHECKSUM;
            int transportBytes = tcp ? TcpHeader.headerBytes(packet, start) : PacketParser.UDP_BYTES;
            memory.set(ValueLayout.JAVA_BYTE, offset + GSO_TYPE_OFFSET, (byte) gsoType(packet, start, tcp));
            memory.set(U16, offset + HEADER_BYTES_OFFSET, (short) (start + transportBytes));
            memory.set(U16, offset + GSO_SIZE_OFFSET, (short) packet.segmentBytes());
        }
    }

    private static int gsoType(Packet packet, int transportStart, boolean tcp) {
        if (!tcp) {
            return GSO_UDP_L4;
        }
        // A CWR flag of a super-frame belongs to its first segment only (RFC 3168 §6.1.2): the kernel has to know.
        int ecn = (packet.u8(transportStart + TcpHeader.FLAGS) & TcpHeader.CWR) != 0 ? GSO_ECN : 0;
        return (networkType(packet) == EtherTypes.IPV6 ? GSO_TCPV6 : GSO_TCPV4) | ecn;
    }

    /** From the bytes, not from parsed layers: an action may have pushed or popped tags since. */
    private static int networkType(Packet packet) {
        int offset = 12;
        int type = packet.u16(offset);
        while ((type == EtherTypes.VLAN || type == EtherTypes.QINQ)
                && offset + PacketParser.VLAN_TAG_BYTES + 2 <= packet.lengthBytes()) {
            offset += PacketParser.VLAN_TAG_BYTES;
            type = packet.u16(offset);
        }
        return type;
    }
}
