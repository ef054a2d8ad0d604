/**
 * The fast half of the switch: ports by number, flow keys, the flow cache, the execution of datapath actions and the
 * threads that forward. {@link io.turnstile.datapath.Datapath} is what the rest of the switch sees of it. It asks the
 * pipeline through {@link io.turnstile.datapath.Upcall} when it meets a packet it has no flow for, and hands packets to
 * the tracker at {@code ct()}.
 *
 * <p>Threads: packets on forwarding threads (or on the caller's in the embedded switch), each with a
 * {@link io.turnstile.datapath.ForwardingContext} of its own; flows, ports and counters may be read by any thread.
 */
@NullMarked
package io.turnstile.datapath;

import org.jspecify.annotations.NullMarked;
