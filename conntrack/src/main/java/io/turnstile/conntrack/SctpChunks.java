package io.turnstile.conntrack;

import io.turnstile.conntrack.SctpTransitions.Kind;
import io.turnstile.packet.Packet;
import io.turnstile.packet.SctpHeader;

/**
 * The chunks of an SCTP packet (RFC 9260 §3), by their offsets in the frame. {@link PacketCheck} has seen to it that
 * they fill the packet exactly; what stands here is whether each is as long as its type must be and stands where it may
 * stand.
 *
 * <p>Threads: stateless.
 */
final class SctpChunks {
    /** "No further chunk". */
    static final int END = -1;
    /** {@link #lead}: the packet is malformed. */
    static final int MALFORMED = -1;

    private static final int T_BIT = 1;

    private static final int DATA = 0;
    private static final int INIT = 1;
    private static final int INIT_ACK = 2;
    private static final int SACK = 3;
    private static final int HEARTBEAT = 4;
    private static final int HEARTBEAT_ACK = 5;
    private static final int ABORT = 6;
    private static final int SHUTDOWN = 7;
    private static final int SHUTDOWN_ACK = 8;
    private static final int ERROR = 9;
    private static final int COOKIE_ECHO = 10;
    private static final int COOKIE_ACK = 11;
    private static final int ECN_ECHO = 12;
    private static final int WINDOW_REDUCED = 13;
    private static final int SHUTDOWN_COMPLETE = 14;
    /** RFC 8260. */
    private static final int INTERLEAVED_DATA = 64;
    /** RFC 5061. */
    private static final int ADDRESS_CONFIGURATION_ACK = 128;
    /** RFC 6525. */
    private static final int STREAM_RECONFIGURATION = 130;
    /** RFC 3758. */
    private static final int FORWARD_TSN = 192;

    private static final int ADDRESS_CONFIGURATION = 193;
    private static final int INTERLEAVED_FORWARD_TSN = 194;

    /** RFC 9653 §4, a parameter. */
    private static final int ZERO_CHECKSUM_ACCEPTABLE = 0x8001;

    private static final int ZERO_CHECKSUM_ACCEPTABLE_BYTES = 8;

    private static final Kind[] KINDS = Kind.values();

    private SctpChunks() {}

    /** The verification tag that the whole packet carries. */
    static int tag(Packet packet) {
        return packet.u32(packet.l4Offset() + SctpHeader.VERIFICATION_TAG);
    }

    /** Offset of the first chunk, or {@link #END}. */
    static int first(Packet packet) {
        return within(packet, packet.l4Offset() + SctpHeader.BYTES);
    }

    /** Offset of the chunk after the one at {@code chunk}, or {@link #END}. */
    static int next(Packet packet, int chunk) {
        return within(packet, chunk + SctpHeader.padded(lengthBytes(packet, chunk)));
    }

    private static int within(Packet packet, int chunk) {
        return chunk + SctpHeader.CHUNK_BYTES <= packet.l3EndOffset() ? chunk : END;
    }

    private static int lengthBytes(Packet packet, int chunk) {
        return packet.u16(chunk + SctpHeader.CHUNK_LENGTH);
    }

    static Kind kind(Packet packet, int chunk) {
        return switch (packet.u8(chunk + SctpHeader.CHUNK_TYPE)) {
            case INIT -> Kind.INIT;
            case INIT_ACK -> Kind.INIT_ACK;
            case HEARTBEAT -> Kind.HEARTBEAT;
            case ABORT -> Kind.ABORT;
            case SHUTDOWN -> Kind.SHUTDOWN;
            case SHUTDOWN_ACK -> Kind.SHUTDOWN_ACK;
            case ERROR -> Kind.ERROR;
            case COOKIE_ECHO -> Kind.COOKIE_ECHO;
            case COOKIE_ACK -> Kind.COOKIE_ACK;
            case SHUTDOWN_COMPLETE -> Kind.SHUTDOWN_COMPLETE;
            case DATA,
                    SACK,
                    HEARTBEAT_ACK,
                    ECN_ECHO,
                    WINDOW_REDUCED,
                    INTERLEAVED_DATA,
                    ADDRESS_CONFIGURATION_ACK,
                    STREAM_RECONFIGURATION,
                    FORWARD_TSN,
                    ADDRESS_CONFIGURATION,
                    INTERLEAVED_FORWARD_TSN -> Kind.DATA;
            default -> Kind.ASIDE;
        };
    }

    /** The initiate tag of an INIT or INIT ACK; never 0 in a packet that is not malformed. */
    static int initiateTag(Packet packet, int chunk) {
        return packet.u32(chunk + SctpHeader.INITIATE_TAG);
    }

