/**
 * The one injected clock of the switch. Everything that measures an interval asks
 * {@link io.turnstile.time.Clock#nowNs()}; only what people or providers read asks
 * {@link io.turnstile.time.Clock#wallMs()}.
 */
package io.turnstile.time;
