package io.turnstile.conntrack;

import io.turnstile.conntrack.SctpTransitions.Kind;
import io.turnstile.packet.Packet;
import org.jspecify.annotations.Nullable;

/**
 * The SCTP tracking moves an SCTP association's state and verifies its tags (RFC 9260 §8.5). Of each direction is kept
 * the tag that its packets carry: it was chosen by the side that they go to, in its INIT or INIT ACK. A connection
 * picked up in its middle learns them from the first packet of each direction. 0 stands for "not known": it is nobody's
 * tag.
 *
 * <p>An INIT carries no tag, so that anybody can send one. It therefore changes nothing of an association that is there
 * already: the tags that it and its INIT ACK offer are kept beside, and taken over by a COOKIE ECHO that carries them,
 * which is what an endpoint that was restarted sends (§5.2).
 *
 * <p>Threads: the entry is locked by the caller; the object is scratch of one thread.
 */
final class SctpTracking {
    static final int TAGS = EntryLayout.PEER;
    static final int OFFERED_TAGS = TAGS + 8;
    /** 1 once a packet with the right tag came from the reply side. */
    static final int ANSWERED = TAGS + 16;

    static final int TAG_BYTES = 4;
    private static final int UNKNOWN = 0;
    private static final Kind[] KINDS = Kind.values();

    /** How the packet's tag fits to the association. */
    private enum Fit {
        RIGHT,
        LEARNED,
        OFFERED,
        UNVERIFIED,
        WRONG
    }

    private long entry;
    private int direction;
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
        OffHeap.putShort(entry + EntryLayout.STATE, 0);
        EntryLayout.setState(entry, 0, state);
        OffHeap.putInt(entry + TAGS, SctpChunks.tag(packet));
        OffHeap.putInt(
                entry + TAGS + TAG_BYTES, init ? SctpChunks.initiateTag(packet, SctpChunks.first(packet)) : UNKNOWN);
        OffHeap.putInt(entry + OFFERED_TAGS, UNKNOWN);
        OffHeap.putInt(entry + OFFERED_TAGS + TAG_BYTES, UNKNOWN);
        OffHeap.putByte(entry + ANSWERED, 0);
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
        if (SctpTransitions.next(direction, Kind.INIT, state) == SctpTransitions.NW) {
            return UpdateResult.REOPEN;
        }
        offer(UNKNOWN, SctpChunks.initiateTag(packet, SctpChunks.first(packet)));
        if (state == SctpState.COOKIE_WAIT.ordinal() && direction == 0) {
            timeout = SctpTransitions.timeout(state);
        }
        return result();
    }

    /** The sender's packets are to carry {@code senderTag}, those to it {@code receiverTag}. */
    private void offer(int senderTag, int receiverTag) {
        int to = direction ^ 1;
        int known = tag(TAGS, to);
        boolean same = senderTag == UNKNOWN || senderTag == tag(TAGS, direction);
        if (same && known == UNKNOWN) {
            setTag(TAGS, to, receiverTag);
        } else if (!same || known != receiverTag) {
            setTag(OFFERED_TAGS, direction, senderTag);
            setTag(OFFERED_TAGS, to, receiverTag);
        }
    }

    private UpdateResult follow(Packet packet, Kind lead) {
        Fit fit = fit(packet, lead);
        if (fit == Fit.WRONG) {
            return invalid(InvalidReason.SCTP_TAG);
        }
        int before = state();
        int state = fit == Fit.OFFERED && lead == Kind.COOKIE_ECHO ? SctpState.COOKIE_ECHOED.ordinal() : before;
        state = walk(packet, state);
        if (state == SctpTransitions.XX) {
            return invalid(InvalidReason.SCTP_STATE);
        }
        if (fit == Fit.UNVERIFIED) {
            return result();
        }
        takeTags(packet, lead, fit);
        EntryLayout.setState(entry, 0, state);
        if (direction != 0) {
            OffHeap.putByte(entry + ANSWERED, 1);
        }
        if (before != SctpState.CLOSED.ordinal() || state != before) {
            timeout = SctpTransitions.timeout(state);
        }
        return result();
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

    private Fit fit(Packet packet, Kind lead) {
        int tag = SctpChunks.tag(packet);
        int state = state();
        if (tag == UNKNOWN) {
            return Fit.WRONG;
        }
        boolean halfOpen = state == SctpState.COOKIE_WAIT.ordinal() || state == SctpState.COOKIE_ECHOED.ordinal();
        if (reflected(packet)) {
            return tag == tag(TAGS, direction ^ 1)
                    ? Fit.RIGHT
                    : halfOpen && lead == Kind.SHUTDOWN_COMPLETE ? Fit.UNVERIFIED : Fit.WRONG;
        }
        int expected = tag(TAGS, direction);
        if ((lead == Kind.COOKIE_ECHO || lead == Kind.INIT_ACK) && tag == tag(OFFERED_TAGS, direction)) {
            return Fit.OFFERED;
        }
        if (tag == expected) {
            return Fit.RIGHT;
        }
        if (halfOpen && lead == Kind.SHUTDOWN_ACK) {
            // §8.5.1 E: the end of an association that its sender still believes in.
            return Fit.UNVERIFIED;
        }
        return expected == UNKNOWN && state != SctpState.COOKIE_WAIT.ordinal() ? Fit.LEARNED : Fit.WRONG;
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
        if (fit == Fit.LEARNED) {
            setTag(TAGS, direction, SctpChunks.tag(packet));
        } else if (fit == Fit.OFFERED && lead == Kind.COOKIE_ECHO) {
            setTag(TAGS, direction, tag(OFFERED_TAGS, direction));
            setTag(TAGS, direction ^ 1, tag(OFFERED_TAGS, direction ^ 1));
            setTag(OFFERED_TAGS, direction, UNKNOWN);
            setTag(OFFERED_TAGS, direction ^ 1, UNKNOWN);
        }
        if (lead == Kind.INIT_ACK) {
            offer(SctpChunks.tag(packet), SctpChunks.initiateTag(packet, SctpChunks.first(packet)));
        }
    }

    private UpdateResult result() {
        return OffHeap.getUnsignedByte(entry + ANSWERED) != 0 ? UpdateResult.ESTABLISHED : UpdateResult.NEW;
    }

    private int state() {
        return EntryLayout.state(entry, 0);
    }

    private int tag(int tags, int direction) {
        return OffHeap.getInt(entry + tags + (long) direction * TAG_BYTES);
    }

    private void setTag(int tags, int direction, int tag) {
        OffHeap.putInt(entry + tags + (long) direction * TAG_BYTES, tag);
    }
}
