/**
 * The one injected clock of the switch. Everything that measures an interval asks
 * {@link io.turnstile.time.Clock#nowNs()}; only what people or providers read asks
 * {@link io.turnstile.time.Clock#wallMs()}. It relies on nothing else of the switch.
 *
 * <p>Threads: any may read a clock.
 */
@NullMarked
package io.turnstile.time;

import org.jspecify.annotations.NullMarked;
