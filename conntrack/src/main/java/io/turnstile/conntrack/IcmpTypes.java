package io.turnstile.conntrack;

import io.turnstile.packet.IpProtocols;

/**
 * ICMP message types that the tracker knows (RFC 792, RFC 4443): questions with answers, errors, and what is said on a
 * link alone.
 */
final class IcmpTypes {
    static final int ECHO_REPLY = 0;
    static final int UNREACHABLE = 3;
    static final int SOURCE_QUENCH = 4;
    static final int REDIRECT = 5;
    static final int ECHO = 8;
    static final int TIME_EXCEEDED = 11;
    static final int PARAMETER_PROBLEM = 12;
    static final int TIMESTAMP = 13;
    static final int TIMESTAMP_REPLY = 14;
    static final int INFORMATION = 15;
    static final int INFORMATION_REPLY = 16;
    static final int V6_UNREACHABLE = 1;
    static final int V6_TOO_BIG = 2;
    static final int V6_TIME_EXCEEDED = 3;
    static final int V6_PARAMETER_PROBLEM = 4;
    static final int V6_ECHO = 128;
    static final int V6_ECHO_REPLY = 129;
    // RFC 2710, RFC 3810
    static final int V6_LISTENER_QUERY = 130;
    static final int V6_LISTENER_REPORT = 131;
    static final int V6_LISTENER_DONE = 132;
    static final int V6_LISTENER_REPORT_2 = 143;
    // RFC 4861
    static final int V6_ROUTER_SOLICITATION = 133;
    static final int V6_ROUTER_ADVERTISEMENT = 134;
    static final int V6_NEIGHBOUR_SOLICITATION = 135;
    static final int V6_NEIGHBOUR_ADVERTISEMENT = 136;
    // RFC 3122
    static final int V6_INVERSE_SOLICITATION = 141;
    static final int V6_INVERSE_ADVERTISEMENT = 142;
    // RFC 3971
    static final int V6_CERTIFICATION_SOLICITATION = 148;
    static final int V6_CERTIFICATION_ADVERTISEMENT = 149;
    // RFC 4286
    static final int V6_MULTICAST_ROUTER_ADVERTISEMENT = 151;
    static final int V6_MULTICAST_ROUTER_SOLICITATION = 152;
    static final int V6_MULTICAST_ROUTER_TERMINATION = 153;

    private IcmpTypes() {}

    /** Questions and their answers in pairs, for {@link EntryLayout#kind}: odd is a question; 0 if it is neither. */
    static int classOf(int protocol, int type) {
        if (protocol == IpProtocols.ICMPV6) {
            return type == V6_ECHO ? 1 : type == V6_ECHO_REPLY ? 2 : 0;
        }
        return switch (type) {
            case ECHO -> 1;
            case ECHO_REPLY -> 2;
            case TIMESTAMP -> 3;
            case TIMESTAMP_REPLY -> 4;
            case INFORMATION -> 5;
            case INFORMATION_REPLY -> 6;
            default -> 0;
        };
    }

    /** What {@link #classOf} made a number. */
    static int typeOf(int protocol, int icmpClass) {
        if (protocol == IpProtocols.ICMPV6) {
            return icmpClass == 1 ? V6_ECHO : V6_ECHO_REPLY;
        }
        return switch (icmpClass) {
            case 1 -> ECHO;
            case 2 -> ECHO_REPLY;
            case 3 -> TIMESTAMP;
            case 4 -> TIMESTAMP_REPLY;
            case 5 -> INFORMATION;
            default -> INFORMATION_REPLY;
        };
    }

    /** The message is a question, and may begin a connection. */
    static boolean isQuestion(int protocol, int type) {
        return protocol == IpProtocols.ICMPV6
                ? type == V6_ECHO
                : type == ECHO || type == TIMESTAMP || type == INFORMATION;
    }

    /** The message reports trouble with a packet that it quotes. */
    static boolean isError(int protocol, int type) {
        if (protocol == IpProtocols.ICMPV6) {
            return type >= V6_UNREACHABLE && type <= V6_PARAMETER_PROBLEM;
        }
        return switch (type) {
            case UNREACHABLE, SOURCE_QUENCH, REDIRECT, TIME_EXCEEDED, PARAMETER_PROBLEM -> true;
            default -> false;
        };
    }
}
