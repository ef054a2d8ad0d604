package io.turnstile.tls;

import java.nio.file.Path;

/**
 * The SSL row (ovs-vswitchd.conf.db(5)): files in PEM.
 *
 * @param privateKey of the switch; PKCS #8, as ovs-pki makes them, or RSA alone
 * @param certificate of the switch, signed by whom its peers trust
 * @param caCertificate of whom the switch trusts
 * @param bootstrapsCa whether {@code caCertificate}, if it is not there, is taken from the first controller that is
 *     connected to
 */
public record TlsFiles(Path privateKey, Path certificate, Path caCertificate, boolean bootstrapsCa) {}
