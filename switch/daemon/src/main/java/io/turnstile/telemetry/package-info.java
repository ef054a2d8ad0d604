/**
 * What the switch tells programs that watch it: metrics over HTTP, and offload events as JSON lines. Relies on the
 * counters of the tracker, the datapath and its ports, and on {@link io.turnstile.offload.OffloadDispatcher} for the
 * events.
 *
 * <p>Threads: {@code metrics} and virtual threads answer HTTP, {@code offload-monitor} answers who waits for events;
 * both are there only while somebody uses them. No forwarding thread comes here.
 */
@NullMarked
package io.turnstile.telemetry;

import org.jspecify.annotations.NullMarked;
