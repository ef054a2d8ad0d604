/**
 * Feeds offload providers from the tracker's events: {@link io.turnstile.offload.OffloadDispatcher} is the entry. Relies on
 * {@link io.turnstile.conntrack.Conntrack} to keep a removed connection's entry readable until it is released.
 *
 * <p>Threads: forwarding threads and the sweeper only set bits in a slot's word and link the slot into its shard's
 * queue; one thread per shard takes slots out and calls providers. A slot belongs to one shard, so a connection's events
 * never run on two threads at once. Locks, in order: dispatcher's monitor → shard lock → monitors of small tables.
 * Producers take none of them, but for the moment in which the side table grows.
 */
package io.turnstile.offload;
