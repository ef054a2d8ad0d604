/**
 * Ways in and out of the switch: what a port is, the ports that live in memory, and what opens a port by the type that
 * OVSDB names. Ports over Linux devices are in {@code io.turnstile.port.linux}, which this package does not know.
 *
 * <p>Relies on {@code io.turnstile.packet} only. Threads: see {@link io.turnstile.port.Port}.
 */
@NullMarked
package io.turnstile.port;

import org.jspecify.annotations.NullMarked;
