package io.turnstile.conntrack;

/**
 * Sequence numbers with which the window check goes on after somebody else has carried a TCP connection. Modulo 2^32;
 * "end" is one past the last. The numbers of a side of which the tracker has not seen a packet do not count: the check
 * stays lenient until it has.
 *
 * @param originalSentEnd what the original side has sent
 * @param originalAllowedEnd what it may send: the other side's acknowledgement and window
 * @param replySentEnd what the reply side has sent
 * @param replyAllowedEnd what it may send
 */
public record TcpResume(int originalSentEnd, int originalAllowedEnd, int replySentEnd, int replyAllowedEnd) {
    /** Says that nothing was carried: the check goes on with what software knows. */
    public static final TcpResume NOTHING_CARRIED = new TcpResume(0, 0, 0, 0);
}
