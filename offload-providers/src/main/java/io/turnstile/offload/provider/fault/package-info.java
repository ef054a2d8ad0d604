/**
 * Providers that misbehave in one chosen way each, for tests of whoever calls providers. They are not announced to
 * {@link java.util.ServiceLoader}: who wants one makes one. Threads: as the SPI says.
 */
package io.turnstile.offload.provider.fault;
