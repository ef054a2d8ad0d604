/**
 * The embedded OVSDB server: RFC 7047 with the extensions that Open vSwitch's clients use (ovsdb-server(7)):
 * monitor_cond, monitor_cond_since, the {@code _Server} database, locks, and the standalone database file that
 * ovsdb-tool reads.
 *
 * <pre>
 *   socket ─▶ Inbox ─▶ Connection: one request a turn, ─▶ OvsdbSession ─▶ Database ─▶ Transaction
 *                      and only if all was taken             │  ▲ Monitor: what changed, gathered
 *   socket ◀─ Outbox ◀─ JsonTextWriter ◀─ Unfolding ◀────────┘           while the client is behind
 *                │
 *           ClientBudget: what all clients make the server hold; ServerLimits: how much of each thing
 * </pre>
 *
 * <p>Answers and updates are made row by row while their client takes them, out of rows that do not change.
 *
 * <p>Answers and error texts are ovsdb-server's. On purpose it is otherwise in these: monitor_cond_since goes on from
 * the last 100 transactions, or fewer if they are large; what is beyond {@link io.turnstile.ovsdb.server.ServerLimits}
 * is refused with "resources exhausted"; a cancelled transaction is answered "canceled" (RFC 7047 §4.1.4); the holder
 * of a lock is told "locked" once; monitor_cond_change of a monitor without conditions is an error; reals keep all
 * their digits; the least integer times -1 is a range error; {@code convert} is an unknown method. A log is compacted
 * by how its length compares with what it holds, also at the start, where ovsdb-server looks at its growth every ten
 * minutes and later; every transaction is on disk when it is answered; a missing file is made; a damaged one is copied
 * before it is cut.
 *
 * <p>Relies on the values and schemas beside it, on Netty for sockets and on Jackson for JSON.
 *
 * <p>Threads: one event loop owns all databases and connections; nothing in here locks. A thread of its own writes a
 * file anew.
 */
@NullMarked
package io.turnstile.ovsdb.server;

import org.jspecify.annotations.NullMarked;
