/**
 * The connection tracker: tuples, the off-heap table, protocols' state machines, expiry. It knows nothing of OpenFlow
 * or OVSDB; it tells a {@link io.turnstile.conntrack.ConnectionListener} of connections' lives and knows nothing of
 * providers either. Behaviour is that of Open vSwitch's userspace tracker, by ovs-actions(7) {@code ct} and the output
 * of {@code dpctl/dump-conntrack}.
 */
package io.turnstile.conntrack;
