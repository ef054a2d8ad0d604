/**
 * Makes the switch what the Open_vSwitch database says, and writes back what came of it (ovs-vswitchd.conf.db(5)).
 *
 * <p>Relies on the pipeline, the OpenFlow agent, the datapath and its forwarding threads, the offload dispatcher, and
 * on an {@link io.turnstile.ovsdb.data.OvsdbBackend}.
 *
 * <p>Threads: everything happens on the reconciler's own thread, {@code bridge}; what others may read is said to be so.
 */
package io.turnstile.bridge;
