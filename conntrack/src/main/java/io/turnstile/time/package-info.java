/**
 * The one injected clock of the switch. Everything that measures an interval asks
 * {@link io.turnstile.time.Clock#nowNs()}; only what people or providers read asks
 * {@link io.turnstile.time.Clock#wallMs()}. {@link io.turnstile.time.OncePerMinute} says what may be logged again. It
 * relies on nothing else of the switch.
 *
 * <p>Threads: any.
 */
@NullMarked
package io.turnstile.time;

import org.jspecify.annotations.NullMarked;
