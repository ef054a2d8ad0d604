package io.turnstile.stories.tracker;

import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketParser;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A TCP packet and what both switches had of its connection before it came.
 *
 * @param kind S, SA, A, F or R by its flags; empty if they are impossible
 * @param states of the sending side and the other one, as the dump names them; empty if there is no connection
 * @param fromReplySide against the direction in which the connection began
 * @param isForced came with {@code ct(commit,force)}
 * @param numbersDiffer the two may know other sequence numbers of the connection
 */
record TcpSituation(String kind, List<String> states, boolean fromReplySide, boolean isForced, boolean numbersDiffer) {
    private static final int FLAGS_OFFSET = 13;
    private static final int FIN = 0x01;
    private static final int SYN = 0x02;
    private static final int RST = 0x04;
    private static final int PSH = 0x08;
    private static final int ACK = 0x10;
    private static final int URG = 0x20;
    private static final Pattern LINE = Pattern.compile(
            "tcp,orig=\\(src=([^,]+),dst=([^,]+),sport=(\\d+),dport=(\\d+)\\),"
                    + "reply=\\(src=([^,]+),dst=([^,]+),sport=(\\d+),dport=(\\d+)\\).*state_orig=(\\w+),state_reply=(\\w+)");
    private static final Pattern ENDS =
            Pattern.compile("tcp \\[?([^ \\]]+?)\\]?:(\\d+) > \\[?([^ \\]]+?)\\]?:(\\d+) .*");

    /** Of a line of the dump: how the packet of a frame belongs to that connection; null if it does not. */
    static TcpSituation of(Step.Arrival arrival, String line, boolean numbersDiffer) {
        Matcher connection = LINE.matcher(line);
        Matcher ends = ENDS.matcher(FrameText.of(arrival.frame()));
        if (!connection.find() || !ends.matches()) {
            return null;
        }
        String packet = ends.group(1) + " " + ends.group(3) + " " + ends.group(2) + " " + ends.group(4);
        boolean original = packet.equals(tuple(connection, 1));
        boolean reply = packet.equals(tuple(connection, 5));
        if (!original && !reply) {
            return null;
        }
        String ofOriginal = connection.group(9);
        String ofReply = connection.group(10);
        return new TcpSituation(
                kind(arrival.frame()),
                original ? List.of(ofOriginal, ofReply) : List.of(ofReply, ofOriginal),
                !original,
                isForced(arrival),
                numbersDiffer);
    }

    static TcpSituation ofNoConnection(Step.Arrival arrival) {
        return new TcpSituation(kind(arrival.frame()), List.of(), false, isForced(arrival), false);
    }

    private static String tuple(Matcher connection, int first) {
        return connection.group(first) + " " + connection.group(first + 1) + " " + connection.group(first + 2) + " "
                + connection.group(first + 3);
    }

    private static boolean isForced(Step.Arrival arrival) {
        return arrival.program() == Program.FORCE || arrival.program() == Program.LOOK_THEN_FORCE;
    }

    static boolean isTcp(byte[] frame) {
        return ENDS.matcher(FrameText.of(frame)).matches();
    }

    /** IllegalArgumentException if the frame is not TCP. */
    private static String kind(byte[] frame) {
        Packet packet = Packet.copyOf(frame);
        if (!PacketParser.parse(packet) || packet.l4Offset() == Packet.ABSENT) {
            throw new IllegalArgumentException("not TCP");
        }
        int flags = packet.u8(packet.l4Offset() + FLAGS_OFFSET);
        boolean ack = (flags & ACK) != 0;
        return switch (flags & (FIN | SYN | RST)) {
            case 0 -> ack ? "A" : "";
            case FIN -> ack ? "F" : "";
            case SYN -> ack ? "SA" : (flags & (PSH | URG)) == 0 ? "S" : "";
            case RST -> ack || (flags & (PSH | URG)) == 0 ? "R" : "";
            case FIN | RST -> ack ? "R" : "";
            default -> "";
        };
    }

    boolean isOf(String... kinds) {
        return List.of(kinds).contains(kind);
    }

    boolean hasStates() {
        return !states.isEmpty();
    }

    boolean isSenderAtBeginning() {
        return hasStates()
                && (states.getFirst().equals("CLOSED") || states.getFirst().equals("SYN_SENT"));
    }

    /** One side has sent a SYN, or was picked up, and the other one nothing. */
    boolean isUnanswered() {
        return hasStates() && states.contains("SYN_SENT") && states.contains("CLOSED");
    }

    /** The side that has begun has sent its FIN, and the other one nothing. */
    boolean isEndedUnanswered() {
        return hasStates() && states.contains("CLOSING") && states.contains("CLOSED");
    }

    /** The packet has the one switch take numbers that the other one does not take, and nothing may show it. */
    boolean setsNumbersApart() {
        return hasStates() && (isOf("S") || isUnanswered() && !fromReplySide && isOf("A"));
    }
}
