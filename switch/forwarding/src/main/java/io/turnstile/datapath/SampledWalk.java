package io.turnstile.datapath;

import java.util.List;

/**
 * How one packet went: what it looked like as it came in, as far as the flows' masks do not say, and the flows that it
 * met. Copies that left the batch on the way are in the flows' actions, their further way is not.
 *
 * @param connectionId the connection that the first {@code ct()} found; established
 * @param reply the packet is of its reply direction
 * @param inPort datapath port by which it came in
 * @param tag its outer VLAN tag as it came in, TPID in the upper 16 bits, TCI in the lower; 0: none
 * @param flows met, one a round, at most {@link #MAX_FLOWS}
 * @param trackings what each {@code ct()} found, in order; at most {@link #MAX_TRACKINGS}, those beyond are missing
 */
public record SampledWalk(
        long connectionId, boolean reply, int inPort, int tag, List<DatapathFlow> flows, List<Tracking> trackings) {
    /** A packet is looked up at most this often. */
    public static final int MAX_FLOWS = BatchExecutor.MAX_RECIRCULATIONS + 1;

    /** Two for each lookup are more than walks have. */
    public static final int MAX_TRACKINGS = 2 * MAX_FLOWS;

    /**
     * What a {@code ct()} wrote into the packet.
     *
     * @param connectionId 0 if it found none
     * @param ctState bits of {@link io.turnstile.conntrack.CtState}
     */
    public record Tracking(long connectionId, int ctState) {}

    public SampledWalk {
        flows = List.copyOf(flows);
        trackings = List.copyOf(trackings);
    }
}
