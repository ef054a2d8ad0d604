/**
 * The provider that carries established connections in the kernel: TCP and UDP over IPv4 and IPv6, with NAT, VLAN tags
 * and whatever else a {@link io.turnstile.offload.spi.Path} says, between devices that the switch reads by AF_PACKET
 * sockets.
 *
 * <p>Two programs do it. Sockets of AF_PACKET are told of a frame before tcx ingress is, in the same go on the same
 * CPU. The deciding program ({@code DecidingProgram}), a filter on the switch's socket, looks the path up and either
 * shows the frame to the switch or hides it and leaves in this CPU's slot what is to be done; the carrying program
 * ({@code CarryingProgram}), at the device's ingress, does what it finds there and asks nobody. So each frame is seen
 * by software or carried, never both and never neither, however paths come and go.
 *
 * <p>Where it is asked for, a third program ({@code XdpProgram}) in the device's driver carries what it can before
 * there is a packet, and what it passes meets these two; {@code PathSteps} is what it has in common with the deciding
 * one. Decision 29 says why it is so.
 *
 * <p>Threads: the provider's own for its callbacks, and one that reads the counters. One lock for everything; held for
 * microseconds, and for some milliseconds where a port is met for the first time. Nothing is pinned: when the process
 * ends, the kernel is as before. Relies on the SPI and on {@code io.turnstile.bpf}. Decision 26 says why it is so.
 */
@NullMarked
package io.turnstile.offload.provider.ebpf;

import org.jspecify.annotations.NullMarked;
