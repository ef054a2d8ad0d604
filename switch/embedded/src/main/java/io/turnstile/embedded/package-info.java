/**
 * A whole switch inside a JUnit test: {@link io.turnstile.embedded.EmbeddedSwitch}, to people who write controllers or
 * offload providers what EmbeddedChannel of Netty is to people who write handlers.
 * {@link io.turnstile.embedded.EmbeddedBridge} is one of its bridges, {@link io.turnstile.embedded.EmbeddedOffload}
 * what it has to do with offload providers, {@link io.turnstile.embedded.TcpDialogue} a TCP connection through it.
 * Frames are described by {@link io.turnstile.packet.Frames} and read by {@link io.turnstile.packet.FrameView}.
 *
 * <p>Relies on everything below it (ports in memory, datapath, pipeline, OpenFlow agent, tracker, offload dispatcher)
 * and on nothing beside it: no database, no daemon, no metrics, no logging backend, and no operating-system feature, so
 * that it needs no root.
 *
 * <p>Threads: the test's own, which carries packets, calls providers and does housekeeping inside the call that gave
 * reason to. Only controller connections have one more, {@code openflow}, for all bridges of a switch; what fails there
 * is thrown by the next call of the test.
 */
@NullMarked
package io.turnstile.embedded;

import org.jspecify.annotations.NullMarked;
