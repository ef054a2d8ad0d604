/**
 * The commands of {@code ovs-appctl} (ovs-vswitchd(8), ovs-appctl(8)): each is one
 * {@link io.turnstile.control.Command}, made by the class of those that belong together.
 * {@link io.turnstile.appctl.AppctlCommands} has them all.
 *
 * <p>Relies on what {@link io.turnstile.appctl.CommandContext} names; knows neither the process nor how it logs.
 *
 * <p>Threads: handlers run on the control socket's thread, one after the other.
 */
@NullMarked
package io.turnstile.appctl;

import org.jspecify.annotations.NullMarked;
