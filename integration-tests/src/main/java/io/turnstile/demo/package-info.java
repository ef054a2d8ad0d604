/**
 * {@code ./turnstile demo}: the main job on real packets, seen from outside. The clients here are small users of the
 * same libraries that a controller or an orchestrator would use: the ovsdb-java client, OpenFlow over a socket,
 * JSON-RPC to the control socket.
 */
@NullMarked
package io.turnstile.demo;

import org.jspecify.annotations.NullMarked;
