package io.turnstile.conntrack;

import static io.turnstile.conntrack.TcpState.CLOSED;
import static io.turnstile.conntrack.TcpState.CLOSING;
import static io.turnstile.conntrack.TcpState.ESTABLISHED;
import static io.turnstile.conntrack.TcpState.FIN_WAIT_2;
import static io.turnstile.conntrack.TcpState.SYN_SENT;
import static io.turnstile.conntrack.TcpState.TIME_WAIT;

import io.turnstile.packet.Packet;

/**
 * TCP as Open vSwitch's userspace tracker follows it: a state for each side, and a window check after Guido van Rooij, "Real Stateful TCP
 * Packet Filtering in IP Filter" (2000), with scaling (RFC 7323 §2).
 *
 * <p>Each side goes CLOSED → SYN_SENT (it has sent something) → ESTABLISHED (that was acknowledged) → CLOSING (it sent a FIN) →
 * FIN_WAIT_2 (that was acknowledged); a reset puts both into TIME_WAIT. Which packet moves whom is said by two tables.
 *
 * <p>Threads: under the entry's lock.
 */
final class TcpProtocol {
    static final int FIN = 0x01;
    static final int SYN = 0x02;
    static final int RST = 0x04;
    static final int PSH = 0x08;
    static final int ACK = 0x10;
    static final int URG = 0x20;

    private static final int SCALE_KNOWN = 0x80;
    /** Picked up in mid-stream: the handshake that said the scale was not seen. */
    private static final int SCALE_UNKNOWN = 0x40;
    private static final int SCALE_MASK = 0x0f;
    /** RFC 7323 §2.3. */
    private static final int MAX_SCALE = 14;
    /** How far an acknowledgement may lie off: a window and one segment of grace. */
    private static final int MAX_ACK_SKEW = 0xffff + 1500;
    private static final int OPTION_END = 0;
    private static final int OPTION_NOP = 1;
    private static final int OPTION_WINDOW_SCALE = 3;
    private static final int MIN_HEADER_BYTES = 20;

    private static final int STATES = TcpState.values().length;
    // Which of a packet's flags move its sender: columns of SENDER are states, rows these.
    private static final int BY_NOTHING = 0;
    private static final int BY_SYN = 1;
    private static final int BY_FIN = 2;
    private static final int BY_RST = 3;
    private static final byte[][] SENDER = new byte[4][STATES];
    // Whether an ACK or a RST moves the receiver.
    private static final byte[][] RECEIVER = new byte[4][STATES];
    private static final int BY_ACK = 1;

    static {
        for (int state = 0; state < STATES; state++) {
            SENDER[BY_NOTHING][state] = (byte) state;
            SENDER[BY_SYN][state] = (byte) Math.max(state, SYN_SENT.ordinal());
            SENDER[BY_FIN][state] = (byte) Math.max(state, CLOSING.ordinal()); // A retransmitted FIN changes nothing.
            SENDER[BY_RST][state] = (byte) TIME_WAIT.ordinal();
            RECEIVER[BY_NOTHING][state] = (byte) state;
            RECEIVER[BY_ACK][state] = (byte) (state == SYN_SENT.ordinal() ? ESTABLISHED.ordinal()
                    : state == CLOSING.ordinal() ? FIN_WAIT_2.ordinal() : state);
            RECEIVER[BY_RST][state] = (byte) TIME_WAIT.ordinal();
        }
    }

    private TcpProtocol() {
    }

    /** Flag combinations that no sender may make. */
    private static boolean flagsAreInvalid(int flags) {
        if ((flags & SYN) != 0) {
            return (flags & (RST | FIN)) != 0 || (flags & ACK) == 0 && (flags & (PSH | URG)) != 0;
        }
        return (flags & (ACK | RST)) == 0 || (flags & ACK) == 0 && (flags & (FIN | PSH | URG)) != 0;
    }

    private static int flags(Packet packet, int l4) {
        return packet.u8(l4 + 13) & 0x3f;
    }

    /** A SYN begins a connection, and so does a packet of one that was there before us; a SYN with ACK does neither. */
    static boolean isBeginning(Packet packet) {
        int flags = flags(packet, packet.l4Offset());
        return !flagsAreInvalid(flags) && (flags & (SYN | ACK)) != (SYN | ACK);
    }

