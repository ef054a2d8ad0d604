package io.turnstile.tls;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.GeneralSecurityException;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.Base64;
import javax.net.ssl.X509TrustManager;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Trusts nobody, but writes down the authority that the first peer names, so that the next connection is checked
 * against it ({@code SSL:bootstrap_ca_cert}). The peer has to send its authority's certificate behind its own.
 *
 * <p>Threads: any.
 */
final class AuthorityBootstrap implements X509TrustManager {
    private static final Logger LOG = LoggerFactory.getLogger(AuthorityBootstrap.class);
    private static final int LINE_LENGTH = 64;

    private final Path file;

    AuthorityBootstrap(Path file) {
        this.file = file;
    }

    /** Always throws: the connection is made anew. */
    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType) throws CertificateException {
        X509Certificate last = chain[chain.length - 1];
        if (!isSelfSigned(last)) {
            throw new CertificateException(
                    "could not bootstrap CA cert: self-signed certificate required, but peer certificate is not");
        }
        try {
            Files.writeString(file, text(last), StandardCharsets.US_ASCII, StandardOpenOption.CREATE_NEW);
        } catch (IOException e) {
            throw new CertificateException("could not bootstrap CA cert: creating " + file + " failed: " + e, e);
        }
        LOG.info("successfully bootstrapped CA cert to {}", file);
        throw new CertificateException("CA cert was bootstrapped, connecting anew");
    }

    private static boolean isSelfSigned(X509Certificate certificate) {
        try {
            certificate.verify(certificate.getPublicKey());
            return true;
        } catch (GeneralSecurityException e) {
            return false;
        }
    }

    private static String text(X509Certificate certificate) throws CertificateException {
        String base64 = Base64.getMimeEncoder(LINE_LENGTH, new byte[] {'\n'}).encodeToString(certificate.getEncoded());
        return "-----BEGIN CERTIFICATE-----\n" + base64 + "\n-----END CERTIFICATE-----\n";
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType) throws CertificateException {
        throw new CertificateException("no CA certificate");
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
        return new X509Certificate[0];
    }
}
