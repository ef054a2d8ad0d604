/**
 * The daemon: puts the house together, reads the options of ovs-vswitchd, and answers the commands of
 * {@code ovs-appctl}.
 *
 * <p>Threads: {@code housekeeping} expires and counts; {@link io.turnstile.daemon.SwitchDaemon} lists the others.
 */
package io.turnstile.daemon;
