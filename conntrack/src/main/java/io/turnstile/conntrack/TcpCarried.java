package io.turnstile.conntrack;

import static io.turnstile.conntrack.EntryLayout.FLAGS_LENIENT;
import static io.turnstile.conntrack.EntryLayout.FLAG_SCALE_UNKNOWN;
import static io.turnstile.conntrack.EntryLayout.PEER_SEQUENCE_HIGH;
import static io.turnstile.conntrack.EntryLayout.PEER_SEQUENCE_LOW;

import org.jspecify.annotations.Nullable;

/**
 * What becomes of a TCP connection's sequence numbers when nobody else carries its packets any more: see decision 15.
 *
 * <p>Threads: the entry is locked by the caller.
 */
final class TcpCarried {
    private TcpCarried() {}

    /** Somebody has ended carrying packets of the connection. */
    static void goOn(long entry, @Nullable TcpResume resume) {
        int flags = EntryLayout.flags(entry);
        if (resume != null) {
            resume(entry, resume);
            boolean bothSeen = TcpTracking.isSeen(entry, 0) && TcpTracking.isSeen(entry, 1);
            EntryLayout.setFlags(entry, bothSeen ? flags & ~FLAGS_LENIENT : flags | FLAGS_LENIENT);
        } else if ((flags & FLAGS_LENIENT) == 0) {
            EntryLayout.setFlags(entry, flags | FLAGS_LENIENT);
        }
    }

    /**
     * Goes on with what somebody else has seen of both sides. The packets that he has handed over last may have told
     * more than he tells: what lies less than a window ahead stays, unless it is one side's own word.
     */
    private static void resume(long entry, TcpResume known) {
        boolean keepsAhead = !TcpTracking.isUnconfirmed(entry, 0) && !TcpTracking.isUnconfirmed(entry, 1);
        resume(entry, 0, known.originalSentEnd(), known.originalAllowedEnd(), keepsAhead);
        resume(entry, 1, known.replySentEnd(), known.replyAllowedEnd(), keepsAhead);
    }

    private static void resume(long entry, int direction, int sentEnd, int allowedEnd, boolean keepsAhead) {
        if (!TcpTracking.isSeen(entry, direction)) {
            return; // the numbers may be what he was shown himself, and that means nothing
        }
        long peer = EntryLayout.peer(entry, direction);
        int scale = (EntryLayout.flags(entry) & FLAG_SCALE_UNKNOWN) != 0
                ? TcpOptions.LARGEST_SCALE
                : EntryLayout.scale(entry, direction ^ 1);
        int ahead = TcpTracking.largestWindow(entry, direction ^ 1) << scale;
        if (!keepsAhead || !isAhead(TcpTracking.low(peer), sentEnd, ahead)) {
            OffHeap.putInt(peer + PEER_SEQUENCE_LOW, sentEnd);
        }
        if (!keepsAhead || !isAhead(TcpTracking.high(peer), allowedEnd, ahead)) {
            OffHeap.putInt(peer + PEER_SEQUENCE_HIGH, allowedEnd);
        }
    }

    private static boolean isAhead(int sequence, int other, int most) {
        return sequence - other > 0 && sequence - other <= most;
    }
}
