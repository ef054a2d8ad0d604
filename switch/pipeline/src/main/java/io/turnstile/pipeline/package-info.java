/**
 * The OpenFlow pipeline: bridges with their tables, ports and learned addresses; the translation of a packet's walk
 * through the flows into datapath actions plus the bits that decided it; and the dependencies of each datapath flow, so
 * that a change removes exactly those that it may concern.
 *
 * <p>Relies on {@link io.turnstile.datapath.Datapath} for everything that happens to packets. OpenFlow's wire formats
 * are not known here.
 *
 * <p><b>Threads and locks, in the order in which they are taken:</b>
 *
 * <ol>
 *   <li>the <em>change lock</em>: one change (flow modification, port, timeout) at a time, held until nothing stale
 *       forwards any more; never taken by a forwarding thread;
 *   <li>the <em>table lock</em> (read-write): translations read, changes write. A change of many flows holds it for a
 *       slice at a time, with what it has prepared hidden from packets ({@link io.turnstile.pipeline.Rule.Phase}). Not
 *       held while a change waits for forwarding threads;
 *   <li>the flow cache's lock (inside the datapath): it guards the dependencies too
 *       ({@link io.turnstile.pipeline.Dependents});
 *   <li>leaves: the address table, the recirculation ids, the event queue.
 * </ol>
 *
 * <p><b>Translate with old flows, install after the change.</b> Each change raises the pipeline's generation in the
 * moment in which it takes effect, while it holds the table lock. A translation remembers the generation under which it
 * was made, and the datapath asks {@link io.turnstile.datapath.Upcall#isCurrent} under the cache's lock right before it
 * installs. Either the generation is still the same, then the flow is registered before the change looks for what to
 * remove; or it is not, then the flow is used for the one packet only, and the change waits for that packet's batch.
 */
@NullMarked
package io.turnstile.pipeline;

import org.jspecify.annotations.NullMarked;
