/**
 * A whole switch inside a JUnit test: {@link io.turnstile.embedded.EmbeddedSwitch}. Relies on everything below it
 * (ports in memory, datapath, pipeline, OpenFlow agent, tracker, offload dispatcher) and on no operating-system
 * feature, so that it needs no root.
 *
 * <p>Threads: the caller's own; only a controller connection has one more.
 */
package io.turnstile.embedded;
