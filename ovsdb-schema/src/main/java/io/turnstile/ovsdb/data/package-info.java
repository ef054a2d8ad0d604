/**
 * OVSDB values and rows (RFC 7047 §3.1, §5.1), and {@link io.turnstile.ovsdb.data.OvsdbBackend}, by which the switch
 * sees its configuration whatever server holds it. Relies on the schemas and on Jackson's trees.
 *
 * <p>Threads: values, rows and snapshots are immutable; a backend may be called by any thread, and hands out snapshots
 * on one of its own ({@link io.turnstile.ovsdb.data.SnapshotPublisher}).
 */
@NullMarked
package io.turnstile.ovsdb.data;

import org.jspecify.annotations.NullMarked;
