package io.turnstile.datapath;

import io.turnstile.conntrack.Conntrack;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.conntrack.fragment.CompletedDatagrams;
import io.turnstile.conntrack.fragment.FragmentReassembler;
import io.turnstile.packet.Packet.FragmentKind;
import io.turnstile.packet.PacketBatch;

/**
 * {@code ct()} on a batch: fragments are held back, what is whole is tracked.
 *
 * <p>Threads: any.
 */
final class TrackingStep {
    private final Conntrack conntrack;
    private final FragmentReassembler fragments;

    TrackingStep(Conntrack conntrack, FragmentReassembler fragments) {
        this.conntrack = conntrack;
        this.fragments = fragments;
    }

    /**
     * Tracks the batch; fragments whose datagram is not whole yet are gone from it.
     *
     * @param completed empty; gets the datagrams that became whole. They stand in the batch, tracked, unless the
     *     tracker took them out; their fragments are to go on in their place before {@link #release}.
     * @return how many packets the tracker took out to be dropped
     */
    int track(PacketBatch packets, CtRequest request, long nowNs, CompletedDatagrams completed) {
        if (hasFragments(packets)) {
            fragments.takeFragments(packets, request.zone(), nowNs, completed);
        }
        return packets.isEmpty() ? 0 : conntrack.track(packets, request, nowNs);
    }

    /** All that packets which are no fragments pay for those that are. */
    private static boolean hasFragments(PacketBatch packets) {
        for (int i = 0; i < packets.length(); i++) {
            if (packets.get(i).fragment() != FragmentKind.NONE) {
                return true;
            }
        }
        return false;
    }

    /** The fragments have gone on, or will not. */
    void release(CompletedDatagrams completed) {
        if (!completed.isEmpty()) {
            fragments.release(completed);
        }
    }
}
