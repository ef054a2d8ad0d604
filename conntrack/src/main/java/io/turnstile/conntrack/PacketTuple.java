package io.turnstile.conntrack;

import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.InternetChecksum;
import io.turnstile.packet.IpProtocols;
import io.turnstile.packet.Packet;
import io.turnstile.packet.Packet.ChecksumState;
import io.turnstile.packet.Packet.FragmentKind;
import io.turnstile.packet.PacketParser;

/**
 * The tuple of one packet: what names its connection. For ICMP queries the two "ports" are the packet's type and the type that answers
 * it, and the query's id stands beside them; so the reverse of a tuple is always the same with source and destination exchanged.
 *
 * <p>One per thread, filled anew for each packet.
 */
final class PacketTuple {
    private static final int IPV4 = 4;
    private static final int IPV6 = 6;

    // ICMP (RFC 792, RFC 950, RFC 4443).
    private static final int ECHO_REPLY = 0;
    private static final int UNREACHABLE = 3;
    private static final int SOURCE_QUENCH = 4;
    private static final int REDIRECT = 5;
    private static final int ECHO_REQUEST = 8;
    private static final int TIME_EXCEEDED = 11;
    private static final int PARAMETER_PROBLEM = 12;
    private static final int TIMESTAMP = 13;
    private static final int TIMESTAMP_REPLY = 14;
    private static final int INFORMATION = 15;
    private static final int INFORMATION_REPLY = 16;
    private static final int V6_UNREACHABLE = 1;
    private static final int V6_PACKET_TOO_BIG = 2;
    private static final int V6_TIME_EXCEEDED = 3;
    private static final int V6_PARAMETER_PROBLEM = 4;
    private static final int V6_ECHO_REQUEST = 128;
    private static final int V6_ECHO_REPLY = 129;
    private static final int ICMP_HEADER_BYTES = 8;

    long sourceHigh;
    long sourceLow;
    long destinationHigh;
    long destinationLow;
    /** Source port, destination port, ICMP id (16 bits each), protocol, IP version (8 bits each), from the top. */
    long l4;
    int zone;
    /** An ICMP error: the tuple is that of the connection it quotes, in the error's own direction. */
    boolean related;

    int sourcePort() {
        return (int) (l4 >>> 48);
    }

    int destinationPort() {
        return (int) (l4 >>> 32) & 0xffff;
    }

    int protocol() {
        return protocolOf(l4);
    }

    static int protocolOf(long l4) {
        return (int) (l4 >>> 8) & 0xff;
    }

    static boolean isIpv6(long l4) {
        return (l4 & 0xff) == IPV6;
    }

    static int icmpIdOf(long l4) {
        return (int) (l4 >>> 16) & 0xffff;
    }

    long reverseL4() {
        return reverse(l4);
    }

    static long reverse(long l4) {
        return (l4 & 0xffff_ffffL) | (l4 >>> 48 << 32) | (l4 << 16 >>> 48 << 48);
    }

    /** Source and destination exchanged. */
    private void turnRound() {
        long high = sourceHigh;
        long low = sourceLow;
        sourceHigh = destinationHigh;
        sourceLow = destinationLow;
        destinationHigh = high;
        destinationLow = low;
        l4 = reverseL4();
    }

    /** A hash that both directions share; the key keeps others from choosing tuples that collide. */
    int hash(long key0, long key1) {
        long a = mix(sourceHigh ^ key1, sourceLow ^ (l4 >>> 48) ^ key0);
        long b = mix(destinationHigh ^ key1, destinationLow ^ ((l4 >>> 32) & 0xffff) ^ key0);
        long sum = mix(a + b, (a ^ b) ^ (l4 & 0xffff_ffffL) ^ ((long) zone << 32) ^ key1);
        return (int) (sum ^ (sum >>> 32));
    }

    private static long mix(long a, long b) {
        long low = (a ^ 0xa076_1d64_78bd_642fL) * (b ^ 0xe703_7ed1_a0b4_28dbL);
        return Math.unsignedMultiplyHigh(a ^ 0xa076_1d64_78bd_642fL, b ^ 0xe703_7ed1_a0b4_28dbL) ^ low;
    }

