package io.turnstile.conntrack;

import static io.turnstile.conntrack.EntryLayout.FLAGS_LENIENT;
import static io.turnstile.conntrack.EntryLayout.FLAG_HELD;
import static io.turnstile.conntrack.EntryLayout.FLAG_LENIENT;
import static io.turnstile.conntrack.EntryLayout.FLAG_SCALE_KNOWN;
import static io.turnstile.conntrack.EntryLayout.FLAG_SCALE_UNKNOWN;
import static io.turnstile.conntrack.EntryLayout.LARGEST_WINDOW;
import static io.turnstile.conntrack.EntryLayout.PEER_SEQUENCE_HIGH;
import static io.turnstile.conntrack.EntryLayout.PEER_SEQUENCE_LOW;

import io.turnstile.conntrack.TcpTransitions.Kind;
import io.turnstile.packet.Packet;
import io.turnstile.packet.TcpHeader;
import org.jspecify.annotations.Nullable;

/**
 * The TCP tracking moves a TCP connection's states and checks that a packet lies in the window (Guido van Rooij, "Real
 * Stateful TCP Packet Filtering in IP Filter", 2000). Of each side is kept: the highest sequence number sent (low), the
 * highest the other side allows (high), the largest window offered before scaling, and the scale.
 *
 * <p>While somebody else carries packets, and until both sides were seen again, it is lenient: what a packet says is
 * believed instead of compared. {@link EntryLayout#FLAG_LENIENT} of a side then means "not seen since the numbers were
 * believed": a side whose packet does not go on where both sides were sets the other one's. So if that of the receiver
 * alone is set, what is known of the sender is the sender's own word, and no reset is measured by it (decision 15).
 *
 * <p>A packet is followed as Open vSwitch does, but for what decision 21 says of handshakes, SYNs in live connections
 * and packets beside the window.
 *
 * <p>Threads: the entry is locked by the caller; the object is scratch of one thread.
 */
final class TcpTracking {
    private static final int BOTH_KNOWN = FLAG_SCALE_KNOWN | FLAG_SCALE_KNOWN << 1;
    /** A window is 16 bits before scaling. */
    private static final int LARGEST_STORED_WINDOW = 0xffff;

    /** The high number of a side that has not spoken, and to which nothing was said. */
    private static final int NOTHING_ALLOWED = 1;
    /** What {@link EntryLayout#states} says of the usual connection. */
    private static final int BOTH_ESTABLISHED = TcpState.ESTABLISHED.ordinal() * 0x0101;

    /** How far an acknowledgement may stray: a window and some slack. */
    private static final int STRAY_BYTES = 0xffff + 1500;

    private long entry;
    private int direction;
    private long sender;
    private long receiver;
    private int senderShift;
    private int receiverShift;
    private int sequence;
    private int end;
    private int acknowledged;
    private int window;
    private @Nullable Timeout timeout;
    private InvalidReason invalidReason = InvalidReason.TCP_FLAGS; // set before it is asked for

    /** What {@link #update} wants the deadline to be from; null leaves it alone. */
    @Nullable
    Timeout timeout() {
        return timeout;
    }

    /** Why {@link #update} has answered {@link UpdateResult#INVALID}. */
    InvalidReason invalidReason() {
        return invalidReason;
    }

    private UpdateResult invalid(InvalidReason reason) {
        invalidReason = reason;
        return UpdateResult.INVALID;
    }

    /**
     * Returns why a packet may not begin a connection; null if it may: a SYN, or what goes on in the middle of one.
     * SYN|ACK is a half of something unseen, and what ends a connection begins none (RFC 9293 §3.10.7.1, §3.10.7.2).
     */
    static @Nullable InvalidReason faultAsFirst(Packet packet) {
        return switch (TcpTransitions.kind(flags(packet))) {
            case IMPOSSIBLE -> InvalidReason.TCP_FLAGS;
            case SYN_ACK -> InvalidReason.TCP_SYN_ACK;
            case FIN, RST -> TcpRules.ARE_RFCS ? InvalidReason.TCP_END : null;
            case SYN, ACK -> null;
        };
    }

