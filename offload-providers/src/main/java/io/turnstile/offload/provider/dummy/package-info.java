/**
 * A provider that carries nothing and records everything: the SPI's executable description, and what tests look at. Relies
 * on the SPI only. Threads: any, see {@link io.turnstile.offload.provider.dummy.DummyProvider}.
 */
package io.turnstile.offload.provider.dummy;
