/**
 * The embedded OVSDB server: RFC 7047 with the extensions that Open vSwitch's clients use (ovsdb-server(7)): monitor_cond,
 * monitor_cond_since, the {@code _Server} database, locks, and the standalone database file that ovsdb-tool reads.
 *
 * <p>Threads: one event loop owns all databases and connections; nothing in here locks.
 */
package io.turnstile.ovsdb.server;