    /** Fills in the peers of a fresh entry from its first packet. */
    static void begin(Packet packet, long entry) {
        int flags = flags(packet);
        int sequence = packet.u32(packet.l4Offset() + TcpHeader.SEQUENCE);
        int high = sequence + payloadBytes(packet) + 1 + ((flags & TcpHeader.FIN) != 0 ? 1 : 0);
        int scale = 0;
        if ((flags & TcpHeader.SYN) != 0) {
            high++;
            int option = TcpOptions.scale(packet);
            scale = Math.max(option, 0);
            EntryLayout.setFlags(
                    entry, EntryLayout.flags(entry) | (option == TcpOptions.NO_SCALE ? 0 : FLAG_SCALE_KNOWN));
        } else {
            EntryLayout.setFlags(entry, EntryLayout.flags(entry) | FLAG_SCALE_UNKNOWN);
        }
        int window = Math.max(packet.u16(packet.l4Offset() + TcpHeader.WINDOW), 1);
        writePeer(entry, 0, sequence, high, unscaled(window, scale));
        writePeer(entry, 1, 0, NOTHING_ALLOWED, 1);
        OffHeap.putShort(entry + EntryLayout.STATE, 0);
        EntryLayout.setState(entry, 0, TcpState.SYN_SENT.ordinal());
        EntryLayout.setState(entry, 1, TcpState.CLOSED.ordinal());
        EntryLayout.setScale(entry, 0, scale);
    }

    private static void writePeer(long entry, int direction, int low, int high, int largestWindow) {
        long peer = EntryLayout.peer(entry, direction);
        OffHeap.putInt(peer + PEER_SEQUENCE_LOW, low);
        OffHeap.putInt(peer + PEER_SEQUENCE_HIGH, high);
        setLargestWindow(entry, direction, largestWindow);
    }

    /** One packet of a known connection; direction 0 is original. */
    UpdateResult update(Packet packet, long entry, int direction, boolean checkWindow) {
        timeout = null;
        Kind kind = TcpTransitions.kind(flags(packet));
        if (kind == Kind.IMPOSSIBLE) {
            return invalid(InvalidReason.TCP_FLAGS);
        }
        this.entry = entry;
        this.direction = direction;
        if (kind == Kind.SYN) {
            switch (TcpTransitions.synStep(state(direction), state(direction ^ 1))) {
                case REOPEN -> {
                    setState(direction, TcpState.CLOSED.ordinal());
                    setState(direction ^ 1, TcpState.CLOSED.ordinal());
                    return UpdateResult.REOPEN;
                }
                case FIRST -> {
                    return followFirstSyn(packet);
                }
                case CHECK -> {
                    if (TcpRules.ARE_RFCS || isLenient()) {
                        // RFC 5961 §4: wherever it lies, the other end answers with where it is itself.
                        return UpdateResult.PASSED;
                    }
                }
            }
        }
        return follow(packet, kind, checkWindow);
    }

    private UpdateResult follow(Packet packet, Kind kind, boolean checkWindow) {
        int flags = flags(packet);
        readSegment(packet, flags);
        boolean beginning = EntryLayout.states(entry) != BOTH_ESTABLISHED;
        boolean first = beginning && !isSeen(entry, direction);
        if (isLenient()) {
            return followLeniently(packet, kind, first, checkWindow);
        }
        if (beginning && checkWindow && isUnacknowledged()) {
            UpdateResult result = followUnacknowledged(packet, kind, flags);
            if (result != null) {
                return result;
            }
        }
        boolean checkSkew = !first || !open(packet, flags);
        int lowOfReceiver = low(receiver);
        if ((flags & TcpHeader.ACK) == 0 || acknowledged == 0 && (flags & TcpHeader.RST) != 0) {
            // Nothing acknowledged, or a stack that sends RST|ACK with a zero acknowledgement: take it as on the spot.
            acknowledged = lowOfReceiver;
        }
        int sent = sequence;
        if (sequence == end) {
            // Without data the sequence number moves nothing: be lenient about it.
            sequence = low(sender);
            end = sequence;
        }
        int skew = checkSkew ? lowOfReceiver - acknowledged : 0;
        if (!checkWindow || inWindow(skew, kind, sent)) {
            slideWindow();
            return moved(kind);
        }
        if (isStraggler()) {
            // Deadline untouched: a flood of such packets must not keep the connection alive.
            slideWindow();
            setState(direction, TcpTransitions.sender(kind, state(direction)));
            if (kind == Kind.RST) {
                setState(direction ^ 1, TcpTransitions.receiver(kind, state(direction ^ 1)));
            }
            return UpdateResult.ESTABLISHED;
        }
        return TcpRules.ARE_RFCS ? followOutside(packet, kind, skew, sent) : invalid(InvalidReason.TCP_WINDOW);
    }

