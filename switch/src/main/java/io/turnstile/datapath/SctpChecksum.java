package io.turnstile.datapath;

import io.turnstile.packet.Crc32c;
import io.turnstile.packet.Packet;

/**
 * SCTP's CRC-32C (RFC 9260 §6.8 and appendix A), carried through a change. The CRC is linear: the sums of two messages of
 * equal length differ by the CRC (begun at zero) of what the messages differ by. So a sum that was wrong stays wrong, and
 * the data is not read. Allocates nothing.
 */
final class SctpChecksum {
    private static final int FIELD_OFFSET = 8;

    private SctpChecksum() {
    }

    /** Corrects the sum of the SCTP packet at {@code l4} for a change of its first four bytes (the ports). */
    static void update(Packet packet, int l4, int oldPorts, int newPorts) {
        int difference = oldPorts ^ newPorts;
        int crc = 0;
        for (int shift = 24; shift >= 0; shift -= 8) {
            crc = Crc32c.next(crc, difference >>> shift);
        }
        for (int i = l4 + 4; i < packet.l3EndOffset(); i++) {
            crc = Crc32c.next(crc, 0);
        }
        packet.putU32(l4 + FIELD_OFFSET, packet.u32(l4 + FIELD_OFFSET) ^ Integer.reverseBytes(crc));
    }
}
