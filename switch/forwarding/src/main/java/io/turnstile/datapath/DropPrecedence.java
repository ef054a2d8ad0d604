package io.turnstile.datapath;

/**
 * The drop precedence of a traffic class (RFC 2597 §6): the classes of assured forwarding, 1 to 4, have three of them,
 * AFx1 to AFx3; others have none.
 *
 * <p>Threads: stateless.
 */
final class DropPrecedence {
    private static final int ECN_BITS = 2;
    private static final int ECN_MASK = (1 << ECN_BITS) - 1;
    private static final int MAX_CLASS = 4;
    private static final int MAX_PRECEDENCE = 3;

    private DropPrecedence() {}

    /** The TOS or traffic class byte with the precedence so many levels higher, up to the highest. */
    static int raised(int tos, int levels) {
        int dscp = tos >>> ECN_BITS;
        int assured = dscp >>> 3;
        int precedence = dscp >>> 1 & MAX_PRECEDENCE;
        boolean hasPrecedence = assured >= 1 && assured <= MAX_CLASS && precedence >= 1 && (dscp & 1) == 0;
        if (!hasPrecedence) {
            return tos;
        }
        int raised = Math.min(MAX_PRECEDENCE, precedence + levels);
        return (assured << 3 | raised << 1) << ECN_BITS | tos & ECN_MASK;
    }
}
