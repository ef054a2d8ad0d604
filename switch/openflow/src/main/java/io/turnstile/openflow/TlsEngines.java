package io.turnstile.openflow;

import java.io.IOException;
import javax.net.ssl.SSLEngine;

/**
 * Makes what encrypts {@code ssl:} and {@code pssl:} connections. Both ends show a certificate, and each looks at the
 * other's.
 *
 * <p>Threads: any.
 */
public interface TlsEngines {
    /** Nobody has a key or a certificate. */
    TlsEngines NONE = new TlsEngines() {
        @Override
        public SSLEngine client() throws IOException {
            throw new IOException("Protocol not available");
        }

        @Override
        public SSLEngine server() throws IOException {
            return client();
        }
    };

    /**
     * For a connection that is made.
     *
     * @throws IOException why there can be none, for people
     */
    SSLEngine client() throws IOException;

    /**
     * For a connection that is accepted.
     *
     * @throws IOException why there can be none, for people
     */
    SSLEngine server() throws IOException;
}