    /** Whether the sender of an INIT or INIT ACK takes zero in a checksum's place (RFC 9653 §4). */
    static boolean takesZeroChecksum(Packet packet, int chunk) {
        int end = chunk + lengthBytes(packet, chunk);
        int at = chunk + SctpHeader.INIT_BYTES;
        while (at + SctpHeader.PARAMETER_BYTES <= end) {
            int parameterBytes = packet.u16(at + SctpHeader.PARAMETER_LENGTH);
            if (parameterBytes < SctpHeader.PARAMETER_BYTES || at + parameterBytes > end) {
                return false;
            }
            if (packet.u16(at + SctpHeader.PARAMETER_TYPE) == ZERO_CHECKSUM_ACCEPTABLE
                    && parameterBytes == ZERO_CHECKSUM_ACCEPTABLE_BYTES) {
                return packet.u32(at + SctpHeader.PARAMETER_BYTES) != 0; // The method of checking; 0 is none.
            }
            at += SctpHeader.padded(parameterBytes);
        }
        return false;
    }

    /** Whether the packet's receiver may have agreed to zero in the checksum's place (RFC 9653 §5.2). */
    static boolean mayHaveZeroChecksum(Packet packet) {
        for (int chunk = first(packet); chunk != END; chunk = next(packet, chunk)) {
            int type = packet.u8(chunk + SctpHeader.CHUNK_TYPE);
            if (type == INIT || type == COOKIE_ECHO || type == ADDRESS_CONFIGURATION) {
                return false;
            }
        }
        return true;
    }

    /**
     * The sender of an ABORT or SHUTDOWN COMPLETE has no tag of its own and reflects the receiver's (§8.5.1 B and C).
     */
    static boolean reflects(Packet packet, int chunk) {
        return (packet.u8(chunk + SctpHeader.CHUNK_FLAGS) & T_BIT) != 0;
    }

    /**
     * The ordinal of the kind that the packet is about, which is its first chunk's but for those that say nothing;
     * {@link #MALFORMED} for no chunk, one of a wrong length or one in a place where it must not be: INIT, INIT ACK and
     * SHUTDOWN COMPLETE are alone (§6.10), COOKIE ECHO (§5.1) and COOKIE ACK (§3.3.12) are before all others, and no
     * initiate tag is 0 (§3.3.2).
     */
    static int lead(Packet packet) {
        int lead = MALFORMED;
        int chunks = 0;
        for (int chunk = first(packet); chunk != END; chunk = next(packet, chunk)) {
            Kind kind = kind(packet, chunk);
            boolean leads = lead == MALFORMED || lead == Kind.ASIDE.ordinal();
            if (!lengthIsRight(packet, chunk)
                    || !leads && mustLead(kind)
                    || chunks > 0 && (mustBeAlone(kind) || mustBeAlone(KINDS[lead]))) {
                return MALFORMED;
            }
            if (leads) {
                lead = kind.ordinal();
            }
            chunks++;
        }
        return lead;
    }

    private static boolean mustLead(Kind kind) {
        return kind == Kind.COOKIE_ECHO || kind == Kind.COOKIE_ACK;
    }

    private static boolean mustBeAlone(Kind kind) {
        return kind == Kind.INIT || kind == Kind.INIT_ACK || kind == Kind.SHUTDOWN_COMPLETE;
    }

    private static boolean lengthIsRight(Packet packet, int chunk) {
        int lengthBytes = lengthBytes(packet, chunk);
        if (lengthBytes < SctpHeader.CHUNK_BYTES || chunk + lengthBytes > packet.l3EndOffset()) {
            return false;
        }
        return switch (packet.u8(chunk + SctpHeader.CHUNK_TYPE)) {
            case DATA -> lengthBytes > 16; // §3.3.1: there is no DATA without data
            case INTERLEAVED_DATA -> lengthBytes > 20;
            case INIT, INIT_ACK -> lengthBytes >= SctpHeader.INIT_BYTES && initiateTag(packet, chunk) != 0;
            case SACK -> lengthBytes >= 16;
            case HEARTBEAT, HEARTBEAT_ACK -> lengthBytes >= 8;
            case SHUTDOWN -> lengthBytes == 8;
            case COOKIE_ECHO -> lengthBytes > SctpHeader.CHUNK_BYTES;
            case SHUTDOWN_ACK, COOKIE_ACK, SHUTDOWN_COMPLETE -> lengthBytes == SctpHeader.CHUNK_BYTES;
            default -> true;
        };
    }
}
