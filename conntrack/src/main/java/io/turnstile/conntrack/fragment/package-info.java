/**
 * Fragments that meet {@code ct()}: held until the whole datagram can be tracked, then sent on as the fragments that
 * came, each with what the tracker said of the whole (RFC 791 §3.2, RFC 8200 §4.5; {@code dpctl/ipf-…} of
 * ovs-vswitchd(8)).
 *
 * <p>{@link io.turnstile.conntrack.fragment.FragmentReassembler} stands beside the tracker and knows nothing of it. It
 * relies on parsed packets only; time is handed in.
 *
 * <p>Threads: a reassembler may be used by any number of threads and has a lock of its own, which no packet takes that
 * is not a fragment. A completed datagram belongs to the thread that completed it.
 */
@NullMarked
package io.turnstile.conntrack.fragment;

import org.jspecify.annotations.NullMarked;
