package io.turnstile.conntrack;

import static io.turnstile.conntrack.SctpState.CLOSED;
import static io.turnstile.conntrack.SctpState.COOKIE_ECHOED;
import static io.turnstile.conntrack.SctpState.COOKIE_WAIT;
import static io.turnstile.conntrack.SctpState.ESTABLISHED;
import static io.turnstile.conntrack.SctpState.HEARTBEAT_SENT;
import static io.turnstile.conntrack.SctpState.SHUTDOWN_ACK_SENT;
import static io.turnstile.conntrack.SctpState.SHUTDOWN_RECD;
import static io.turnstile.conntrack.SctpState.SHUTDOWN_SENT;

/**
 * An SCTP association as the tracker sees it (RFC 9260 §4), moved chunk by chunk:
 *
 * <pre>
 *   ─INIT▶ COOKIE_WAIT ─COOKIE ECHO▶ COOKIE_ECHOED ─COOKIE ACK▶ ESTABLISHED ─SHUTDOWN▶ SHUTDOWN_SENT, SHUTDOWN_RECD
 *       ─SHUTDOWN ACK▶ SHUTDOWN_ACK_SENT ─SHUTDOWN COMPLETE▶ CLOSED         and from each by ABORT ▶ CLOSED
 * </pre>
 *
 * <p>Whether the packet belongs to the association at all is told by its tag, see {@link SctpTracking}: the tables see
 * only what has passed that, and so are generous towards chunks sent again or overtaken.
 */
final class SctpTransitions {
    /** What of a chunk's type matters; the row of the tables. */
    enum Kind {
        /** DATA, and whatever else only an association at work sends: SACK, HEARTBEAT ACK, FORWARD TSN, ASCONF … */
        DATA,
        INIT,
        INIT_ACK,
        HEARTBEAT,
        ABORT,
        SHUTDOWN,
        SHUTDOWN_ACK,
        ERROR,
        COOKIE_ECHO,
        COOKIE_ACK,
        SHUTDOWN_COMPLETE,
        /** Says nothing of the association: AUTH, PAD, types that nobody knows. */
        ASIDE
    }

    /** The chunk does not fit. */
    static final int XX = -1;
    /** The chunk begins another connection in the place of this one. */
    static final int NW = -2;

    private static final byte CL = (byte) CLOSED.ordinal();
    private static final byte CW = (byte) COOKIE_WAIT.ordinal();
    private static final byte CE = (byte) COOKIE_ECHOED.ordinal();
    private static final byte ES = (byte) ESTABLISHED.ordinal();
    private static final byte SS = (byte) SHUTDOWN_SENT.ordinal();
    private static final byte SR = (byte) SHUTDOWN_RECD.ordinal();
    private static final byte SA = (byte) SHUTDOWN_ACK_SENT.ordinal();
    private static final byte HS = (byte) HEARTBEAT_SENT.ordinal();

    /**
     * What the first packet of no known connection makes. Like TCP, an association is picked up in its middle, but not
     * from a half of a handshake nor from its end.
     */
    private static final byte[] BEGIN = {
        /* DATA              */ ES,
        /* INIT              */ CW,
        /* INIT_ACK          */ XX,
        /* HEARTBEAT         */ HS,
        /* ABORT             */ XX,
        /* SHUTDOWN          */ SS,
        /* SHUTDOWN_ACK      */ SA,
        /* ERROR             */ XX,
        /* COOKIE_ECHO       */ XX,
        /* COOKIE_ACK        */ XX,
        /* SHUTDOWN_COMPLETE */ XX,
        /* ASIDE             */ XX,
    };

    private static final byte[][][] NEXT = {
        { // original direction
            //                        CL  CW  CE  ES  SS  SR  SA  HS
            /* DATA              */ {CL, XX, CE, ES, SS, SR, SA, HS},
            /* INIT              */ {NW, CW, CE, ES, SS, SR, SA, HS}, // §5.2.2: changes nothing before its COOKIE ECHO
            /* INIT_ACK          */ {CL, CW, CE, ES, SS, SR, SA, HS},
            /* HEARTBEAT         */ {CL, XX, CE, ES, SS, SR, SA, HS},
            /* ABORT             */ {CL, CL, CL, CL, CL, CL, CL, CL},
            /* SHUTDOWN          */ {CL, XX, CE, SS, SS, SR, SA, SS},
            /* SHUTDOWN_ACK      */ {CL, CW, CE, ES, SA, SA, SA, HS}, // CW, CE: §8.5.1 E
            /* ERROR             */ {CL, XX, CE, ES, SS, SR, SA, HS},
            /* COOKIE_ECHO       */ {CL, CE, CE, ES, SS, SR, SA, HS},
            /* COOKIE_ACK        */ {CL, XX, ES, ES, SS, SR, SA, HS}, // CE→ES: both have sent INIT
            /* SHUTDOWN_COMPLETE */ {CL, CW, CE, ES, SS, SR, CL, HS},
            /* ASIDE             */ {CL, CW, CE, ES, SS, SR, SA, HS},
        },
        { // reply direction
            //                        CL  CW  CE  ES  SS  SR  SA  HS
            /* DATA              */ {CL, XX, CE, ES, SS, SR, SA, ES},
            /* INIT              */ {NW, CW, CE, ES, SS, SR, SA, HS},
            /* INIT_ACK          */ {CL, CW, CE, ES, SS, SR, SA, ES},
            /* HEARTBEAT         */ {CL, XX, CE, ES, SS, SR, SA, ES},
            /* ABORT             */ {CL, CL, CL, CL, CL, CL, CL, CL},
            /* SHUTDOWN          */ {CL, XX, CE, SR, SS, SR, SA, SR},
            /* SHUTDOWN_ACK      */ {CL, CW, CE, ES, SA, SA, SA, ES},
            /* ERROR             */ {CL, XX, CE, ES, SS, SR, SA, ES},
            /* COOKIE_ECHO       */ {CL, CE, CE, ES, SS, SR, SA, ES}, // CW→CE: both have sent INIT
            /* COOKIE_ACK        */ {CL, XX, ES, ES, SS, SR, SA, ES},
            /* SHUTDOWN_COMPLETE */ {CL, CW, CE, ES, SS, SR, CL, ES},
            /* ASIDE             */ {CL, CW, CE, ES, SS, SR, SA, ES},
        },
    };

    /**
     * By state. A quiet association is heard of by HEARTBEAT each 30 s and some (§8.3), which UDP_MULTIPLE, 30 s, would
     * not outlive.
     */
    private static final Timeout[] TIMEOUT = {
        /* CL */ Timeout.UDP_MULTIPLE,
        /* CW */ Timeout.UDP_FIRST,
        /* CE */ Timeout.UDP_FIRST,
        /* ES */ Timeout.UDP_SINGLE,
        /* SS */ Timeout.UDP_MULTIPLE,
        /* SR */ Timeout.UDP_MULTIPLE,
        /* SA */ Timeout.UDP_MULTIPLE,
        /* HS */ Timeout.UDP_FIRST,
    };

    private SctpTransitions() {}

    /** The state of a connection that the chunk begins, an ordinal of {@link SctpState}, or {@link #XX}. */
    static int begin(Kind kind) {
        return BEGIN[kind.ordinal()];
    }

    /** The next state, {@link #XX} or {@link #NW}; direction 0 is original. */
    static int next(int direction, Kind kind, int state) {
        return NEXT[direction][kind.ordinal()][state];
    }

    static Timeout timeout(int state) {
        return TIMEOUT[state];
    }
}
