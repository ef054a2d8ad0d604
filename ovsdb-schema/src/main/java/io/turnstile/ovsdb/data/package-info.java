/**
 * OVSDB values and rows (RFC 7047 §3.1, §5.1), and {@link io.turnstile.ovsdb.data.OvsdbBackend}, by which the switch
 * sees its configuration whatever server holds it. Immutable throughout.
 */
package io.turnstile.ovsdb.data;
