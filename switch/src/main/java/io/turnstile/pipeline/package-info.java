/**
 * The slow half of the switch: OpenFlow tables of all bridges, the translator that turns a packet's walk through them into
 * datapath actions, MAC learning, recirculation ids, and what of the flow cache a change makes wrong.
 *
 * <p>Threads: everything that reads or changes rules holds {@link io.turnstile.pipeline.Pipeline}'s one lock. Forwarding threads take it
 * on a miss only. Counters are credited without it. Lock order: pipeline lock, then the flow cache's.
 */
package io.turnstile.pipeline;
