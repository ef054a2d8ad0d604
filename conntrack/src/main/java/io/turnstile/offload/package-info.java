/**
 * Feeds offload providers from the tracker's events: {@link io.turnstile.offload.OffloadDispatcher} is the entry, and
 * has a {@link io.turnstile.offload.Lane} for each provider. Relies on {@link io.turnstile.conntrack.Conntrack} to keep
 * a removed connection's entry readable until it is released.
 *
 * <p>Threads: forwarding threads and the sweeper only set bits in a slot's word and link the slot into its shard's
 * queue, once for each lane; one thread per shard takes slots out and calls the provider. A slot belongs to one shard
 * of a lane, so a connection's events never run on two threads at once. Locks, in order: the configuration lock → shard
 * lock → lane's monitor → monitors of small tables. None but the shard's own lock is held while a provider is called.
 * Producers take none of them, but for the moment in which a side table grows.
 */
@NullMarked
package io.turnstile.offload;

import org.jspecify.annotations.NullMarked;
