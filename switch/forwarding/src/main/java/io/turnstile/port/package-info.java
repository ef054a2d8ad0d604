/**
 * Ways in and out of the switch: what a port is, the ports that live in memory, and the factory that opens a port by
 * the type that OVSDB names. Ports over Linux devices are in {@code io.turnstile.port.linux}.
 *
 * <p>Relies on {@code io.turnstile.packet} only. Threads: see {@link io.turnstile.port.Port}.
 */
package io.turnstile.port;
