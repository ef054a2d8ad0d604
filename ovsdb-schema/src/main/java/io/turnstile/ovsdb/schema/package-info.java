/**
 * RFC 7047 §3.2: database schemas, tables, columns and their types; and the Open_vSwitch schema that the embedded
 * server offers. Immutable throughout. JSON by Jackson.
 */
package io.turnstile.ovsdb.schema;
