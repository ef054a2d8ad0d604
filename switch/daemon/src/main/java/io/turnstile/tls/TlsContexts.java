package io.turnstile.tls;

import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import io.turnstile.openflow.TlsEngines;
import io.turnstile.time.OncePerMinute;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SSLEngine;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The engines that {@code ssl:} and {@code pssl:} connections have, from the files that were named last. The files are
 * looked at for each connection, so that new ones are taken up without a word; as in Open vSwitch, connections that are
 * there keep what they have.
 *
 * <p>A certificate is trusted for having been signed by the authority, whatever name it bears: peers are named by
 * addresses, and certificates of ovs-pki are not.
 *
 * <p>Threads: any.
 */
public final class TlsContexts implements TlsEngines {
    private static final Logger LOG = LoggerFactory.getLogger(TlsContexts.class);
    private static final OncePerMinute TOLD = new OncePerMinute();

    private record Contexts(
            List<FileTime> times,
            SslContext client,
            @Nullable SslContext server) {}

    private @Nullable TlsFiles files; // guarded by this
    private @Nullable Contexts contexts; // guarded by this

    /** These files count from now on; empty: none. */
    public synchronized void use(Optional<TlsFiles> wanted) {
        files = wanted.orElse(null);
        contexts = null;
    }

    @Override
    public SSLEngine client() throws IOException {
        return present().client().newEngine(UnpooledByteBufAllocator.DEFAULT);
    }

    @Override
    public SSLEngine server() throws IOException {
        SslContext server = present().server();
        if (server == null) {
            throw new IOException("CA certificate must be configured to use SSL");
        }
        return server.newEngine(UnpooledByteBufAllocator.DEFAULT);
    }

    private synchronized Contexts present() throws IOException {
        TlsFiles named = files;
        if (named == null) {
            throw new IOException("Private key must be configured to use SSL");
        }
        List<FileTime> times = times(named);
        Contexts known = contexts;
        if (known != null && known.times().equals(times)) {
            return known;
        }
        try {
            contexts = read(named, times);
            return contexts;
        } catch (IOException | IllegalArgumentException e) { // what Netty cannot read
            String why = e.getCause() == null
                    ? e.getMessage()
                    : e.getMessage() + ": " + e.getCause().getMessage();
            if (TOLD.isDue("files", e)) {
                LOG.error("SSL: {}", why);
            }
            throw new IOException(why, e);
        }
    }

    /** When each of the files was changed last; 0 of one that is not there. */
    private static List<FileTime> times(TlsFiles named) throws IOException {
        List<FileTime> times = new ArrayList<>();
        for (Path file : List.of(named.privateKey(), named.certificate(), named.caCertificate())) {
            times.add(Files.exists(file) ? Files.getLastModifiedTime(file) : FileTime.fromMillis(0));
        }
        return times;
    }

    private static Contexts read(TlsFiles named, List<FileTime> times) throws IOException {
        requireFile(named.privateKey(), "private key");
        requireFile(named.certificate(), "certificate");
        boolean bootstraps = named.bootstrapsCa() && !Files.exists(named.caCertificate());
        SslContextBuilder client = builder(SslContextBuilder.forClient(), named).endpointIdentificationAlgorithm(null);
        if (bootstraps) {
            return new Contexts(
                    times,
                    client.trustManager(new AuthorityBootstrap(named.caCertificate()))
                            .build(),
                    null);
        }
        requireFile(named.caCertificate(), "CA certificate");
        SslContextBuilder server = SslContextBuilder.forServer(
                        named.certificate().toFile(), named.privateKey().toFile())
                .clientAuth(ClientAuth.REQUIRE);
        return new Contexts(
                times,
                client.trustManager(named.caCertificate().toFile()).build(),
                server.sslProvider(SslProvider.JDK)
                        .trustManager(named.caCertificate().toFile())
                        .build());
    }

    private static SslContextBuilder builder(SslContextBuilder builder, TlsFiles named) {
        return builder.sslProvider(SslProvider.JDK)
                .keyManager(named.certificate().toFile(), named.privateKey().toFile());
    }

    private static void requireFile(Path file, String what) throws IOException {
        if (!Files.isReadable(file)) {
            throw new IOException("cannot read " + what + " " + file);
        }
    }
}
