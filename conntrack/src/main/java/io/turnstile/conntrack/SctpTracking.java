package io.turnstile.conntrack;

import static io.turnstile.conntrack.EntryLayout.FLAG_REPLY_SEEN;

import io.turnstile.conntrack.SctpTransitions.Kind;
import io.turnstile.packet.Packet;
import io.turnstile.packet.Packet.ChecksumState;
import org.jspecify.annotations.Nullable;

/**
 * The SCTP tracking moves an SCTP association's state and verifies its tags (RFC 9260 §8.5). Of each direction is kept
 * the tag that its packets carry: it was chosen by the side that they go to, in its INIT or INIT ACK. A connection
 * picked up in its middle learns them from the first packet of each direction. 0 stands for "not known": it is nobody's
 * tag.
 *
 * <p>An INIT carries no tag, so that anybody can send one. It therefore changes nothing of an association that is there
 * already (§5.2): its tag is kept beside as <i>asked</i>, the pair of tags that the INIT ACK to it makes as
 * <i>offered</i>. An offer goes from who made it to the other side: that one alone redeems it, by a COOKIE ECHO that
 * carries the tag of the INIT ACK. What its maker sends with the same tag is no more than it was before, or a late INIT
 * ACK would lead to what neither end knows of (§5.2.1, §5.2.3). Nor does the COOKIE ECHO decide: who gets it may
 * discard it (§5.2.4 C) or answer that it is stale (§5.2.6). The association is the offered one from the first packet
 * on that only an end that is part of it sends: a COOKIE ACK or anything else behind it, as between COOKIE ECHO and
 * COOKIE ACK nobody sends anything (§5.1 C).
 *
 * <p>Who has said in INIT or INIT ACK that zero will do for a checksum gets packets with zero in its place (RFC 9653).
 *
 * <p>Threads: the entry is locked by the caller; the object is scratch of one thread.
 */
final class SctpTracking {
    static final int TAGS = EntryLayout.PEER;
    static final int OFFERED_TAGS = TAGS + 8;
    /** The newest INIT's tag, or that of another offer in answer to the same INIT: {@link #SPARE} says which. */
    static final int SPARE_TAG = TAGS + 16;
    /** Bits of the constants that follow; an association has one state, so that the reply side's byte is free. */
    static final int NOTES = EntryLayout.STATE + 1;

    static final int TAG_BYTES = 4;
    private static final int UNKNOWN = 0;

    /** The offer was made by the reply side. */
    private static final int MADE_BY_REPLY = 1;
    /** A COOKIE ECHO has carried the offered tag. */
    private static final int REDEEMED = 1 << 1;
    /** The original side has asked with the spare tag; shifted by the direction. */
    private static final int ASKED = 1 << 2;
    /** The spare tag is another offer's to the same INIT. */
    private static final int OTHER_OFFER = ASKED | ASKED << 1;

    private static final int SPARE = OTHER_OFFER;
    /** Who has asked takes zero for a checksum. */
    private static final int ASKED_ZERO = 1 << 4;

    // What stands where TCP keeps the original side's scale.
    /** Packets of the original direction may have zero for a checksum; shifted by the direction. */
    private static final int ZERO = 1;
    /** The same of the association that is offered. */
    private static final int OFFERED_ZERO = 1 << 2;

    private static final Kind[] KINDS = Kind.values();

    /** How the packet's tag fits to the association. */
    private enum Fit {
        /** It is the association's. */
        RIGHT,
        /** It is the first of its direction. */
        LEARNED,
        /** The packet answers an INIT: it makes an offer. */
        OFFERS,
        /** The packet takes the offer up. */
        REDEEMS,
        /** The packet shows that the offered association is the one that stands. */
        ACCEPTS,
        /** The packet belongs to an association other than the tracked one, and changes nothing. */
        ASIDE,
        WRONG
    }

    private long entry;
    private int direction;
    /** The receiver that the packet's tag belongs to takes zero for a checksum. */
    private boolean zeroTaken;

    private @Nullable Timeout timeout;
    private InvalidReason invalidReason = InvalidReason.SCTP_CHUNKS; // set before it is asked for

    /** What {@link #update} wants the deadline to be from; null leaves it alone. */
    @Nullable
    Timeout timeout() {
        return timeout;
    }

    /** The tag that packets of a direction carry, 0 if it is not known. */
    static int tag(long entry, int direction) {
        return OffHeap.getInt(entry + TAGS + (long) direction * TAG_BYTES);
    }

    /** Why {@link #update} has answered {@link UpdateResult#INVALID}. */
    InvalidReason invalidReason() {
        return invalidReason;
    }

    private UpdateResult invalid(InvalidReason reason) {
        invalidReason = reason;
        return UpdateResult.INVALID;
    }

