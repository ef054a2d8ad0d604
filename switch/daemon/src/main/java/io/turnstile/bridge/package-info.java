/**
 * The configuration of the switch by the Open_vSwitch database (ovs-vswitchd.conf.db(5)).
 * {@link io.turnstile.bridge.ConfigReader} reads it into values; bridges have ports and ports have interfaces, which
 * are made what the values say; {@link io.turnstile.bridge.StatusWriter} writes back what came of it.
 *
 * <p>Relies on the pipeline, the OpenFlow agent, the datapath and its forwarding threads, the offload dispatcher, and
 * on an {@link io.turnstile.ovsdb.data.OvsdbBackend}.
 *
 * <p>Threads: everything happens on the reconciler's own thread, {@code bridge}; what others may read is said to be so.
 */
@NullMarked
package io.turnstile.bridge;

import org.jspecify.annotations.NullMarked;
