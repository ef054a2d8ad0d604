package io.turnstile.offload;

import io.turnstile.offload.spi.Direction;
import java.util.Collection;
import java.util.List;

/**
 * Who carries which direction of which connection, and why not: between the switch, which sums up walks, and the
 * providers, which are offered them through their lanes.
 *
 * <p>A direction of a connection is <em>wanted</em> once a provider that carries has said that it covers the connection
 * in both directions; then the switch looks at the walk of a packet of it, and offers a path or says why there is none.
 */
public interface PathBook {

    /** Whether there is a provider that carries: else nobody need look at walks. One volatile read. */
    boolean isAsked();

    /**
     * Whether a path of this direction is wanted, and nobody is about to make it. Threads: forwarding threads; takes no
     * lock, allocates nothing.
     *
     * @param reply the reply direction
     */
    boolean wants(long connectionId, boolean reply);

    /**
     * The caller is about to make a path of the direction: {@link #offer} or {@link #refuse} follows, however late.
     * Threads: as {@link #wants}.
     *
     * @return false if it is not wanted any more, or somebody else is about to
     */
    boolean claim(long connectionId, boolean reply);

    /** Offers a path of a direction that was claimed. Threads: any but forwarding threads. */
    PathHandle offer(PathOffer offer);

    /**
     * The direction that was claimed has no path.
     *
     * @param reason for people, a few words; one of few distinct texts
     * @param again whether another walk may be looked at soon: what stood in the way may pass by itself
     */
    void refuse(long connectionId, Direction direction, String reason, boolean again);

    /**
     * Packets may go another way than they did: what was refused for good is looked at again, each direction when its
     * next packet comes, and not more often than what waits. The flows of walks that were sampled before are dead by
     * now, if this concerns them. Threads: any; takes no lock.
     */
    void waysChanged();

    /**
     * Waits until nobody carries any of them. Threads: any that may wait; not a provider's, and with no lock held.
     *
     * @return false if a provider has not given some path back in this time
     */
    boolean awaitOver(Collection<? extends PathHandle> paths, long timeoutNs);

    /**
     * How a direction stands.
     *
     * @param state {@code carried}, {@code offered}, {@code wanted}, {@code not carried}, {@code ending}
     * @param provider who carries it or is being offered it; empty if nobody
     * @param reason why it is not carried; empty if it is, or if nothing stands in the way
     * @param path as text; empty if there is none
     */
    record DirectionState(Direction direction, String state, String provider, String reason, String path) {}

    /** Both directions of the connection; empty if nobody who carries holds it. */
    List<DirectionState> states(long connectionId);

    /**
     * How much is carried, and has been.
     *
     * @param carried directions that are carried at present
     * @param packets carried so far
     * @param bytes of those
     */
    record Totals(long carried, long packets, long bytes) {}

    /** Of all providers. */
    Totals totals();
}