    /** Returns why a packet may not begin a connection; null if it may. */
    static @Nullable InvalidReason faultAsFirst(Packet packet) {
        int lead = SctpChunks.lead(packet);
        if (lead == SctpChunks.MALFORMED) {
            return InvalidReason.SCTP_CHUNKS;
        }
        if (packet.checksumState() == ChecksumState.ZERO) {
            return InvalidReason.L4_CHECKSUM; // Nobody has said that it takes that.
        }
        Kind kind = KINDS[lead];
        boolean tagFits = (kind == Kind.INIT) == (SctpChunks.tag(packet) == UNKNOWN);
        return SctpTransitions.begin(kind) != SctpTransitions.XX && tagFits ? null : InvalidReason.SCTP_FIRST;
    }

    /**
     * Fills in a fresh entry from a packet that {@linkplain #faultAsFirst can begin}; returns what its deadline is
     * from.
     */
    static Timeout begin(Packet packet, long entry) {
        Kind kind = KINDS[SctpChunks.lead(packet)];
        int state = SctpTransitions.begin(kind);
        boolean init = kind == Kind.INIT;
        int first = SctpChunks.first(packet);
        OffHeap.putShort(entry + EntryLayout.STATE, 0);
        EntryLayout.setState(entry, 0, state);
        EntryLayout.setScale(entry, 0, init && SctpChunks.takesZeroChecksum(packet, first) ? ZERO << 1 : 0);
        OffHeap.putInt(entry + TAGS, SctpChunks.tag(packet));
        OffHeap.putInt(entry + TAGS + TAG_BYTES, init ? SctpChunks.initiateTag(packet, first) : UNKNOWN);
        OffHeap.putInt(entry + OFFERED_TAGS, UNKNOWN);
        OffHeap.putInt(entry + OFFERED_TAGS + TAG_BYTES, UNKNOWN);
        OffHeap.putInt(entry + SPARE_TAG, UNKNOWN);
        return SctpTransitions.timeout(state);
    }

    /** One packet of a known connection; direction 0 is original. */
    UpdateResult update(Packet packet, long entry, int direction) {
        timeout = null;
        int lead = SctpChunks.lead(packet);
        if (lead == SctpChunks.MALFORMED) {
            return invalid(InvalidReason.SCTP_CHUNKS);
        }
        this.entry = entry;
        this.direction = direction;
        return KINDS[lead] == Kind.INIT ? init(packet) : follow(packet, KINDS[lead]);
    }

    private UpdateResult init(Packet packet) {
        int state = state();
        if (SctpChunks.tag(packet) != UNKNOWN) {
            return invalid(InvalidReason.SCTP_TAG);
        }
        if (packet.checksumState() == ChecksumState.ZERO) {
            return invalid(InvalidReason.L4_CHECKSUM);
        }
        if (SctpTransitions.next(direction, Kind.INIT, state) == SctpTransitions.NW) {
            return UpdateResult.REOPEN;
        }
        int first = SctpChunks.first(packet);
        ask(SctpChunks.initiateTag(packet, first), SctpChunks.takesZeroChecksum(packet, first));
        if (state == SctpState.COOKIE_WAIT.ordinal() && direction == 0) {
            timeout = SctpTransitions.timeout(state);
        }
        return result();
    }

    /** The sender wants to be answered with that tag. */
    private void ask(int tag, boolean takesZero) {
        int to = direction ^ 1;
        int known = tag(TAGS, to);
        if (known == UNKNOWN && state() == SctpState.COOKIE_WAIT.ordinal()) {
            setTag(TAGS, to, tag);
            setZero(ZERO << to, takesZero);
        } else if (known != tag && !(maker() == to && tag(OFFERED_TAGS, to) == tag)) {
            // Not one sent again, whose answer is known already.
            setSpare(tag, ASKED << direction);
            setNote(ASKED_ZERO, takesZero);
        }
    }

    private UpdateResult follow(Packet packet, Kind lead) {
        zeroTaken = false;
        Fit fit = fit(SctpChunks.tag(packet), packet, lead);
        if (fit == Fit.WRONG) {
            return invalid(InvalidReason.SCTP_TAG);
        }
        if (packet.checksumState() == ChecksumState.ZERO && !(zeroTaken && SctpChunks.mayHaveZeroChecksum(packet))) {
            return invalid(InvalidReason.L4_CHECKSUM);
        }
        int before = state();
        int state = walk(packet, fit == Fit.ACCEPTS ? acceptedState() : before);
        if (state == SctpTransitions.XX) {
            return invalid(InvalidReason.SCTP_STATE);
        }
        if (fit == Fit.ASIDE) {
            return result();
        }
        takeTags(packet, lead, fit);
        EntryLayout.setState(entry, 0, state);
        if (before != SctpState.CLOSED.ordinal() || state != before) {
            timeout = SctpTransitions.timeout(state);
        }
        return direction != 0 ? UpdateResult.ESTABLISHED : result();
    }

