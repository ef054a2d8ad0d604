/**
 * RFC 7047 §3.2: database schemas, tables, columns and their types; and the Open_vSwitch schema that the embedded
 * server offers, kept in a short notation. Relies on Jackson for JSON. Threads: immutable throughout.
 */
@NullMarked
package io.turnstile.ovsdb.schema;

import org.jspecify.annotations.NullMarked;