    static void begin(Entries entries, int slot, Packet packet) {
        int l4 = packet.l4Offset();
        int flags = flags(packet, l4);
        int seq = packet.u32(l4 + 4);
        int seqHigh = seq + payloadBytes(packet, l4) + 1;
        int scale = SCALE_UNKNOWN;
        if ((flags & SYN) != 0) {
            seqHigh++;
            scale = windowScale(packet, l4);
        }
        if ((flags & FIN) != 0) {
            seqHigh++;
        }
        int window = Math.max(packet.u16(l4 + 14), 1);
        int shift = scale & SCALE_MASK;
        entries.setSeqLow(slot, 0, seq);
        entries.setSeqHigh(slot, 0, seqHigh);
        // The window of a SYN is never scaled; kept in scaled units like all others.
        entries.setMaxWindow(slot, 0, (window + (1 << shift) - 1) >> shift);
        entries.setWindowScale(slot, 0, scale);
        entries.setTcpState(slot, 0, SYN_SENT.ordinal());
        entries.setSeqLow(slot, 1, 0);
        entries.setSeqHigh(slot, 1, 1);
        entries.setMaxWindow(slot, 1, 1);
        entries.setWindowScale(slot, 1, (flags & SYN) != 0 ? 0 : SCALE_UNKNOWN);
        entries.setTcpState(slot, 1, CLOSED.ordinal());
        entries.setTimeoutClass(slot, TimeoutClass.TCP_FIRST_PACKET);
    }

    /**
     * Moves the connection by one packet.
     *
     * @param sender      0 for the original direction, 1 for replies
     * @param checkWindow false: sequence numbers are followed but not judged
     */
    static TrackVerdict update(Entries entries, int slot, Packet packet, int sender, boolean checkWindow) {
        int l4 = packet.l4Offset();
        int receiver = sender ^ 1;
        int flags = flags(packet, l4);
        if (flagsAreInvalid(flags)) {
            return TrackVerdict.INVALID;
        }
        if ((flags & (SYN | ACK)) == SYN) {
            if (entries.tcpState(slot, sender) >= FIN_WAIT_2.ordinal() && entries.tcpState(slot, receiver) >= FIN_WAIT_2.ordinal()) {
                return TrackVerdict.BEGINS_ANEW; // RFC 9293 §3.6.1: the port pair is used again.
            }
            if (entries.tcpState(slot, sender) <= SYN_SENT.ordinal()) {
                entries.setTcpState(slot, sender, SYN_SENT.ordinal());
                entries.setTimeoutClass(slot, TimeoutClass.TCP_FIRST_PACKET);
                return TrackVerdict.VALID_NEW;
            }
        }
        boolean lenient = !checkWindow || entries.has(slot, Entries.LENIENT << sender);
        return follow(entries, slot, packet, l4, sender, flags, lenient);
    }