    /**
     * Reads and verifies the packet's headers.
     *
     * @return null if the packet can be tracked, else why not
     */
    InvalidReason extract(Packet packet, int zone) {
        this.zone = zone;
        related = false;
        int l3 = packet.l3Offset();
        int etherType = packet.etherType();
        if (l3 == Packet.ABSENT || etherType != EtherTypes.IPV4 && etherType != EtherTypes.IPV6) {
            return InvalidReason.NOT_IP;
        }
        if (packet.fragment() != FragmentKind.NONE) {
            return InvalidReason.FRAGMENT;
        }
        boolean verified = packet.checksumState() != ChecksumState.UNVERIFIED;
        if (packet.checksumState() == ChecksumState.BAD) {
            return InvalidReason.TRANSPORT_CHECKSUM;
        }
        if (etherType == EtherTypes.IPV4) {
            int headerBytes = (packet.u8(l3) & 0xf) * 4;
            if (InternetChecksum.fold(InternetChecksum.add(0, packet, l3, l3 + headerBytes)) != 0xffff) {
                return InvalidReason.IP_CHECKSUM;
            }
            setIpv4(packet, l3);
        } else {
            setIpv6(packet, l3);
        }
        InvalidReason reason = transport(packet, packet.ipProtocol(), packet.l4Offset(), packet.l3EndOffset(), verified, false);
        if (reason == null && !verified) {
            packet.setChecksumState(ChecksumState.GOOD); // Once is enough for all zones of the walk.
        }
        return reason;
    }

    private void setIpv4(Packet packet, int l3) {
        sourceHigh = 0;
        sourceLow = packet.u32(l3 + 12) & 0xffff_ffffL;
        destinationHigh = 0;
        destinationLow = packet.u32(l3 + 16) & 0xffff_ffffL;
        l4 = IPV4;
    }

    private void setIpv6(Packet packet, int l3) {
        sourceHigh = packet.u64(l3 + 8);
        sourceLow = packet.u64(l3 + 16);
        destinationHigh = packet.u64(l3 + 24);
        destinationLow = packet.u64(l3 + 32);
        l4 = IPV6;
    }

    private void setPorts(int protocol, int source, int destination, int icmpId) {
        l4 = (l4 & 0xff) | (long) protocol << 8 | (long) icmpId << 16 | (long) destination << 32 | (long) source << 48;
    }

    /** @param quoted the header stands inside an ICMP error: only its first eight bytes are sure to be there */
    private InvalidReason transport(Packet packet, int protocol, int offset, int end, boolean verified, boolean quoted) {
        return switch (protocol) {
            case IpProtocols.TCP -> {
                int needed = quoted ? 8 : PacketParser.TCP_MIN_BYTES;
                if (offset == Packet.ABSENT || offset + needed > end) {
                    yield InvalidReason.TRUNCATED;
                }
                int headerBytes = quoted ? 0 : (packet.u8(offset + 12) >> 4) * 4;
                if (!quoted && (headerBytes < PacketParser.TCP_MIN_BYTES || offset + headerBytes > end)) {
                    yield InvalidReason.TRUNCATED;
                }
                setPorts(protocol, packet.u16(offset), packet.u16(offset + 2), 0);
                yield verified || quoted || sumIsRight(packet, offset, end) ? null : InvalidReason.TRANSPORT_CHECKSUM;
            }
            case IpProtocols.UDP -> {
                if (offset == Packet.ABSENT || offset + PacketParser.UDP_BYTES > end) {
                    yield InvalidReason.TRUNCATED;
                }
                if (!quoted && packet.segmentBytes() == 0 && packet.u16(offset + 4) != end - offset) {
                    yield InvalidReason.TRUNCATED;
                }
                setPorts(protocol, packet.u16(offset), packet.u16(offset + 2), 0);
                // RFC 768: zero says "no checksum"; IPv6 does not allow that (RFC 8200 §8.1).
                boolean unsummed = packet.u16(offset + 6) == 0 && !isIpv6(l4);
                yield verified || quoted || unsummed || sumIsRight(packet, offset, end) ? null
                        : InvalidReason.TRANSPORT_CHECKSUM;
            }
            case IpProtocols.ICMP -> isIpv6(l4) ? InvalidReason.ICMP_TYPE : icmp(packet, offset, end, verified, quoted);
            case IpProtocols.ICMPV6 -> isIpv6(l4) ? icmpv6(packet, offset, end, verified, quoted) : InvalidReason.ICMP_TYPE;
            default -> {
                setPorts(protocol, 0, 0, 0);
                yield null;
            }
        };
    }

    private static boolean sumIsRight(Packet packet, int offset, int end) {
        long sum = InternetChecksum.pseudoHeader(packet, end - offset);
        return InternetChecksum.fold(InternetChecksum.add(sum, packet, offset, end)) == 0xffff;
    }

