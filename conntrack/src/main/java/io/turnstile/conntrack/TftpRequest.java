package io.turnstile.conntrack;

import io.turnstile.packet.Packet;
import io.turnstile.packet.UdpHeader;

/**
 * The parser recognizes the packet that begins a TFTP transfer (RFC 1350 §5): opcode 1 (read) or 2 (write), a file name
 * and a mode, each ended by a zero octet. The server answers it from another port of its own. Allocates nothing.
 *
 * <p>Threads: stateless.
 */
final class TftpRequest {
    private static final int OPCODE_BYTES = 2;
    private static final int READ = 1;
    private static final int WRITE = 2;

    private TftpRequest() {}

    /** Whether the UDP packet, which has layer 4, is a request to read or write a file. */
    static boolean is(Packet packet) {
        int at = packet.l4Offset() + UdpHeader.BYTES;
        int end = packet.l3EndOffset();
        if (at + OPCODE_BYTES > end) {
            return false;
        }
        int opcode = packet.u16(at);
        if (opcode != READ && opcode != WRITE) {
            return false;
        }
        int mode = afterText(packet, at + OPCODE_BYTES, end);
        return mode > 0 && afterText(packet, mode, end) > 0;
    }

    /** Where the text that begins at {@code from} is over; 0 if it is empty or has no end. */
    private static int afterText(Packet packet, int from, int end) {
        int at = from;
        while (at < end && packet.u8(at) != 0) {
            at++;
        }
        return at == from || at == end ? 0 : at + 1;
    }
}