    /** Where an offered association is when its first packet comes: who has redeemed it waits for a COOKIE ACK. */
    private int acceptedState() {
        return (direction == maker() ? SctpState.COOKIE_ECHOED : SctpState.ESTABLISHED).ordinal();
    }

    /** The state after all chunks, {@link SctpTransitions#XX} if one does not fit. */
    private int walk(Packet packet, int before) {
        int state = before;
        for (int at = SctpChunks.first(packet); at != SctpChunks.END; at = SctpChunks.next(packet, at)) {
            Kind kind = SctpChunks.kind(packet, at);
            state = SctpTransitions.next(direction, kind, state);
            if (state < 0 || kind == Kind.ABORT) {
                // §3.3.7: what stands behind an ABORT is ignored.
                return state;
            }
        }
        return state;
    }

    private Fit fit(int tag, Packet packet, Kind lead) {
        if (tag == UNKNOWN) {
            return Fit.WRONG;
        }
        boolean halfOpen = halfOpen();
        if (reflected(packet)) {
            boolean ofOffer = tag == tag(OFFERED_TAGS, direction ^ 1);
            return tag == tag(TAGS, direction ^ 1)
                    ? Fit.RIGHT
                    : ofOffer || halfOpen && lead == Kind.SHUTDOWN_COMPLETE ? Fit.ASIDE : Fit.WRONG;
        }
        Fit ofOffer = fitToOffer(tag, lead);
        if (ofOffer != Fit.WRONG) {
            return ofOffer;
        }
        int expected = tag(TAGS, direction);
        if (tag == expected) {
            zeroTaken = zero(ZERO << direction);
            return Fit.RIGHT;
        }
        if (isSpare(tag, ASKED << (direction ^ 1))) {
            zeroTaken = note(ASKED_ZERO);
            // §5.1: an INIT is answered by INIT ACK or ABORT.
            return lead == Kind.INIT_ACK ? Fit.OFFERS : lead == Kind.ABORT ? Fit.ASIDE : Fit.WRONG;
        }
        if (halfOpen && lead == Kind.SHUTDOWN_ACK) {
            // §8.5.1 E: the end of an association that its sender still believes in.
            return Fit.ASIDE;
        }
        return expected == UNKNOWN && state() != SctpState.COOKIE_WAIT.ordinal() ? Fit.LEARNED : Fit.WRONG;
    }

    /** How the packet fits to what is offered; {@link Fit#WRONG} if that has nothing to do with it. */
    private Fit fitToOffer(int tag, Kind lead) {
        boolean redeemer = direction != maker();
        boolean offered = tag == tag(OFFERED_TAGS, direction);
        if (lead == Kind.COOKIE_ECHO && redeemer && (offered || isSpare(tag, OTHER_OFFER))) {
            return Fit.REDEEMS;
        }
        boolean current = tag == tag(TAGS, direction);
        if (!offered || current && !(lead == Kind.COOKIE_ACK && !redeemer && note(REDEEMED))) {
            return Fit.WRONG;
        }
        Fit fit = switch (lead) {
            case INIT_ACK -> redeemer ? Fit.WRONG : Fit.OFFERS;
            // §5.2.6, §8.4: the cookie is stale, or an end gives up; what stands so far stands on.
            case ABORT, ERROR -> Fit.ASIDE;
            case DATA, INIT, HEARTBEAT, SHUTDOWN, SHUTDOWN_ACK, COOKIE_ECHO, COOKIE_ACK, SHUTDOWN_COMPLETE, ASIDE ->
                note(REDEEMED) ? Fit.ACCEPTS : Fit.WRONG;
        };
        zeroTaken = fit != Fit.WRONG && zero(OFFERED_ZERO << direction);
        return fit;
    }

    private static boolean reflected(Packet packet) {
        for (int at = SctpChunks.first(packet); at != SctpChunks.END; at = SctpChunks.next(packet, at)) {
            Kind kind = SctpChunks.kind(packet, at);
            if (kind == Kind.ABORT || kind == Kind.SHUTDOWN_COMPLETE) {
                return SctpChunks.reflects(packet, at);
            }
        }
        return false;
    }

