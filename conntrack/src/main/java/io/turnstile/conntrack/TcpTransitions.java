package io.turnstile.conntrack;

import static io.turnstile.conntrack.TcpState.CLOSED;
import static io.turnstile.conntrack.TcpState.CLOSING;
import static io.turnstile.conntrack.TcpState.ESTABLISHED;
import static io.turnstile.conntrack.TcpState.FIN_WAIT_2;
import static io.turnstile.conntrack.TcpState.SYN_SENT;
import static io.turnstile.conntrack.TcpState.TIME_WAIT;

import io.turnstile.packet.TcpHeader;

/**
 * TCP as the tracker sees it: each side has a state of its own, moved by what it sends and by what the other one
 * acknowledges. Who sent the packet is the <em>sender</em>, the other side the <em>receiver</em>: a direction is never
 * written twice. Of {@link TcpState} only six are used, in this order of life:
 *
 * <pre>
 *   CLOSED ──any packet sent──▶ SYN_SENT ──acknowledged──▶ ESTABLISHED ──FIN sent──▶ CLOSING ──acknowledged──▶ FIN_WAIT_2
 *      and from each by RST of either side ──▶ TIME_WAIT
 * </pre>
 *
 * <p>Source: the state keeping of pf, as Open vSwitch's {@code dump-conntrack} shows it.
 */
final class TcpTransitions {
    /** What of the flags matters; the row of the tables. */
    enum Kind {
        SYN,
        SYN_ACK,
        ACK,
        FIN,
        RST,
        IMPOSSIBLE
    }

    /** What a packet without acknowledgement, SYN set, does before any look at sequence numbers. */
    enum SynStep {
        /** Within a live connection. */
        CHECK,
        FIRST,
        REOPEN
    }

    static final int STATES = 6;
    private static final TcpState[] BY_COLUMN = {CLOSED, SYN_SENT, ESTABLISHED, CLOSING, FIN_WAIT_2, TIME_WAIT};
    private static final byte[] COLUMN = new byte[TcpState.values().length];

    private static final byte CL = (byte) CLOSED.ordinal();
    private static final byte SS = (byte) SYN_SENT.ordinal();
    private static final byte ES = (byte) ESTABLISHED.ordinal();
    private static final byte CG = (byte) CLOSING.ordinal();
    private static final byte F2 = (byte) FIN_WAIT_2.ordinal();
    private static final byte TW = (byte) TIME_WAIT.ordinal();

    /** Who sends: the first packet of a side opens it, whatever it is (pick-up in mid-stream). */
    private static final byte[][] SENDER = {
        //            CL  SS  ES  CG  F2  TW
        /* SYN     */ {SS, SS, ES, CG, F2, TW},
        /* SYN_ACK */ {SS, SS, ES, CG, F2, TW},
        /* ACK     */ {SS, SS, ES, CG, F2, TW},
        /* FIN     */ {CG, CG, CG, CG, F2, TW}, // F2→F2: a FIN sent again closes nothing more
        /* RST     */ {TW, TW, TW, TW, TW, TW},
    };

    /** Who is sent to: an acknowledgement confirms its SYN or its FIN. */
    private static final byte[][] RECEIVER = {
        //            CL  SS  ES  CG  F2  TW
        /* SYN     */ {CL, SS, ES, CG, F2, TW},
        /* SYN_ACK */ {CL, ES, ES, F2, F2, TW},
        /* ACK     */ {CL, ES, ES, F2, F2, TW}, // CL→CL: it has not spoken yet; only its own packet opens it
        /* FIN     */ {CL, ES, ES, F2, F2, TW},
        /* RST     */ {TW, TW, TW, TW, TW, TW}, // an acknowledgement beside RST says no more than RST
    };

    private static final SynStep CH = SynStep.CHECK;
    private static final SynStep FI = SynStep.FIRST;
    private static final SynStep RE = SynStep.REOPEN;

    /** Sender's state down, receiver's across. Both long closed: the port pair is used again (RFC 9293 §3.6.1). */
    private static final SynStep[][] SYN_STEP = {
        //        CL  SS  ES  CG  F2  TW
        /* CL */ {FI, FI, FI, FI, FI, FI},
        /* SS */ {FI, FI, FI, FI, FI, FI},
        /* ES */ {CH, CH, CH, CH, CH, CH},
        /* CG */ {CH, CH, CH, CH, CH, CH},
        /* F2 */ {CH, CH, CH, CH, RE, RE},
        /* TW */ {CH, CH, CH, CH, RE, RE},
    };

    /** Sender's and receiver's state to the timeout; symmetric. */
    private static final Timeout[][] TIMEOUT = {
        //          CL   SS   ES   CG   F2   TW
        /* CL */ row("RECV RECV RECV RECV RECV RECV"),
        /* SS */ row("RECV RECV RECV RECV RECV RECV"),
        /* ES */ row("RECV RECV EST  FIN  FIN  FIN"),
        /* CG */ row("RECV RECV FIN  BOTH BOTH BOTH"),
        /* F2 */ row("RECV RECV FIN  BOTH OVER OVER"),
        /* TW */ row("RECV RECV FIN  BOTH OVER OVER"),
    };

    static {
        for (int i = 0; i < STATES; i++) {
            COLUMN[BY_COLUMN[i].ordinal()] = (byte) i;
        }
    }

    private TcpTransitions() {}

    private static Timeout[] row(String words) {
        String[] cells = words.split(" +");
        Timeout[] row = new Timeout[STATES];
        for (int i = 0; i < STATES; i++) {
            row[i] = switch (cells[i]) {
                case "RECV" -> Timeout.TCP_SYN_RECV;
                case "EST" -> Timeout.TCP_ESTABLISHED;
                case "FIN" -> Timeout.TCP_FIN_WAIT;
                case "BOTH" -> Timeout.TCP_TIME_WAIT;
                case "OVER" -> Timeout.TCP_CLOSE;
                default -> throw new IllegalArgumentException(cells[i]);
            };
        }
        return row;
    }

    /** Sorts the flags; combinations that no honest stack sends are {@link Kind#IMPOSSIBLE}. */
    static Kind kind(int flags) {
        boolean ack = (flags & TcpHeader.ACK) != 0;
        if ((flags & TcpHeader.SYN) != 0) {
            if ((flags & (TcpHeader.RST | TcpHeader.FIN)) != 0
                    || !ack && (flags & (TcpHeader.PSH | TcpHeader.URG)) != 0) {
                return Kind.IMPOSSIBLE;
            }
            return ack ? Kind.SYN_ACK : Kind.SYN;
        }
        if (!ack && ((flags & TcpHeader.RST) == 0 || (flags & (TcpHeader.FIN | TcpHeader.PSH | TcpHeader.URG)) != 0)) {
            return Kind.IMPOSSIBLE;
        }
        return (flags & TcpHeader.RST) != 0 ? Kind.RST : (flags & TcpHeader.FIN) != 0 ? Kind.FIN : Kind.ACK;
    }

    /** What a pure SYN does first; states are ordinals of {@link TcpState}. */
    static SynStep synStep(int sender, int receiver) {
        return SYN_STEP[COLUMN[sender]][COLUMN[receiver]];
    }

    static int sender(Kind kind, int state) {
        return SENDER[kind.ordinal()][COLUMN[state]];
    }

    static int receiver(Kind kind, int state) {
        return RECEIVER[kind.ordinal()][COLUMN[state]];
    }

    static Timeout timeout(int sender, int receiver) {
        return TIMEOUT[COLUMN[sender]][COLUMN[receiver]];
    }
}
