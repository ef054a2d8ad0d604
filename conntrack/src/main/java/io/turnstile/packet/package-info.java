/**
 * Packets, their buffers and the flyweights over their headers. Bytes live off-heap; a
 * {@link io.turnstile.packet.Packet} carries where its layers start and the metadata that {@code ct()} sets. It relies
 * on no more of the switch than how addresses are written.
 *
 * <p>Threads: a packet and its batch belong to one thread at a time: nothing here is shared.
 */
@NullMarked
package io.turnstile.packet;

import org.jspecify.annotations.NullMarked;
