/**
 * Packets, their buffers and the flyweights over their headers. Bytes live off-heap; a
 * {@link io.turnstile.packet.Packet} carries where its layers start and the metadata that {@code ct()} sets. A packet
 * and its batch belong to one thread at a time: nothing here is shared.
 */
package io.turnstile.packet;
