package io.turnstile.offload;

import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.PortRef;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the switch decides before a provider is asked.
 *
 * @param portPriorities {@code other_config:hw-offload-priority} of Interfaces, by datapath port number
 */
record OfferPolicy(Map<Integer, PriorityList> portPriorities) {
    /** The payload of a connection with a helper is read in software. */
    static final String CONTROL_CONNECTION = "alg control connection";

    static final String PORT_EXCLUDED = "port excluded";
    static final OfferPolicy NONE = new OfferPolicy(Map.of());

    /** One of the connection's ports is not for this provider. */
    boolean excludes(String provider, ConnView connection) {
        return !portPriorities.isEmpty()
                && (excludes(provider, connection.originalIngress()) || excludes(provider, connection.replyIngress()));
    }

    private boolean excludes(String provider, @Nullable PortRef port) {
        PriorityList list = port == null ? null : portPriorities.get(port.number());
        return list != null && !list.admits(provider);
    }
}
