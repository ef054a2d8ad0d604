package io.turnstile.conntrack.fragment;

/**
 * How reassembly stands at one moment ({@code dpctl/ipf-get-status}).
 *
 * @param maxFragments how many may be held at once, of both families
 * @param held how many are held now
 */
public record FragmentStatus(int maxFragments, int held, Family ipv4, Family ipv6) {

    /**
     * One family's share. Counts are of fragments since the start.
     *
     * @param enabled whether fragments are held at all
     * @param minFragmentBytes shorter ones are refused unless they are the last of their datagram; unsigned 32 bits
     * @param accepted held until the rest came, or did not
     * @param completed sent on because the rest came
     * @param expired dropped because the rest did not come in time
     * @param tooSmall refused: shorter than {@code minFragmentBytes}
     * @param overlapped refused: carried bytes that another fragment had carried already, duplicates included
     * @param malformed refused: no data, a length that leaves a hole, data beyond the largest datagram or beyond the
     *     last fragment's end
     * @param beyondLimit refused: too many were held, of this datagram or in all
     */
    public record Family(
            boolean enabled,
            long minFragmentBytes,
            long accepted,
            long completed,
            long expired,
            long tooSmall,
            long overlapped,
            long malformed,
            long beyondLimit) {}

    public Family family(FragmentFamily family) {
        return switch (family) {
            case IPV4 -> ipv4;
            case IPV6 -> ipv6;
        };
    }
}
