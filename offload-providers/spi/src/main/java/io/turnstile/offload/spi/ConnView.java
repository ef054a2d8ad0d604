package io.turnstile.offload.spi;

import org.jspecify.annotations.Nullable;

/**
 * A connection as it stood when the operation was made. A value: a provider may keep it, it never changes. The
 * {@link #id()} is what names the connection: the same in every callback of its life, and not used again for another
 * one within any time that matters.
 *
 * @param id stable for life; never 0
 * @param zone conntrack zone, 0–65535
 * @param protocol IP protocol number
 * @param original tuple of the original direction, before any translation
 * @param reply tuple of the reply direction as replies come in: with NAT it is not the mirror of {@code original}
 * @param mark ct_mark at this moment
 * @param labelHigh ct_label at this moment, upper 64 bits
 * @param labelLow ct_label at this moment, lower 64 bits
 * @param originalIngress port by which the original direction's packets come in: the committing packet's, or where
 *     software has seen them since; {@link PortRef#GONE} if it is not there any more
 * @param replyIngress the same of the reply direction; null while there was no reply
 * @param established in the sense of {@link OffloadProvider#connEstablished}
 * @param tcp null unless it is TCP
 * @param timeLeftMs until the tracker's deadline, 0 once it has passed
 * @param timeoutMs by how much a packet puts the deadline off, by the connection's state and timeout policy
 * @param helper {@code ftp}, {@code tftp}; null if it has none
 * @param parentId id of the connection that announced this one, which may have ended since; 0 unless it is
 *     {@link #isRelated}
 * @param parent that one's original tuple; null unless it is {@link #isRelated}
 */
public record ConnView(
        long id,
        int zone,
        int protocol,
        TupleView original,
        TupleView reply,
        int mark,
        long labelHigh,
        long labelLow,
        PortRef originalIngress,
        @Nullable PortRef replyIngress,
        boolean established,
        @Nullable TcpView tcp,
        long timeLeftMs,
        long timeoutMs,
        @Nullable String helper,
        long parentId,
        @Nullable TupleView parent) {
    private static final int TCP = 6;
    private static final int UDP = 17;
    private static final int ICMP = 1;
    private static final int ICMPV6 = 58;
    private static final int SCTP = 132;

    /** A connection of which no more is known, established once there was a reply: for tests. */
    public ConnView(
            long id,
            int zone,
            int protocol,
            TupleView original,
            TupleView reply,
            int mark,
            long labelHigh,
            long labelLow,
            PortRef originalIngress,
            @Nullable PortRef replyIngress) {
        this(
                id,
                zone,
                protocol,
                original,
                reply,
                mark,
                labelHigh,
                labelLow,
                originalIngress,
                replyIngress,
                replyIngress != null,
                null,
                0,
                0,
                null,
                0,
                null);
    }

    /** Another connection has announced it (FTP's data connection): {@code ct_state=+rel}. */
    public boolean isRelated() {
        return parentId != 0;
    }

    /** NAT gives original packets another source address, port or ICMP identifier, and replies another destination. */
    public boolean isSourceTranslated() {
        return original.sourceHigh() != reply.destinationHigh()
                || original.sourceLow() != reply.destinationLow()
                || original.sourcePort() != reply.destinationPort()
                || original.icmpId() != reply.icmpId();
    }

    /** NAT gives original packets another destination address or port, and replies another source. */
    public boolean isDestinationTranslated() {
        return original.destinationHigh() != reply.sourceHigh()
                || original.destinationLow() != reply.sourceLow()
                || original.destinationPort() != reply.sourcePort();
    }

    /** The protocol's name as {@code dpctl/dump-conntrack} has it, else its number. */
    public String protocolName() {
        return switch (protocol) {
            case TCP -> "tcp";
            case UDP -> "udp";
            case ICMP -> "icmp";
            case ICMPV6 -> "icmpv6";
            case SCTP -> "sctp";
            default -> Integer.toString(protocol);
        };
    }

    /** Protocol, both tuples and zone in the manner of {@code dpctl/dump-conntrack}. */
    @Override
    public String toString() {
        return protocolName() + ",orig=(" + original + "),reply=(" + reply + ")" + (zone == 0 ? "" : ",zone=" + zone);
    }
}