    /** Outside of the window, and yet nothing that an honest host would not send. */
    private UpdateResult followOutside(Packet packet, Kind kind, int skew, int sent) {
        if (sequence == end && isNearAcknowledged(skew) && (kind != Kind.RST || isNear(sent, low(sender), 1))) {
            // Its number was outside before, and it has nothing more that could be.
            slideWindow();
            return moved(kind);
        }
        if (kind == Kind.SYN_ACK
                && state(direction) == TcpState.SYN_SENT.ordinal()
                && isSeen(entry, direction ^ 1)
                && (isNear(acknowledged, low(receiver), 1) || answersCrossing())) {
            // The server was started again, or chooses its number anew for each answer (RFC 4987 §3.6).
            openAnew(packet);
            if (!hasFlag(FLAG_SCALE_KNOWN << (direction ^ 1)) && TcpOptions.scale(packet) != TcpOptions.NO_SCALE) {
                // It answers an option (RFC 7323 §2.2) that an earlier SYN of this side, maybe forged, has turned off.
                EntryLayout.setFlags(entry, EntryLayout.flags(entry) | FLAG_SCALE_UNKNOWN);
            }
            slideWindow();
            return moved(kind);
        }
        if (kind == Kind.ACK
                && state(direction) == TcpState.ESTABLISHED.ordinal()
                && state(direction ^ 1) == TcpState.SYN_SENT.ordinal()
                && isNear(sent, low(sender), 1)) {
            // Of several answers the client tells which it has taken.
            OffHeap.putInt(receiver + PEER_SEQUENCE_LOW, acknowledged);
            OffHeap.putInt(receiver + PEER_SEQUENCE_HIGH, acknowledged + Math.max(1, window << senderShift));
            slideWindow();
            return moved(kind);
        }
        boolean data = kind == Kind.ACK || kind == Kind.FIN;
        return data && isNearAcknowledged(skew) && !hasFlag(FLAG_SCALE_UNKNOWN)
                ? followBesideWindow(kind)
                : invalid(InvalidReason.TCP_WINDOW);
    }

    /**
     * Data of at most one window beyond the window, or before it: acknowledgements went by another way or were lost,
     * and the other end has to answer with where it is (RFC 9293 §3.10.7.4). Only what goes on just where the sender
     * was is more than a guess, and counts.
     */
    private UpdateResult followBesideWindow(Kind kind) {
        int allowed = Math.max(1, largestWindow(direction ^ 1) << receiverShift);
        int beyond = end - high(sender);
        int behind = low(sender) - sequence;
        if (beyond > 0 && beyond <= allowed && behind <= allowed) {
            if (isNear(sequence, low(sender), 1)) {
                // The deadline stays: whoever never hears of acknowledgements does not know whether anybody is there.
                slideWindow();
                setState(direction, TcpTransitions.sender(kind, state(direction)));
                return UpdateResult.ESTABLISHED;
            }
            return UpdateResult.PASSED;
        }
        return beyond <= 0 && behind > allowed && behind - allowed <= allowed
                ? UpdateResult.PASSED
                : invalid(InvalidReason.TCP_WINDOW);
    }

    /** The original side has begun with a SYN, and nobody has acknowledged that yet. */
    private boolean isUnacknowledged() {
        int state = state(0);
        return TcpRules.ARE_RFCS
                && (state == TcpState.SYN_SENT.ordinal() || state == TcpState.CLOSING.ordinal())
                && state(1) <= TcpState.SYN_SENT.ordinal()
                && !hasFlag(FLAG_SCALE_UNKNOWN);
    }

