package io.turnstile.packet;

import io.turnstile.packet.Packet.ChecksumState;

/**
 * Changes what a TCP segment carries.
 *
 * <p>Threads: stateless.
 */
public final class TcpPayload {
    private static final int MAX_IP_BYTES = 0xffff;

    private TcpPayload() {}

    /**
     * Replaces the bytes {@code [from, to)} of the frame, which are payload of its TCP segment, by ASCII text of any
     * length. The lengths in the headers and the checksum follow; one that is not open is computed anew, so it should
     * have been verified before. Sequence numbers are not touched.
     *
     * @return false, with nothing changed, if the packet has no headroom for the longer text or IP no greater length
     */
    public static boolean replace(Packet packet, int from, int to, String text) {
        HeaderRewrite.closeForeignChecksum(packet);
        int byBytes = text.length() - (to - from);
        int oldBytes = packet.l3EndOffset() - packet.l4Offset();
        if (packet.l3EndOffset() - packet.l3Offset() + byBytes > MAX_IP_BYTES
                || byBytes > 0 && !packet.insertBytes(from, byBytes)) {
            return false;
        }
        if (byBytes < 0) {
            packet.removeBytes(from, -byBytes);
        }
        for (int i = 0; i < text.length(); i++) {
            packet.putU8(from + i, text.charAt(i));
        }
        putIpLength(packet, byBytes);
        putSum(packet, oldBytes, oldBytes + byBytes);
        return true;
    }

    private static void putIpLength(Packet packet, int byBytes) {
        int l3 = packet.l3Offset();
        if (packet.etherType() == EtherTypes.IPV6) {
            int field = l3 + Ipv6Header.PAYLOAD_LENGTH;
            packet.putU16(field, packet.u16(field) + byBytes);
        } else {
            int field = l3 + Ipv4Header.TOTAL_LENGTH;
            HeaderRewrite.putIpv4Word(packet, field, packet.u16(field) + byBytes);
        }
    }

    private static void putSum(Packet packet, int oldBytes, int newBytes) {
        int l4 = packet.l4Offset();
        int field = l4 + TcpHeader.CHECKSUM;
        if (packet.checksumState() == ChecksumState.PARTIAL) {
            HeaderRewrite.updateSum(packet, field, oldBytes, newBytes); // The length is part of the pseudo-header.
            return;
        }
        packet.putU16(field, 0);
        long pseudo = InternetChecksum.pseudoHeader(packet, newBytes);
        packet.putU16(field, InternetChecksum.finish(InternetChecksum.add(pseudo, packet, l4, packet.l3EndOffset())));
    }
}