    private static TrackVerdict follow(Entries entries, int slot, Packet packet, int l4, int sender, int flags, boolean lenient) {
        int receiver = sender ^ 1;
        int window = packet.u16(l4 + 14);
        int senderShift = shift(entries, slot, sender, receiver, flags);
        int receiverShift = shift(entries, slot, receiver, sender, flags);
        int firstSeq = packet.u32(l4 + 4);
        int seq = firstSeq;
        int end = seq + payloadBytes(packet, l4) + ((flags & SYN) != 0 ? 1 : 0) + ((flags & FIN) != 0 ? 1 : 0);
        int ack = packet.u32(l4 + 8);
        boolean checkAck = true;
        if (entries.tcpState(slot, sender) < SYN_SENT.ordinal()) {
            // The first packet of this side: its numbers are what it says they are.
            if ((flags & SYN) != 0 && (entries.windowScale(slot, receiver) & SCALE_KNOWN) != 0) {
                int scale = windowScale(packet, l4);
                entries.setWindowScale(slot, sender, scale);
                if ((scale & SCALE_KNOWN) != 0) {
                    senderShift = scale & SCALE_MASK;
                    window = (window + (1 << senderShift) - 1) >> senderShift;
                    receiverShift = entries.windowScale(slot, receiver) & SCALE_MASK;
                } else {
                    // No scaling unless both offer it (RFC 7323 §2.2).
                    int offered = entries.windowScale(slot, receiver) & SCALE_MASK;
                    entries.setMaxWindow(slot, receiver, entries.maxWindow(slot, receiver) << offered);
                    entries.setWindowScale(slot, receiver, 0);
                }
            }
            entries.setSeqLow(slot, sender, seq);
            entries.setTcpState(slot, sender, SYN_SENT.ordinal());
            int limit = end + Math.max(1, entries.maxWindow(slot, receiver) << receiverShift);
            if (entries.seqHigh(slot, sender) == 1 || atOrAfter(limit, entries.seqHigh(slot, sender))) {
                entries.setSeqHigh(slot, sender, limit);
                checkAck = false;
            }
            entries.setMaxWindow(slot, sender, Math.max(window, entries.maxWindow(slot, sender)));
        }
        if ((flags & ACK) == 0 || ack == 0 && (flags & RST) != 0) {
            ack = entries.seqLow(slot, receiver); // Nothing is acknowledged, so nothing is judged.
        }
        if (seq == end) {
            seq = entries.seqLow(slot, sender); // Without data, where it stands matters little.
            end = seq;
        }
        int skew = checkAck ? entries.seqLow(slot, receiver) - ack : 0;
        boolean inWindow = lenient || atOrAfter(entries.seqHigh(slot, sender), end)
                && atOrAfter(seq, entries.seqLow(slot, sender) - (entries.maxWindow(slot, receiver) << receiverShift))
                && skew >= -MAX_ACK_SKEW && skew <= MAX_ACK_SKEW << senderShift
                && ((flags & RST) == 0 || resetIsExact(firstSeq, entries.seqLow(slot, sender)));
        if (inWindow) {
            advance(entries, slot, sender, window, end);
            int allowed = ack + Math.max(window << senderShift, 1);
            if (lenient || atOrAfter(ack + (window << senderShift), entries.seqHigh(slot, receiver))) {
                entries.setSeqHigh(slot, receiver, allowed);
            }
            if (lenient && (flags & ACK) != 0) {
                resynchronise(entries, slot, sender, end, ack);
            }
            move(entries, slot, sender, flags);
            entries.setTimeoutClass(slot, timeout(entries.tcpState(slot, sender), entries.tcpState(slot, receiver)));
            return TrackVerdict.VALID;
        }
        return shotInTheDark(entries, slot, sender, flags, window, seq, end);
    }

    private static int shift(Entries entries, int slot, int of, int other, int flags) {
        if ((flags & SYN) != 0) {
            return 0;
        }
        int both = entries.windowScale(slot, of) & entries.windowScale(slot, other);
        return (both & SCALE_KNOWN) != 0 ? entries.windowScale(slot, of) & SCALE_MASK
                : (both & SCALE_UNKNOWN) != 0 ? MAX_SCALE : 0;
    }

    /** A reset must hit the next expected number, or one beside it. */
    private static boolean resetIsExact(int seq, int expected) {
        return seq == expected || seq == expected + 1 || seq + 1 == expected;
    }

    private static void advance(Entries entries, int slot, int sender, int window, int end) {
        entries.setMaxWindow(slot, sender, Math.max(window, entries.maxWindow(slot, sender)));
        if (end - entries.seqLow(slot, sender) > 0) {
            entries.setSeqLow(slot, sender, end);
        }
    }

    /** Packets went by unseen: take this one's word for where both sides stand, and judge again once both were heard. */
    private static void resynchronise(Entries entries, int slot, int sender, int end, int ack) {
        entries.setSeqLow(slot, sender, end);
        if (ack - entries.seqLow(slot, sender ^ 1) > 0) {
            entries.setSeqLow(slot, sender ^ 1, ack);
        }
        if (end - entries.seqHigh(slot, sender) > 0) {
            entries.setSeqHigh(slot, sender, end);
        }
        entries.lower(slot, Entries.LENIENT << sender);
    }

    private static void move(Entries entries, int slot, int sender, int flags) {
        int receiver = sender ^ 1;
        int senderRow = (flags & RST) != 0 ? BY_RST : (flags & FIN) != 0 ? BY_FIN : (flags & SYN) != 0 ? BY_SYN : BY_NOTHING;
        int receiverRow = (flags & RST) != 0 ? BY_RST : (flags & ACK) != 0 ? BY_ACK : BY_NOTHING;
        entries.setTcpState(slot, sender, SENDER[senderRow][entries.tcpState(slot, sender)]);
        entries.setTcpState(slot, receiver, RECEIVER[receiverRow][entries.tcpState(slot, receiver)]);
    }

