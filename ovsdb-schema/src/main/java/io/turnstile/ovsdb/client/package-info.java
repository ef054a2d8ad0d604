/**
 * The client side: a real ovsdb-server, spoken to through the ovsdb-java client library. What the library lacks is put
 * around it here: Unix sockets and word of a lost connection ({@link io.turnstile.ovsdb.client.ServerConnection}),
 * reconnection, and values as our own types.
 *
 * <p>Threads: any may call; one thread owns the connection, an event loop carries its bytes.
 */
@NullMarked
package io.turnstile.ovsdb.client;

import org.jspecify.annotations.NullMarked;
