package io.turnstile.packet;

/**
 * The ones-complement sum of RFC 1071, whole and incremental (RFC 1624). Sums are kept unfolded in a long: 2^47 bytes
 * could be added before it overflows.
 *
 * <p>Threads: stateless.
 */
public final class InternetChecksum {
    private InternetChecksum() {}

    /** Adds the bytes {@code [from, to)} of the frame to a running sum; an odd last byte is padded with zero. */
    public static long add(long sum, Packet packet, int from, int to) {
        int offset = from;
        for (; offset + 8 <= to; offset += 8) {
            long word = packet.u64(offset);
            sum += (word >>> 32) + (word & 0xffff_ffffL);
        }
        for (; offset + 2 <= to; offset += 2) {
            sum += packet.u16(offset);
        }
        return offset < to ? sum + (packet.u8(offset) << 8) : sum;
    }

    /** Folds to 16 bits without complementing: 0xffff means "right" when the checksum field itself was included. */
    public static int fold(long sum) {
        sum = (sum >>> 32) + (sum & 0xffff_ffffL);
        sum = (sum >>> 16) + (sum & 0xffff);
        sum = (sum >>> 16) + (sum & 0xffff);
        sum = (sum >>> 16) + (sum & 0xffff);
        return (int) sum;
    }

    /** The value for the checksum field over a sum that had zero in its place. */
    public static int finish(long sum) {
        return ~fold(sum) & 0xffff;
    }

    /** RFC 1624 eqn. 3: the field's new value after a 16-bit word under it changed. */
    public static int update16(int checksum, int oldWord, int newWord) {
        return ~fold((~checksum & 0xffff) + (~oldWord & 0xffff) + (newWord & 0xffff)) & 0xffff;
    }

    /** Returns the checksum after a 32-bit quantity on an even offset has changed. */
    public static int update32(int checksum, int oldWord, int newWord) {
        return update16(update16(checksum, oldWord >>> 16, newWord >>> 16), oldWord & 0xffff, newWord & 0xffff);
    }

    /** The pseudo-header's part of a TCP, UDP or ICMPv6 sum (RFC 9293 §3.1, RFC 8200 §8.1); needs layer 3. */
    public static long pseudoHeader(Packet packet, int transportBytes) {
        int l3 = packet.l3Offset();
        long sum = packet.ipProtocol() + (long) transportBytes;
        return packet.etherType() == EtherTypes.IPV4
                ? add(sum, packet, l3 + Ipv4Header.SOURCE, l3 + Ipv4Header.MIN_BYTES)
                : add(sum, packet, l3 + Ipv6Header.SOURCE, l3 + Ipv6Header.BYTES);
    }

    /**
     * Writes the sum that the sender left open ({@link Packet.ChecksumState#PARTIAL}); the frame is good afterwards. Of
     * SCTP, which has its field where no other protocol has one, that is a CRC.
     */
    public static void complete(Packet packet) {
        int start = packet.checksumStart();
        if (isOfSctp(packet)) {
            packet.putU32(packet.checksumField(), Crc32c.ofSctp(packet, start, packet.lengthBytes()));
            packet.setChecksumState(Packet.ChecksumState.GOOD);
            return;
        }
        int value = finish(add(0, packet, start, packet.lengthBytes()));
        // RFC 768: a UDP sum of zero is sent as all ones; for TCP 0xffff is an equally right sum.
        packet.putU16(packet.checksumField(), value == 0 ? 0xffff : value);
        packet.setChecksumState(Packet.ChecksumState.GOOD);
    }

    /** Whether the sum that the sender left open is an SCTP packet's. */
    public static boolean isOfSctp(Packet packet) {
        int field = packet.checksumStart() + SctpHeader.CHECKSUM;
        return packet.checksumField() == field && field + Integer.BYTES <= packet.lengthBytes();
    }
}
