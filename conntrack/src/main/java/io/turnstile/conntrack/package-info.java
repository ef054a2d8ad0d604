/**
 * The connection tracker: tuples, the off-heap table, protocols' state machines, expiry. It knows nothing of OpenFlow
 * or OVSDB; it tells a {@link io.turnstile.conntrack.ConnectionListener} of connections' lives and knows nothing of
 * providers either. Behaviour is that of Open vSwitch's userspace tracker, by ovs-actions(7) {@code ct} and the output
 * of {@code dpctl/dump-conntrack}. It relies on parsed packets; time is handed in, and the clock only asked once for
 * where it begins.
 *
 * <p>Threads: any number of them track packets at once, each with a {@link io.turnstile.conntrack.TrackingScratch} of
 * its own; an entry is changed by who has locked it. One sweeper at a time.
 */
@NullMarked
package io.turnstile.conntrack;

import org.jspecify.annotations.NullMarked;
