/**
 * The OpenFlow agent: connections of controllers and tools, and what is said on them.
 *
 * <p>{@link io.turnstile.openflow.OpenFlowAgent} owns the event loop; {@link io.turnstile.openflow.BridgeAgent} has one
 * bridge's listeners ({@code punix:<bridge>.mgmt}, {@code ptcp:}), its snoop socket and its connections out to
 * controllers. Bytes are {@link io.turnstile.openflow.wire}'s business; the bridge is only known as
 * {@link io.turnstile.pipeline.OpenFlowSwitch}. {@link io.turnstile.openflow.MessageType} has one row for each message:
 * a new one is a row there, a codec of its content and a handler.
 *
 * <p>Threads: one event loop thread does everything that has to do with connections and calls the bridge itself, but
 * that bundles are committed by a thread beside it. What the bridge reports by itself (packet-in, flow-removed,
 * port-status) comes on other threads and is handed to the loop by an {@link io.turnstile.openflow.EventBacklog}; while
 * the loop is behind, packet-ins are dropped and counted, never queued without bound.
 *
 * <p>Peers are not trusted: what all of them together may make the process hold stands in
 * {@link io.turnstile.openflow.Shared}.
 */
@NullMarked
package io.turnstile.openflow;

import org.jspecify.annotations.NullMarked;
