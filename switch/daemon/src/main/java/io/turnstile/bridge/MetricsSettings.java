package io.turnstile.bridge;

import com.google.common.net.InetAddresses;
import com.google.common.primitives.Ints;
import io.turnstile.telemetry.MetricsEndpoint;
import io.turnstile.time.OncePerMinute;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Applies {@code other_config:metrics-port} and {@code metrics-address}, live: where metrics are served over HTTP;
 * without a port nowhere. A place that cannot be listened at is tried again with each change of the database, and
 * warned of once.
 *
 * <p>Threads: the reconciler's.
 */
final class MetricsSettings {
    private static final Logger LOG = LoggerFactory.getLogger(MetricsSettings.class);
    private static final OncePerMinute TOLD = new OncePerMinute();
    private static final String PORT = "metrics-port";
    private static final String ADDRESS = "metrics-address";
    private static final String LOOPBACK = "127.0.0.1";
    private static final int LAST_PORT = 65535;

    private final MetricsEndpoint endpoint;
    private final SettingsReader values = new SettingsReader("other_config");
    /** Where the endpoint listens; null if nowhere. */
    private @Nullable InetSocketAddress present;
    /** The address that could not be listened at; null if the last try went well. */
    private @Nullable InetSocketAddress failed;

    MetricsSettings(MetricsEndpoint endpoint) {
        this.endpoint = endpoint;
    }

    void reconfigure(Map<String, String> otherConfig) {
        InetSocketAddress wanted = read(otherConfig);
        if (Objects.equals(wanted, present)) {
            failed = null;
            return;
        }
        present = null;
        try {
            endpoint.listen(wanted);
            present = wanted;
            failed = null;
            LOG.info(
                    wanted == null ? "metrics are not served any more" : "metrics are served at http://{}/metrics",
                    text(wanted));
        } catch (IOException e) {
            if (wanted != null && !wanted.equals(failed) && TOLD.isDue("metrics", e)) {
                LOG.warn(
                        "other_config: {}={}: cannot listen at {}: {}; tried again with the next change",
                        PORT,
                        wanted.getPort(),
                        text(wanted),
                        e.getMessage());
            }
            failed = wanted;
        }
    }

    private static String text(@Nullable InetSocketAddress address) {
        return address == null ? "" : InetAddresses.toUriString(address.getAddress()) + ":" + address.getPort();
    }

    /** Where metrics are to be served; null if nowhere. */
    private @Nullable InetSocketAddress read(Map<String, String> otherConfig) {
        String port = otherConfig.get(PORT);
        String address = otherConfig.get(ADDRESS);
        int number = port == null ? 0 : Objects.requireNonNullElse(Ints.tryParse(port), 0);
        boolean validPort = number >= 1 && number <= LAST_PORT;
        boolean validAddress = address == null || InetAddresses.isInetAddress(address);
        values.check(PORT, port, port == null || validPort, "not a port from 1 to 65535, no metrics are served");
        values.check(ADDRESS, address, validAddress, "not an IP address, taken as " + LOOPBACK);
        InetAddress host = InetAddresses.forString(address != null && validAddress ? address : LOOPBACK);
        return validPort ? new InetSocketAddress(host, number) : null;
    }
}