    /** @return null if the packet is followed like any other */
    private @Nullable UpdateResult followUnacknowledged(Packet packet, Kind kind, int flags) {
        if (state(1) == TcpState.SYN_SENT.ordinal()) {
            return kind == Kind.RST && state(0) == TcpState.SYN_SENT.ordinal() ? followCrossingReset(flags) : null;
        }
        if (high(EntryLayout.peer(entry, 1)) != NOTHING_ALLOWED) {
            return followUnseenAnswer(packet, kind);
        }
        if (state(0) != TcpState.SYN_SENT.ordinal()) {
            return null;
        }
        return direction == 0 ? followAsker(packet, kind) : followAnswer(kind, flags);
    }

    /**
     * A reset after SYNs of both sides, of which nobody has acknowledged one. Who has forged a SYN of the server knows
     * where that side's reset has to be, and not whether the client, which may never get either, believes it: so it
     * passes, and ends nothing unless it acknowledges the client's SYN.
     */
    private UpdateResult followCrossingReset(int flags) {
        boolean onTheSpot = isNear(sequence, low(sender), 1);
        if ((direction != 0 || onTheSpot) && acknowledgesSyn(flags)) {
            return moved(Kind.RST);
        }
        return onTheSpot ? UpdateResult.PASSED : invalid(InvalidReason.TCP_WINDOW);
    }

    /**
     * The packet is the server's answer to the client's SYN and its data (RFC 7413 §4.1), after a SYN of the server.
     */
    private boolean answersCrossing() {
        return direction != 0 && state(0) == TcpState.SYN_SENT.ordinal() && acknowledgesSyn(TcpHeader.ACK);
    }

    /**
     * The client has acknowledged an answer that was not seen here. If there comes one which acknowledges something
     * else altogether, then somebody else may have spoken for the client; it tells itself, as in {@link #followAsker}.
     *
     * @return null if the packet is followed like any other
     */
    private @Nullable UpdateResult followUnseenAnswer(Packet packet, Kind kind) {
        if (direction == 0) {
            return kind == Kind.ACK && repliesToTold() ? connectedOtherwise(packet) : null;
        }
        if (kind != Kind.SYN_ACK || isNear(acknowledged, low(receiver), STRAY_BYTES)) {
            return null;
        }
        OffHeap.putInt(sender + PEER_SEQUENCE_LOW, acknowledged);
        return UpdateResult.PASSED;
    }

    /** The packet acknowledges the receiver's SYN, or the data in it, or a part of that. */
    private boolean acknowledgesSyn(int flags) {
        int low = low(receiver);
        int next = high(receiver) - 1 - low > 0 ? high(receiver) - 1 : low;
        return (flags & TcpHeader.ACK) != 0
                && (acknowledged == next || acknowledged - low > 0 && next - acknowledged > 0);
    }

    /** The packet's number is what an answer has acknowledged that was none to the SYN. */
    private boolean repliesToTold() {
        int told = low(receiver);
        return told != 0 && sequence == told;
    }

    private UpdateResult connectedOtherwise(Packet packet) {
        beginAnew(packet);
        return UpdateResult.ESTABLISHED;
    }

    /**
     * What comes back to a SYN (RFC 9293 §3.10.7.3). It is an answer if it acknowledges the SYN. A reset that does not
     * is passed over. Anything else that does not makes the asker send a reset with the number that it acknowledges; so
     * it passes, and the number is kept as the low one of the side that has not answered yet.
     *
     * @return null if the packet is followed like any other
     */
    private @Nullable UpdateResult followAnswer(Kind kind, int flags) {
        if (acknowledgesSyn(flags)) {
            return null;
        }
        if (kind == Kind.RST) {
            return invalid(InvalidReason.TCP_REFUSAL);
        }
        OffHeap.putInt(sender + PEER_SEQUENCE_LOW, acknowledged);
        return UpdateResult.PASSED;
    }

    /**
     * What the asker says before its SYN is answered. A reset refuses what was no answer, and ends nothing. An
     * acknowledgement at just the number that was no answer to the SYN tells that the SYN was not the asker's last one:
     * those two are connected, and are picked up in the middle.
     *
     * @return null if the packet is followed like any other
     */
    private @Nullable UpdateResult followAsker(Packet packet, Kind kind) {
        boolean repliesToTold = repliesToTold();
        if (kind == Kind.RST) {
            return repliesToTold || isNear(sequence, low(sender), 1)
                    ? UpdateResult.PASSED
                    : invalid(InvalidReason.TCP_WINDOW);
        }
        if (kind != Kind.ACK) {
            return null;
        }
        if (repliesToTold) {
            return connectedOtherwise(packet);
        }
        // Without data the number is not looked at; but this one must not speak for the asker.
        return sequence == end && !isNearWindow() ? UpdateResult.PASSED : null;
    }