    private void takeTags(Packet packet, Kind lead, Fit fit) {
        int tag = SctpChunks.tag(packet);
        switch (fit) {
            case LEARNED -> setTag(TAGS, direction, tag);
            case REDEEMS -> redeem(tag);
            case ACCEPTS -> accept();
            case RIGHT -> {
                if (lead == Kind.COOKIE_ACK && direction != maker() && note(REDEEMED)) {
                    // Who had redeemed has accepted the other side's cookie instead (§5.2.4 B).
                    forgetOffer();
                }
            }
            case OFFERS, ASIDE, WRONG -> {
                // Nothing to be taken over.
            }
        }
        if (lead == Kind.INIT_ACK) {
            int first = SctpChunks.first(packet);
            offer(tag, SctpChunks.initiateTag(packet, first), SctpChunks.takesZeroChecksum(packet, first));
        }
    }

    /** The sender's packets are to carry {@code senderTag}, those to it {@code receiverTag}. */
    private void offer(int senderTag, int receiverTag, boolean takesZero) {
        int to = direction ^ 1;
        boolean current = senderTag == tag(TAGS, direction);
        if (current && tag(TAGS, to) == UNKNOWN && state() == SctpState.COOKIE_WAIT.ordinal()) {
            setTag(TAGS, to, receiverTag);
        }
        if (current && tag(TAGS, to) == receiverTag) {
            setZero(ZERO << to, takesZero);
            return;
        }
        if (maker() == direction && tag(OFFERED_TAGS, direction) == senderTag) {
            if (tag(OFFERED_TAGS, to) != receiverTag) {
                setSpare(receiverTag, OTHER_OFFER); // The INIT was sent twice: which answer comes first is not known.
            }
            return;
        }
        setTag(OFFERED_TAGS, direction, senderTag);
        setTag(OFFERED_TAGS, to, receiverTag);
        setZero(OFFERED_ZERO << direction, zeroTaken);
        setZero(OFFERED_ZERO << to, takesZero);
        setSpare(UNKNOWN, 0);
        setNote(MADE_BY_REPLY, direction != 0);
        setNote(REDEEMED, false);
    }

    private void redeem(int tag) {
        if (tag != tag(OFFERED_TAGS, direction)) {
            setSpare(tag(OFFERED_TAGS, direction), OTHER_OFFER);
            setTag(OFFERED_TAGS, direction, tag);
        }
        setNote(REDEEMED, true);
    }

    private void accept() {
        for (int to = 0; to < 2; to++) {
            setTag(TAGS, to, tag(OFFERED_TAGS, to));
            setZero(ZERO << to, zero(OFFERED_ZERO << to));
        }
        forgetOffer();
    }

    private void forgetOffer() {
        setTag(OFFERED_TAGS, 0, UNKNOWN);
        setTag(OFFERED_TAGS, 1, UNKNOWN);
        setNote(REDEEMED, false);
        if ((notes() & SPARE) == OTHER_OFFER) {
            setSpare(UNKNOWN, 0);
        }
    }

    private UpdateResult result() {
        return (EntryLayout.flags(entry) & FLAG_REPLY_SEEN) != 0 ? UpdateResult.ESTABLISHED : UpdateResult.NEW;
    }

    // ---- the entry ----

    private int state() {
        return EntryLayout.state(entry, 0);
    }

    private boolean halfOpen() {
        int state = state();
        return state == SctpState.COOKIE_WAIT.ordinal() || state == SctpState.COOKIE_ECHOED.ordinal();
    }

    private int tag(int tags, int direction) {
        return OffHeap.getInt(entry + tags + (long) direction * TAG_BYTES);
    }

    private void setTag(int tags, int direction, int tag) {
        OffHeap.putInt(entry + tags + (long) direction * TAG_BYTES, tag);
    }

    private boolean isSpare(int tag, int kind) {
        return (notes() & SPARE) == kind && tag == OffHeap.getInt(entry + SPARE_TAG);
    }

    /** @param kind one of {@link #ASKED} of a direction and {@link #OTHER_OFFER}; 0 with {@link #UNKNOWN} */
    private void setSpare(int tag, int kind) {
        OffHeap.putInt(entry + SPARE_TAG, tag);
        OffHeap.putByte(entry + NOTES, notes() & ~SPARE | kind);
    }

    private int notes() {
        return OffHeap.getUnsignedByte(entry + NOTES);
    }

    private boolean note(int bit) {
        return (notes() & bit) != 0;
    }

    private void setNote(int bit, boolean value) {
        OffHeap.putByte(entry + NOTES, notes() & ~bit | (value ? bit : 0));
    }

    /** The direction of who made the offer. */
    private int maker() {
        return notes() & MADE_BY_REPLY;
    }

    private boolean zero(int bit) {
        return (EntryLayout.scale(entry, 0) & bit) != 0;
    }

    private void setZero(int bit, boolean value) {
        EntryLayout.setScale(entry, 0, EntryLayout.scale(entry, 0) & ~bit | (value ? bit : 0));
    }
}
