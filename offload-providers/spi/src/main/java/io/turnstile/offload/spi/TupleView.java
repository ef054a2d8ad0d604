package io.turnstile.offload.spi;

import io.turnstile.address.AddressText;

/**
 * One direction of a connection as packets of that direction carry it. An IPv4 address stands in the low 32 bits of
 * {@code …Low} with {@code …High} 0; addresses are in host arithmetic: 10.0.0.1 is {@code 0x0a000001}.
 *
 * @param sourcePort TCP, UDP and SCTP only, else 0
 * @param destinationPort TCP, UDP and SCTP only, else 0
 * @param icmpId ICMP and ICMPv6 only, else 0
 * @param icmpType ICMP and ICMPv6 only, else 0
 * @param icmpCode ICMP and ICMPv6 only, else 0
 */
public record TupleView(
        boolean ipv6,
        int protocol,
        long sourceHigh,
        long sourceLow,
        long destinationHigh,
        long destinationLow,
        int sourcePort,
        int destinationPort,
        int icmpId,
        int icmpType,
        int icmpCode) {
    private static final int ICMP = 1;
    private static final int ICMPV6 = 58;

    /** The source address as text. */
    public String source() {
        return ipv6 ? AddressText.ipv6(sourceHigh, sourceLow) : AddressText.ipv4(sourceLow);
    }

    /** The destination address as text. */
    public String destination() {
        return ipv6 ? AddressText.ipv6(destinationHigh, destinationLow) : AddressText.ipv4(destinationLow);
    }

    /**
     * Returns the tuple as {@code dpctl/dump-conntrack} prints it:
     * {@code src=10.0.0.1,dst=10.0.0.2,sport=1234,dport=80}.
     */
    @Override
    public String toString() {
        String addresses = "src=" + source() + ",dst=" + destination();
        return protocol == ICMP || protocol == ICMPV6
                ? addresses + ",id=" + icmpId + ",type=" + icmpType + ",code=" + icmpCode
                : addresses + ",sport=" + sourcePort + ",dport=" + destinationPort;
    }
}