    private InvalidReason icmp(Packet packet, int offset, int end, boolean verified, boolean quoted) {
        if (offset == Packet.ABSENT || offset + ICMP_HEADER_BYTES > end) {
            return InvalidReason.TRUNCATED;
        }
        if (!verified && !quoted && InternetChecksum.fold(InternetChecksum.add(0, packet, offset, end)) != 0xffff) {
            return InvalidReason.TRANSPORT_CHECKSUM;
        }
        int type = packet.u8(offset);
        int answer = switch (type) {
            case ECHO_REQUEST -> ECHO_REPLY;
            case ECHO_REPLY -> ECHO_REQUEST;
            case TIMESTAMP -> TIMESTAMP_REPLY;
            case TIMESTAMP_REPLY -> TIMESTAMP;
            case INFORMATION -> INFORMATION_REPLY;
            case INFORMATION_REPLY -> INFORMATION;
            default -> -1;
        };
        if (answer >= 0) {
            setPorts(IpProtocols.ICMP, type, answer, packet.u16(offset + 4));
            return null;
        }
        boolean error = switch (type) {
            case UNREACHABLE, SOURCE_QUENCH, REDIRECT, TIME_EXCEEDED, PARAMETER_PROBLEM -> true;
            default -> false;
        };
        return error && !quoted ? quotedIpv4(packet, offset + ICMP_HEADER_BYTES, end) : InvalidReason.ICMP_TYPE;
    }

    private InvalidReason quotedIpv4(Packet packet, int l3, int end) {
        if (l3 + PacketParser.IPV4_MIN_BYTES > end || packet.u8(l3) >> 4 != 4) {
            return InvalidReason.QUOTE;
        }
        int headerBytes = (packet.u8(l3) & 0xf) * 4;
        boolean laterFragment = (packet.u16(l3 + 6) & 0x1fff) != 0;
        if (headerBytes < PacketParser.IPV4_MIN_BYTES || l3 + headerBytes > end || laterFragment) {
            return InvalidReason.QUOTE;
        }
        long receiver = destinationLow;
        setIpv4(packet, l3);
        if (sourceLow != receiver) {
            return InvalidReason.QUOTE; // An error goes to who sent the packet it quotes.
        }
        return quotedTransport(packet, packet.u8(l3 + 9), l3 + headerBytes, end);
    }

    private InvalidReason quotedTransport(Packet packet, int protocol, int offset, int end) {
        InvalidReason reason = transport(packet, protocol, offset, end, true, true);
        if (reason != null) {
            return InvalidReason.QUOTE;
        }
        turnRound();
        related = true;
        return null;
    }

    private InvalidReason icmpv6(Packet packet, int offset, int end, boolean verified, boolean quoted) {
        if (offset == Packet.ABSENT || offset + ICMP_HEADER_BYTES > end) {
            return InvalidReason.TRUNCATED;
        }
        if (!verified && !quoted && !sumIsRight(packet, offset, end)) {
            return InvalidReason.TRANSPORT_CHECKSUM;
        }
        int type = packet.u8(offset);
        if (type == V6_ECHO_REQUEST || type == V6_ECHO_REPLY) {
            setPorts(IpProtocols.ICMPV6, type, type ^ 1, packet.u16(offset + 4));
            return null;
        }
        boolean error = switch (type) {
            case V6_UNREACHABLE, V6_PACKET_TOO_BIG, V6_TIME_EXCEEDED, V6_PARAMETER_PROBLEM -> true;
            default -> false;
        };
        return error && !quoted ? quotedIpv6(packet, offset + ICMP_HEADER_BYTES, end) : InvalidReason.ICMP_TYPE;
    }

    private InvalidReason quotedIpv6(Packet packet, int l3, int end) {
        if (l3 + PacketParser.IPV6_BYTES > end || packet.u8(l3) >> 4 != 6) {
            return InvalidReason.QUOTE;
        }
        long receiverHigh = destinationHigh;
        long receiverLow = destinationLow;
        setIpv6(packet, l3);
        if (sourceHigh != receiverHigh || sourceLow != receiverLow) {
            return InvalidReason.QUOTE;
        }
        return quotedTransport(packet, packet.u8(l3 + 6), l3 + PacketParser.IPV6_BYTES, end);
    }

    /** An ICMP query that may begin a connection: a request, not its answer. */
    boolean isIcmpRequest() {
        int type = sourcePort();
        return protocol() == IpProtocols.ICMPV6 ? type == V6_ECHO_REQUEST
                : type == ECHO_REQUEST || type == TIMESTAMP || type == INFORMATION;
    }
}