    /** A SYN of a side of which the other one has not acknowledged anything. */
    private UpdateResult followFirstSyn(Packet packet) {
        if (TcpRules.ARE_RFCS) {
            readSegment(packet, flags(packet));
            boolean again = isSeen(entry, direction);
            boolean otherSilent = state(direction ^ 1) == TcpState.CLOSED.ordinal();
            boolean crossing = state(direction ^ 1) == TcpState.SYN_SENT.ordinal() && !hasFlag(FLAG_SCALE_UNKNOWN);
            // Another number: it was started again, and only the newer number can be answered (RFC 9293 §3.4.1). Of the
            // same one an option that is left out later may still have been seen.
            boolean other = sequence != low(sender) || end - high(sender) >= 0 || hasFlag(FLAG_SCALE_UNKNOWN);
            boolean anew = again && !isLenient() && other;
            if (anew && otherSilent) {
                int told = low(receiver);
                beginAnew(packet);
                // What an answer has told of an earlier SYN holds: the sender may yet say that it was his.
                OffHeap.putInt(receiver + PEER_SEQUENCE_LOW, told);
            } else if (crossing && (anew || !again)) {
                openAnew(packet);
                ownWordAlone();
            }
        }
        setState(direction, TcpState.SYN_SENT.ordinal());
        timeout = Timeout.TCP_SYN_SENT;
        return UpdateResult.NEW;
    }

    private void beginAnew(Packet packet) {
        EntryLayout.setFlags(entry, EntryLayout.flags(entry) & ~(BOTH_KNOWN | FLAG_SCALE_UNKNOWN));
        begin(packet, entry);
    }

    /** Forgets the sender's numbers for those of the packet. */
    private void openAnew(Packet packet) {
        OffHeap.putInt(sender + PEER_SEQUENCE_HIGH, NOTHING_ALLOWED);
        open(packet, flags(packet));
    }

    /** While it is lenient: nothing has confirmed the sender's numbers. */
    private void ownWordAlone() {
        if (isLenient()) {
            int flags = EntryLayout.flags(entry) & ~(FLAG_LENIENT << direction);
            EntryLayout.setFlags(entry, flags | FLAG_LENIENT << (direction ^ 1));
        }
    }

    private UpdateResult moved(Kind kind) {
        setState(direction, TcpTransitions.sender(kind, state(direction)));
        setState(direction ^ 1, TcpTransitions.receiver(kind, state(direction ^ 1)));
        timeout = TcpTransitions.timeout(state(direction), state(direction ^ 1));
        return UpdateResult.ESTABLISHED;
    }

    private boolean isLenient() {
        return hasFlag(FLAG_HELD | FLAGS_LENIENT);
    }

    /** What may end the connection is measured as ever; all else is believed. */
    private UpdateResult followLeniently(Packet packet, Kind kind, boolean first, boolean checkWindow) {
        boolean valid = switch (kind) {
            case RST -> !checkWindow || isOnTheSpot(packet, first);
            case SYN, SYN_ACK, ACK, FIN, IMPOSSIBLE -> {
                boolean goesOn = !first && goesOn(kind);
                if (first) {
                    open(packet, flags(packet));
                }
                resynchronise(goesOn);
                slideWindow();
                yield true;
            }
        };
        return valid ? moved(kind) : invalid(InvalidReason.TCP_WINDOW);
    }

    /**
     * RFC 5961 §3.2, give or take one. A side of which nothing was seen refuses what the other one has sent, and has to
     * acknowledge just that (RFC 9293 §3.10.7.3): it may have answered by a way that software does not see.
     */
    private boolean isOnTheSpot(Packet packet, boolean first) {
        if (first) {
            return (flags(packet) & TcpHeader.ACK) != 0
                    && (isNear(acknowledged, low(receiver), 1) || acknowledged == high(receiver) - 1);
        }
        return !isUnconfirmed(entry, direction) && isNear(sequence, low(sender), 1);
    }

