package io.turnstile.datapath;

import java.util.Collection;

/**
 * Somebody who looks at how packets of established connections go through the datapath, to have others forward them in
 * the same way, and who has to be told when that way is not there any more.
 *
 * <p>Threads: {@link #isWatching}, {@link #claims} and {@link #walked} are called by forwarding threads, several at
 * once: they take no lock that is held while anybody waits, and {@link #walked} alone may allocate. The rest may be
 * called by any thread.
 */
public interface WalkWatcher {

    /** Whether walks are looked at at all; asked once a batch. */
    boolean isWatching();

    /**
     * Whether the walk of a packet of this direction is wanted; {@link #walked} follows if so, and it is not asked for
     * again meanwhile.
     *
     * @param connectionId the connection that the walk's first {@code ct()} has found
     * @param reply the reply direction of it
     */
    boolean claims(long connectionId, boolean reply);

    /** The walk that was claimed, when it has come to its end. */
    void walked(SampledWalk walk);

    /** Whether others forward packets as this flow says, so that it may be used without being met. */
    boolean isFollowed(DatapathFlow flow);

    /** These flows are dead: nobody may follow them any more. No lock is held; returns at once. */
    void flowsKilled(Collection<DatapathFlow> flows);

    /**
     * Packets may go another way from now on than they went before: rules, ports or learned addresses have changed, and
     * the flows that this concerns are dead. Told once a change, however many flows there are. No lock is held; returns
     * at once.
     */
    void waysChanged();

    /** The port has gone: nobody may receive or send by it any more. No lock is held; returns at once. */
    void portRemoved(DatapathPort port);

    /**
     * Waits until nobody follows flows and ports any more that were {@linkplain #flowsKilled told} dead or gone before.
     * Goes on after a while, whatever others do. Called with no lock held that forwarding threads may need.
     */
    void awaitGone();
}
