/**
 * The process of {@code ./turnstile run}: it puts the switch together, reads the options of ovs-vswitchd, logs, and
 * ends everything again.
 *
 * <p>Threads: {@code housekeeping} expires and counts; {@link io.turnstile.daemon.SwitchDaemon} lists the others.
 */
@NullMarked
package io.turnstile.daemon;

import org.jspecify.annotations.NullMarked;