    /** What is known of the side's numbers is its own word alone. */
    static boolean isUnconfirmed(long entry, int direction) {
        return (EntryLayout.flags(entry) & FLAGS_LENIENT) == FLAG_LENIENT << (direction ^ 1);
    }

    private static boolean isNear(int sequence, int other, int distance) {
        return sequence - other >= -distance && sequence - other <= distance;
    }

    private void readSegment(Packet packet, int flags) {
        sender = EntryLayout.peer(entry, direction);
        receiver = EntryLayout.peer(entry, direction ^ 1);
        int tcp = packet.l4Offset();
        window = packet.u16(tcp + TcpHeader.WINDOW);
        sequence = packet.u32(tcp + TcpHeader.SEQUENCE);
        acknowledged = packet.u32(tcp + TcpHeader.ACKNOWLEDGEMENT);
        end = sequence
                + payloadBytes(packet)
                + ((flags & TcpHeader.SYN) != 0 ? 1 : 0)
                + ((flags & TcpHeader.FIN) != 0 ? 1 : 0);
        int scales = EntryLayout.flags(entry);
        boolean syn = (flags & TcpHeader.SYN) != 0;
        if (!syn && (scales & BOTH_KNOWN) == BOTH_KNOWN) {
            senderShift = scale(direction);
            receiverShift = scale(direction ^ 1);
        } else if (!syn && (scales & FLAG_SCALE_UNKNOWN) != 0) {
            senderShift = TcpOptions.LARGEST_SCALE;
            receiverShift = TcpOptions.LARGEST_SCALE;
        } else {
            senderShift = 0;
            receiverShift = 0;
        }
    }

    /**
     * The first packet from this side. Returns true if its window had to be set from this packet, so that there is
     * nothing yet that its acknowledgement could be measured against.
     */
    private boolean open(Packet packet, int flags) {
        if ((flags & TcpHeader.SYN) != 0 && hasFlag(FLAG_SCALE_KNOWN << (direction ^ 1))) {
            int option = TcpOptions.scale(packet);
            if (option != TcpOptions.NO_SCALE) {
                EntryLayout.setFlags(entry, EntryLayout.flags(entry) | FLAG_SCALE_KNOWN << direction);
                EntryLayout.setScale(entry, direction, option);
                senderShift = option;
                receiverShift = scale(direction ^ 1);
                window = unscaled(window, senderShift);
            } else {
                // RFC 7323 §2.2: one side without the option turns scaling off for both.
                setLargestWindow(entry, direction ^ 1, largestWindow(direction ^ 1) << scale(direction ^ 1));
                EntryLayout.setScale(entry, direction ^ 1, 0);
                EntryLayout.setFlags(entry, EntryLayout.flags(entry) & ~(BOTH_KNOWN | FLAG_SCALE_UNKNOWN));
            }
        }
        OffHeap.putInt(sender + PEER_SEQUENCE_LOW, sequence);
        setState(direction, TcpState.SYN_SENT.ordinal());
        int allowed = end + Math.max(1, largestWindow(direction ^ 1) << receiverShift);
        boolean fresh = high(sender) == NOTHING_ALLOWED || allowed - high(sender) >= 0;
        if (fresh) {
            OffHeap.putInt(sender + PEER_SEQUENCE_HIGH, allowed);
        }
        if (window > largestWindow(direction)) {
            setLargestWindow(entry, direction, window);
        }
        return fresh;
    }

    /**
     * Whether the packet goes on where both sides were, so that what is known of its sender is more than the sender's
     * own word: its number is the next one, or both of its numbers lie where software takes them. A number that is just
     * near is not enough, nor is one that overlaps: a blind attacker soon has such a one.
     */
    private boolean goesOn(Kind kind) {
        return isNear(sequence, low(sender), 1) || inWindow(low(receiver) - acknowledged, kind, sequence);
    }