    /** The state that the tables give to the sender; for the test that walks every cell. */
    static TcpState senderAfter(int flags, TcpState state) {
        int row = (flags & RST) != 0 ? BY_RST : (flags & FIN) != 0 ? BY_FIN : (flags & SYN) != 0 ? BY_SYN : BY_NOTHING;
        return TcpState.values()[SENDER[row][state.ordinal()]];
    }

    static TcpState receiverAfter(int flags, TcpState state) {
        int row = (flags & RST) != 0 ? BY_RST : (flags & ACK) != 0 ? BY_ACK : BY_NOTHING;
        return TcpState.values()[RECEIVER[row][state.ordinal()]];
    }

    private static TimeoutClass timeout(int one, int other) {
        int less = Math.min(one, other);
        int more = Math.max(one, other);
        if (less >= FIN_WAIT_2.ordinal()) {
            return TimeoutClass.TCP_CLOSED;
        }
        if (less >= CLOSING.ordinal()) {
            return TimeoutClass.TCP_FIN_WAIT;
        }
        if (less < ESTABLISHED.ordinal()) {
            return TimeoutClass.TCP_OPENING;
        }
        return more >= CLOSING.ordinal() ? TimeoutClass.TCP_CLOSING : TimeoutClass.TCP_ESTABLISHED;
    }

    /**
     * Outside the window, but the other side has said nothing yet or the connection is nearly over: let it pass if it is near. The
     * deadline is not moved: anyone could keep a connection alive with such packets.
     */
    private static TrackVerdict shotInTheDark(Entries entries, int slot, int sender, int flags, int window, int seq, int end) {
        int receiver = sender ^ 1;
        boolean excusable = entries.tcpState(slot, receiver) < SYN_SENT.ordinal()
                || entries.tcpState(slot, receiver) >= FIN_WAIT_2.ordinal() || entries.tcpState(slot, sender) >= FIN_WAIT_2.ordinal();
        if (!excusable || !atOrAfter(entries.seqHigh(slot, sender) + MAX_ACK_SKEW, end)
                || !atOrAfter(seq, entries.seqLow(slot, sender) - MAX_ACK_SKEW)) {
            return TrackVerdict.INVALID;
        }
        advance(entries, slot, sender, window, end);
        if ((flags & (FIN | RST)) != 0) {
            entries.setTcpState(slot, sender, SENDER[(flags & RST) != 0 ? BY_RST : BY_FIN][entries.tcpState(slot, sender)]);
            if ((flags & RST) != 0) {
                entries.setTcpState(slot, receiver, TIME_WAIT.ordinal());
            }
        }
        return TrackVerdict.VALID_AGEING;
    }

    /** The shift that a side offered, -1 if it offered none or nobody saw. */
    static int offeredScale(int windowScale) {
        return (windowScale & SCALE_KNOWN) != 0 ? windowScale & SCALE_MASK : -1;
    }

    /** Sequence numbers go round (RFC 9293 §3.4). */
    private static boolean atOrAfter(int a, int b) {
        return a - b >= 0;
    }

    private static int payloadBytes(Packet packet, int l4) {
        return packet.l3EndOffset() - l4 - (packet.u8(l4 + 12) >> 4) * 4;
    }

    /** The window scale option of a SYN: {@link #SCALE_KNOWN} and the shift, 0 without the option (RFC 7323 §2.2). */
    private static int windowScale(Packet packet, int l4) {
        int end = l4 + (packet.u8(l4 + 12) >> 4) * 4;
        int offset = l4 + MIN_HEADER_BYTES;
        while (offset < end) {
            int kind = packet.u8(offset);
            if (kind == OPTION_END) {
                break;
            }
            if (kind == OPTION_NOP) {
                offset++;
                continue;
            }
            int length = offset + 1 < end ? packet.u8(offset + 1) : 0;
            if (length < 2 || offset + length > end) {
                break;
            }
            if (kind == OPTION_WINDOW_SCALE && length == 3) {
                return SCALE_KNOWN | Math.min(packet.u8(offset + 2), MAX_SCALE);
            }
            offset += length;
        }
        return 0;
    }
}
