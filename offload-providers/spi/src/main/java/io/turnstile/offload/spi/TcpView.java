package io.turnstile.offload.spi;

/**
 * What the tracker knows of a TCP connection's two sides. While a provider carries it, software sees little of it and
 * this is old.
 *
 * @param original the side that sends the original direction's packets
 * @param reply the side that sends the reply direction's
 */
public record TcpView(Peer original, Peer reply) {

    /** How far a side has come, in the order of life. */
    public enum State {
        /** Nothing was seen of it. */
        CLOSED,
        /** It has sent its SYN, which was not acknowledged yet. */
        SYN_SENT,
        /** The other side has acknowledged its SYN. */
        ESTABLISHED,
        /** It has sent its FIN. */
        CLOSING,
        /** The other side has acknowledged its FIN. */
        FIN_WAIT_2,
        /** Somebody has sent RST. */
        TIME_WAIT
    }

    /**
     * One side. Sequence numbers are modulo 2^32.
     *
     * @param sentEnd one past the highest sequence number that it has sent; what the original side's first packet (its
     *     SYN) takes is counted with the data after it
     * @param allowedEnd one past the highest that the other side lets it send: acknowledgement and window together
     * @param largestWindow the largest window that it has offered, bytes, scaled
     * @param windowScale its shift (RFC 7323 §2); 0 if it or the other does not scale, -1 if its SYN was not seen
     */
    public record Peer(State state, int sentEnd, int allowedEnd, int largestWindow, int windowScale) {}
}
