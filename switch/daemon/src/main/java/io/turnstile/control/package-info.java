/**
 * The control socket: JSON-RPC 1.0 as {@code ovs-appctl} speaks it (ovs-appctl(8), unixctl). It knows commands as
 * functions and nothing else of the switch.
 *
 * <p>Threads: one event loop of its own, on which commands run one after the other.
 */
@NullMarked
package io.turnstile.control;

import org.jspecify.annotations.NullMarked;
