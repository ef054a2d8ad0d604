/**
 * Keys and certificates: what the SSL row of the database names becomes engines for OpenFlow's and OVSDB's connections.
 * Netty reads the files and the JDK encrypts.
 *
 * <p>Threads: any.
 */
@NullMarked
package io.turnstile.tls;

import org.jspecify.annotations.NullMarked;
