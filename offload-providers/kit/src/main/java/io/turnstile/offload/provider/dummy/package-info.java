/**
 * A provider that carries nothing and records everything: the SPI's executable description, and what tests look at. Its
 * answers can be programmed, the one to a flush too, and it passes the kit of {@code io.turnstile.offload.conformance}.
 * Relies on the SPI only. Threads: any, see {@link io.turnstile.offload.provider.dummy.DummyProvider}.
 */
@NullMarked
package io.turnstile.offload.provider.dummy;

import org.jspecify.annotations.NullMarked;
