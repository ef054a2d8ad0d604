package io.turnstile.conntrack;

import io.turnstile.packet.Packet;
import io.turnstile.packet.TcpHeader;

/** Reads the options of a TCP header. */
final class TcpOptions {
    /** What {@link #scale} says of a SYN without the option. */
    static final int NO_SCALE = -1;

    static final int LARGEST_SCALE = 14;

    private static final int END = 0;
    private static final int NOP = 1;
    private static final int SCALE = 3;
    /** Offsets in an option, from its kind. */
    private static final int LENGTH = 1;

    private static final int VALUE = 2;
    private static final int SCALE_BYTES = 3;

    private TcpOptions() {}

    /** The window scale option (RFC 7323 §2.2), or {@link #NO_SCALE}. */
    static int scale(Packet packet) {
        int at = packet.l4Offset() + TcpHeader.MIN_BYTES;
        int end = packet.l4Offset() + TcpHeader.headerBytes(packet, packet.l4Offset());
        int scale = NO_SCALE;
        while (at + SCALE_BYTES <= end) {
            int option = packet.u8(at);
            if (option == END) {
                return scale;
            }
            if (option == NOP) {
                at++;
                continue;
            }
            if (option == SCALE) {
                scale = Math.min(packet.u8(at + VALUE), LARGEST_SCALE);
            }
            at += Math.max(VALUE, packet.u8(at + LENGTH));
        }
        return scale;
    }
}
