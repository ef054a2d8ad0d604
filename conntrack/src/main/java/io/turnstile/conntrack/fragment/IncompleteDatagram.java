package io.turnstile.conntrack.fragment;

import io.turnstile.address.AddressText;
import io.turnstile.packet.EtherTypes;

/**
 * A datagram of which fragments are held, at one moment. An IPv4 address stands in the low 32 bits of {@code …Low}.
 *
 * @param identification of the sender's; unsigned
 * @param protocol 0 for IPv6, where only the first fragment knows it
 * @param progress which fragments have come
 */
public record IncompleteDatagram(
        FragmentFamily family,
        long sourceHigh,
        long sourceLow,
        long destinationHigh,
        long destinationLow,
        int recirculationId,
        int identification,
        int zone,
        int protocol,
        int fragments,
        Progress progress) {

    /** Which fragments have come, in the words of {@code dpctl/ipf-get-status -m}. */
    public enum Progress {
        OTHER("other frag"),
        FIRST("first frag"),
        LAST("last frag"),
        FIRST_AND_LAST("first/last frag"),
        /** All of them, but the whole is longer than a datagram may be: what is left is to expire. */
        FAILED("reassemble fail");

        private final String label;

        Progress(String label) {
            this.label = label;
        }
    }

    /** A line of {@code dpctl/ipf-get-status -m}. */
    public String line() {
        boolean ipv6 = family == FragmentFamily.IPV6;
        return "(src=%s,dst=%s,recirc_id=%s,ip_id=%s,dl_type=0x%x,zone=%d,nw_proto=%d,num_fragments=%d,state=%s)"
                .formatted(
                        ipv6 ? AddressText.ipv6(sourceHigh, sourceLow) : AddressText.ipv4(sourceLow),
                        ipv6 ? AddressText.ipv6(destinationHigh, destinationLow) : AddressText.ipv4(destinationLow),
                        Integer.toUnsignedString(recirculationId),
                        Integer.toUnsignedString(identification),
                        ipv6 ? EtherTypes.IPV6 : EtherTypes.IPV4,
                        zone,
                        protocol,
                        fragments,
                        progress.label);
    }
}