    /** Believes the packet: where its sender is, and by the acknowledgement where the receiver is. */
    private void resynchronise(boolean goesOn) {
        int allowed = end + Math.max(1, largestWindow(direction ^ 1) << receiverShift);
        if (!goesOn || end - low(sender) > 0) {
            OffHeap.putInt(sender + PEER_SEQUENCE_LOW, end);
        }
        if (!goesOn || end - high(sender) > 0) {
            OffHeap.putInt(sender + PEER_SEQUENCE_HIGH, allowed);
        }
        boolean keepsReceiver = goesOn
                && isNear(acknowledged, low(receiver), Math.max(largestWindow(direction) << senderShift, STRAY_BYTES));
        if (!keepsReceiver || acknowledged - low(receiver) > 0) {
            OffHeap.putInt(receiver + PEER_SEQUENCE_LOW, acknowledged);
        }
        if (!keepsReceiver) {
            OffHeap.putInt(receiver + PEER_SEQUENCE_HIGH, acknowledged + Math.max(1, window << senderShift));
        }
        int flags = EntryLayout.flags(entry) & ~(FLAG_LENIENT << direction);
        EntryLayout.setFlags(entry, goesOn ? flags : flags | FLAG_LENIENT << (direction ^ 1));
    }

    static boolean isSeen(long entry, int direction) {
        return EntryLayout.state(entry, direction) >= TcpState.SYN_SENT.ordinal();
    }

    private boolean inWindow(int skew, Kind kind, int sent) {
        int low = low(sender);
        return high(sender) - end >= 0
                // Sent again: not more than one window back.
                && sequence - (low - (largestWindow(direction ^ 1) << receiverShift)) >= 0
                && isNearAcknowledged(skew)
                // RFC 5961 §3: a reset must be on the spot, give or take one.
                && (kind != Kind.RST || sent - low >= -1 && sent - low <= 1);
    }

    private boolean isNearAcknowledged(int skew) {
        return skew >= -STRAY_BYTES && skew <= STRAY_BYTES << senderShift;
    }

    /** One side unheard or a side closed: what SYNs crossing, pick-up and late packets after the end look like. */
    private boolean isStraggler() {
        return (!isSeen(entry, direction ^ 1)
                        || state(direction ^ 1) >= TcpState.FIN_WAIT_2.ordinal()
                        || state(direction) >= TcpState.FIN_WAIT_2.ordinal())
                && isNearWindow();
    }

    private boolean isNearWindow() {
        return high(sender) + STRAY_BYTES - end >= 0 && sequence - (low(sender) - STRAY_BYTES) >= 0;
    }

    private void slideWindow() {
        if (largestWindow(direction) < window) {
            setLargestWindow(entry, direction, window);
        }
        if (end - low(sender) > 0) {
            OffHeap.putInt(sender + PEER_SEQUENCE_LOW, end);
        }
        int offered = window << senderShift;
        if (acknowledged + offered - high(receiver) >= 0) {
            OffHeap.putInt(receiver + PEER_SEQUENCE_HIGH, acknowledged + Math.max(offered, 1));
        }
    }

    private static int unscaled(int window, int shift) {
        return window + (1 << shift) - 1 >>> shift;
    }

    static int flags(Packet packet) {
        return packet.u8(packet.l4Offset() + TcpHeader.FLAGS);
    }

    private static int payloadBytes(Packet packet) {
        return packet.l3EndOffset() - packet.l4Offset() - TcpHeader.headerBytes(packet, packet.l4Offset());
    }

    private boolean hasFlag(int flag) {
        return (EntryLayout.flags(entry) & flag) != 0;
    }

    static int low(long peer) {
        return OffHeap.getInt(peer + PEER_SEQUENCE_LOW);
    }

    static int high(long peer) {
        return OffHeap.getInt(peer + PEER_SEQUENCE_HIGH);
    }

    private int largestWindow(int side) {
        return largestWindow(entry, side);
    }

    static int largestWindow(long entry, int side) {
        return OffHeap.getUnsignedShort(entry + LARGEST_WINDOW + (long) side * Short.BYTES);
    }

    private static void setLargestWindow(long entry, int side, int window) {
        OffHeap.putShort(entry + LARGEST_WINDOW + (long) side * Short.BYTES, Math.min(window, LARGEST_STORED_WINDOW));
    }

    private int state(int side) {
        return EntryLayout.state(entry, side);
    }

    private void setState(int side, int state) {
        EntryLayout.setState(entry, side, state);
    }

    private int scale(int side) {
        return EntryLayout.scale(entry, side);
    }
}
