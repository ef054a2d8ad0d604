package io.turnstile.datapath;

import io.turnstile.packet.Packet;
import java.util.zip.CRC32C;

/** SCTP's CRC-32C (RFC 9260 §6.8 and appendix A), written whole: it has no incremental form worth having. */
final class SctpChecksum {
    private static final int FIELD_OFFSET = 8;

    private SctpChecksum() {
    }

    /** Computes the sum over the SCTP packet at {@code l4} and writes it; allocates, which only a rewrite of SCTP ports pays. */
    static void write(Packet packet, int l4) {
        packet.putU32(l4 + FIELD_OFFSET, 0);
        CRC32C crc = new CRC32C();
        crc.update(packet.buffer().asSlice((long) packet.frameStart() + l4, packet.l3EndOffset() - (long) l4).asByteBuffer());
        packet.putU32(l4 + FIELD_OFFSET, Integer.reverseBytes((int) crc.getValue()));
    }
}
