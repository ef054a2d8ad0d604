/**
 * Ports over Linux devices: AF_PACKET sockets and TAP devices, epoll, and what rtnetlink and ioctl report of a device.
 *
 * <p>Relies on {@code java.lang.foreign} and glibc on a 64-bit little-endian Linux (x86-64, aarch64); needs CAP_NET_RAW
 * and CAP_NET_ADMIN. Structures of the kernel are read and written at offset constants that name their C source.
 *
 * <p>Threads: each class says its own. System calls are ordinary downcalls, never critical ones: sending runs the
 * receiver's whole protocol stack in the kernel, which is far too long to hold up a safepoint.
 */
@NullMarked
package io.turnstile.port.linux;

import org.jspecify.annotations.NullMarked;
