/**
 * Network addresses as text. Relies on the JDK alone, and ships with the SPI of offload providers, whose views print
 * addresses as the rest of the switch does.
 *
 * <p>Threads: stateless.
 */
package io.turnstile.address;
