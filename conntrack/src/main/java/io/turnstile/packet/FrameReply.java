package io.turnstile.packet;

/**
 * The natural answers to frames; see {@link Frame#reply()}.
 *
 * <p>Threads: stateless.
 */
final class FrameReply {
    /** The sequence number from which a SYN is answered. */
    static final int FIRST_SEQUENCE = 5000;

    private static final int ARP_REQUEST = 1;
    private static final int ARP_REPLY = 2;

    private FrameReply() {}

    static Frame to(Frame asked) {
        return switch (asked.protocol) {
            case Frame.OPAQUE -> throw unanswered(asked);
            case Frame.ARP -> arp(asked);
            case IpProtocols.TCP -> tcp(asked);
            case IpProtocols.ICMP -> echo(asked, Frames.ICMP_ECHO, 0);
            case IpProtocols.ICMPV6 -> echo(asked, Frames.ICMP6_ECHO, Frames.ICMP6_ECHO + 1);
            case IpProtocols.UDP -> turned(asked);
            default -> throw unanswered(asked); // Where ports stand in the payload, nobody turns them round here.
        };
    }

    private static IllegalStateException unanswered(Frame asked) {
        return new IllegalStateException("nothing answers such a frame: " + asked);
    }

    private static Frame turned(Frame asked) {
        Frame answer = new Frame(asked.protocol, asked.ends.reversed());
        answer.sourceMac = asked.destinationMac;
        answer.destinationMac = asked.sourceMac;
        answer.tags = asked.tags.clone();
        answer.tos = asked.tos;
        return answer;
    }

    private static Frame tcp(Frame asked) {
        if ((asked.flags & TcpHeader.RST) != 0) {
            throw unanswered(asked);
        }
        boolean opens = (asked.flags & (TcpHeader.SYN | TcpHeader.ACK)) == TcpHeader.SYN;
        int consumed = asked.payload.length + Integer.bitCount(asked.flags & (TcpHeader.SYN | TcpHeader.FIN));
        Frame answer = turned(asked)
                .seq((asked.flags & TcpHeader.ACK) != 0 ? asked.acknowledged : FIRST_SEQUENCE)
                .ackNumber(asked.sequence + consumed);
        return opens ? answer.synAck() : answer.ack();
    }

    private static Frame echo(Frame asked, int requestType, int replyType) {
        if (asked.icmpType != requestType) {
            throw unanswered(asked);
        }
        Frame answer = turned(asked).icmpSeq(asked.icmpSequence).payload(asked.payload);
        answer.icmpType = replyType;
        answer.icmpId = asked.icmpId;
        return answer;
    }

    private static Frame arp(Frame asked) {
        if (asked.arpOperation != ARP_REQUEST) {
            throw unanswered(asked);
        }
        Frame answer = turned(asked);
        answer.arpOperation = ARP_REPLY;
        if (answer.sourceMac == Frame.BROADCAST_MAC) {
            answer.sourceMac = answer.destinationMac == Frame.SECOND_MAC ? Frame.FIRST_MAC : Frame.SECOND_MAC;
        }
        return answer;
    }
}
